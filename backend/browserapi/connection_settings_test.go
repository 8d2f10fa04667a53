package browserapi_test

import (
	"crypto/elliptic"
	"net/http"
	"strings"
	"testing"

	"github.com/tabard-auth/tabard/backend/api"
	"github.com/tabard-auth/tabard/backend/directory"
	"github.com/tabard-auth/tabard/backend/login"
	"github.com/tabard-auth/tabard/browser_test/kit/backendtest"
	"github.com/tabard-auth/tabard/web-demo/idp"
	"github.com/tabard-auth/tabard/web-demo/idp/logintest"
)

// TestClientKey_IsServed checks the published client key.
func TestClientKey_IsServed(t *testing.T) {
	w := newBackend(t, nil)
	w.wants(w.browser().Get(api.PathClientKeySet), http.StatusNotFound, api.NotFound)
	key := backendtest.NewClientKey(t, elliptic.P256())
	w.Relying = func(c *login.Config) { c.ClientKey = key }
	w.Restart()
	w.Provider.ClientAuth = []string{"private_key_jwt"}
	w.Provider.ClientKeys = func() []byte { return []byte(w.browser().Get(api.PathClientKeySet).Body) }
	answer := w.browser().Get(api.PathClientKeySet)
	if answer.Status != http.StatusOK || strings.Contains(answer.Body, `"d"`) || !strings.Contains(answer.Body, `"kid"`) {
		t.Errorf("%d %s", answer.Status, answer.Body)
	}
	w.mint(w.signedIn("alice"), "acme")
}

// TestConnection_CompanySettings checks pushed requests, private_key_jwt and form_post
// as settings of one connection. The workspace's provider is not affected.
func TestConnection_CompanySettings(t *testing.T) {
	w := newBackend(t, nil)
	key := backendtest.NewClientKey(t, elliptic.P256())
	w.Relying = func(c *login.Config) { c.ClientKey = key }
	w.Provider.ClientAuth, w.Provider.ClientKeys = []string{"private_key_jwt"}, func() []byte { return key.Set() }
	w.Restart()
	p := logintest.New(w, "https://login.acme.example")
	p.Now, w.Hosts["login.acme.example"] = w.Now, p
	p.PushedRequests, p.FormPost = idp.PushAllowed, true
	p.ClientAuth, p.ClientKeys = []string{"private_key_jwt"}, func() []byte { return key.Set() }
	if err := w.Store.CreateConnection(w.Context(), directory.Connection{
		ID: "con_acme", OrganizationID: "org_acme", Issuer: p.Issuer, ClientID: logintest.ClientID,
		ClientAuth: directory.PrivateKeyJWT, ResponseMode: "form_post", PushRequests: true,
		Provisioning: directory.Provisioning{JustInTime: true, Roles: []string{"viewer"}},
	}, w.Now().Unix()); err != nil {
		t.Fatal(err)
	}
	w.enable("acme")
	b := w.browser()
	page := b.Login("organization=acme")
	if page.URL.Query().Has("state") || !page.URL.Query().Has("request_uri") {
		t.Fatalf("the browser brings %s", page.URL)
	}
	posts(b, posts(b, b.Choose(page, "nina")))
	w.mint(b, "acme")
	w.mint(w.signedIn("alice"), "globex")
}

// TestConnection_WithoutClientKey checks that a missing client key is logged as a fault
// of the deployment.
func TestConnection_WithoutClientKey(t *testing.T) {
	w := newCountedBackend(t, nil)
	p := logintest.New(w, "https://login.acme.example")
	w.Hosts["login.acme.example"] = p
	if err := w.Store.CreateConnection(w.Context(), directory.Connection{
		ID: "con_acme", OrganizationID: "org_acme", Issuer: p.Issuer, ClientID: logintest.ClientID, ClientAuth: directory.PrivateKeyJWT,
	}, w.Now().Unix()); err != nil {
		t.Fatal(err)
	}
	w.enable("acme")
	w.browser().Login("organization=acme")
	if got := recordOf(w, "/login"); got.Level != "ERROR" || got.Fault != "client" || !strings.Contains(got.Cause, "--oidc-client-key-file") {
		t.Errorf("%+v", got)
	}
	w.counts(`tabard_provider_faults_total{what="client"} 1`)
}
