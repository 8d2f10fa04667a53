//go:build !js

package main_test

import (
	"encoding/json"
	"fmt"
	"net/http"
	"strings"
	"testing"

	"github.com/tabard-auth/tabard/browser_test/contract"
	"github.com/tabard-auth/tabard/browser_test/kit/httpbrowser"
	"github.com/tabard-auth/tabard/browser_test/kit/ports"
	"github.com/tabard-auth/tabard/web-demo/idp"
	"github.com/tabard-auth/tabard/worker/workerd"
)

// TestSignIn_DeepClaims: a claim that nobody needs may nest as deeply as it fits into the
// identity token or userinfo. WebAssembly has no stack for code that calls itself for each
// level.
func TestSignIn_DeepClaims(t *testing.T) {
	t.Parallel()
	deep := json.RawMessage(strings.Repeat("[", 9000) + strings.Repeat("]", 9000))
	nest := func(claims map[string]any) { claims["x"] = deep }
	quirks := &idp.Quirks{}
	port := ports.Hold(t)
	origin := fmt.Sprintf("http://localhost:%d", port)
	issuer := startProvider(t, origin+"/auth", quirks, func(own http.Handler) http.Handler { return own })
	workerd.Start(t, workerd.Options{Port: port, Variables: workerd.Variables(origin+"/auth", issuer, contract.ClientID, contract.ClientSecret), Desired: contract.Desired(issuer, origin)})
	for name, changed := range map[string]idp.Quirks{"in the identity token": {Claims: nest}, "in userinfo": {UserInfo: nest}} {
		t.Run(name, func(t *testing.T) {
			*quirks = changed // no request is under way
			b := httpbrowser.New(t, origin, origin+"/auth")
			b.SignIn("alice")
			if r := b.Post("/token", `{"organization":"acme","enter":true}`); r.Status != http.StatusOK {
				t.Errorf("the token is %d", r.Status)
			}
		})
	}
}
