//go:build !js

package main_test

import (
	"fmt"
	"testing"

	"github.com/tabard-auth/tabard/browser_test/contract"
	"github.com/tabard-auth/tabard/worker/workerd"
)

// start runs the Worker with the contract's workspace and provider.
func start(t *testing.T) contract.Target {
	t.Helper()
	port := workerd.FreePort(t)
	origin := fmt.Sprintf("http://localhost:%d", port)
	target := contract.Target{PublicURL: origin + "/auth", Origin: origin}
	issuer := contract.Provider(t, target.PublicURL, origin)
	workerd.Start(t, workerd.Options{
		Port:      port,
		Variables: workerd.Variables(target.PublicURL, issuer, contract.ClientID, contract.ClientSecret),
		Desired:   contract.Desired(issuer, origin),
	})
	return target
}

func TestTheContractHoldsOnWorkerd(t *testing.T) {
	contract.Run(t, start(t))
}
