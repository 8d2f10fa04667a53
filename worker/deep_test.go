//go:build !js

package main_test

import (
	"encoding/json"
	"fmt"
	"net/http"
	"strings"
	"sync"
	"testing"

	"github.com/tabard-auth/tabard/browser_test/contract"
	"github.com/tabard-auth/tabard/browser_test/kit/httpbrowser"
	"github.com/tabard-auth/tabard/browser_test/kit/ports"
	"github.com/tabard-auth/tabard/web-demo/idp"
	"github.com/tabard-auth/tabard/worker/workerd"
)

// TestSignIn_DeepClaims: claims that nobody needs, and errors, may nest as deeply as fits.
// WebAssembly has no stack for parsers that call themselves for each level.
func TestSignIn_DeepClaims(t *testing.T) {
	port := ports.Hold(t)
	origin := fmt.Sprintf("http://localhost:%d", port)
	deep := json.RawMessage(strings.Repeat("[", 9000) + strings.Repeat("]", 9000))
	nest := func(claims map[string]any) { claims["x"] = deep }
	var mu sync.Mutex
	refuse := false
	issuer := startProvider(t, origin+"/auth", &idp.Quirks{Claims: nest, UserInfo: nest}, func(own http.Handler) http.Handler {
		return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			mu.Lock()
			refuses := refuse && r.URL.Path == "/token"
			mu.Unlock()
			if !refuses {
				own.ServeHTTP(w, r)
				return
			}
			w.Header().Set("Content-Type", "application/json")
			w.WriteHeader(http.StatusBadRequest)
			fmt.Fprintf(w, `{"detail":%s}`, deep)
		})
	})
	workerd.Start(t, workerd.Options{Port: port, Variables: workerd.Variables(origin+"/auth", issuer, contract.ClientID, contract.ClientSecret), Desired: contract.Desired(issuer, origin)})
	b := httpbrowser.New(t, origin, origin+"/auth")
	b.SignIn("alice")
	if r := b.Post("/token", `{"organization":"acme","enter":true}`); r.Status != http.StatusOK {
		t.Errorf("after claims of 9,000 levels the token is %d", r.Status)
	}
	mu.Lock()
	refuse = true
	mu.Unlock()
	other := httpbrowser.New(t, origin, origin+"/auth")
	if r := other.Choose(other.Login(""), "bob"); r.URL.Query().Get("tabard_error") != "invalid_response" {
		t.Errorf("an error of 9,000 levels: %d at %s", r.Status, r.URL)
	}
}
