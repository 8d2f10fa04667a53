//go:build !js

package main_test

import (
	"fmt"
	"testing"

	"github.com/tabard-auth/tabard/browser_test/contract"
	"github.com/tabard-auth/tabard/worker/workerd"
)

// start runs the Worker with the contract's workspace and provider,
// by one of its scripts.
func start(t *testing.T, entry string) contract.Target {
	t.Helper()
	port := workerd.FreePort(t)
	origin := fmt.Sprintf("http://localhost:%d", port)
	target := contract.Target{PublicURL: origin + "/auth", Origin: origin}
	issuer := contract.Provider(t, target.PublicURL, origin)
	workerd.Start(t, workerd.Options{
		Port: port, Entry: entry,
		Variables: workerd.Variables(target.PublicURL, issuer, contract.ClientID, contract.ClientSecret),
		Desired:   contract.Desired(issuer, origin),
	})
	return target
}

func TestTheWorker(t *testing.T) {
	target := start(t, "entry.mjs")
	t.Run("keeps the contract", func(t *testing.T) { contract.Run(t, target) })
	t.Run("serves the browser module and the face as the server does", func(t *testing.T) { clientFilesAreServed(t, target) })
}
