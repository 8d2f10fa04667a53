package browserapi_test

import (
	"context"
	"net/http"
	"net/http/httptest"
	"net/url"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/golang-jwt/jwt/v5"

	"github.com/tabard-auth/tabard/backend/api"
	"github.com/tabard-auth/tabard/backend/directory"
	"github.com/tabard-auth/tabard/backend/host"
	"github.com/tabard-auth/tabard/browser_test/kit/httpbrowser"
)

// TestProof_UnknownKeyNotRemembered checks that such a proof does not fill the memory
// of used proofs.
func TestProof_UnknownKeyNotRemembered(t *testing.T) {
	w := newBackend(t, nil)
	b, device := w.signedInOn("alice")
	w.mint(b, "acme")
	stranger := httpbrowser.NewDevice(t).Proof(t, http.MethodPost, publicURL+"/token", w.Now())
	for range 2 {
		w.wants(b.With("DPoP", stranger).Post("/token", enterAcme), http.StatusUnauthorized, api.DeviceKeyMismatch)
	}
	own := device.Proof(t, http.MethodPost, publicURL+"/token", w.Now())
	if got := b.With("DPoP", own).Post("/token", enterAcme); got.Status != http.StatusOK {
		t.Errorf("the session's own: %d %s", got.Status, got.Body)
	}
	w.wants(b.With("DPoP", own).Post("/token", enterAcme), http.StatusBadRequest, api.InvalidDPoPProof)
}

// reads counts reads of the workspace.
type reads struct {
	host.Store
	workspace atomic.Int64
}

func (r *reads) Workspace(ctx context.Context) (*directory.Workspace, error) {
	r.workspace.Add(1)
	return r.Store.Workspace(ctx)
}

// TestWorkspace_NotReadForUnknownOrigins checks that requests for an unknown app do not
// reload the workspace, and that a new app works as soon as it is applied.
func TestWorkspace_NotReadForUnknownOrigins(t *testing.T) {
	var counted reads
	w := newBackend(t, func(s host.Store) host.Store { counted.Store = s; return &counted })
	const late = "http://localhost:9100"
	unknown := map[string]func() httpbrowser.Response{
		"an Origin":   func() httpbrowser.Response { return w.Browser(late).Get("/session") },
		"a preflight": func() httpbrowser.Response { return w.Browser(late).Fetch(http.MethodOptions, "/token", "") },
		"an app":      func() httpbrowser.Response { return w.browser().Login("app=late") },
		"an address":  func() httpbrowser.Response { return w.browser().Login("return_to=" + url.QueryEscape(late+"/")) },
		"an app, and address": func() httpbrowser.Response {
			return w.browser().Login("app=late&return_to=" + url.QueryEscape(late+"/"))
		},
	}
	w.browser().Get("/session")
	before := counted.workspace.Load()
	for name, ask := range unknown {
		for range 20 {
			if got := ask(); got.Status != http.StatusForbidden && got.Status != http.StatusBadRequest {
				t.Fatalf("%s: %d %s", name, got.Status, got.Body)
			}
		}
	}
	if n := counted.workspace.Load() - before; n != 0 {
		t.Errorf("the workspace was read %d times for a hundred requests", n)
	}
	d := desired()
	for name, ask := range unknown {
		d.Workspace.Apps = append(slices.Clone(desired().Workspace.Apps), directory.App{ID: "late", Name: name, Origins: []string{late}, Audience: late})
		w.Apply(d)
		if got := ask(); got.Status == http.StatusForbidden || got.Status == http.StatusBadRequest {
			t.Errorf("%s, once it is there: %d %s", name, got.Status, got.Body)
		}
		w.Apply(desired())
		w.signIn(w.browser(), "alice") // reloads the workspace
	}
}

// connections counts and signals reads of a connection.
type connections struct {
	host.Store
	read chan struct{}
}

func (c *connections) Connection(ctx context.Context, id string) (directory.Connection, error) {
	c.read <- struct{}{}
	return c.Store.Connection(ctx, id)
}

// TestLogout_ForgedAtHangingProvider checks that two hundred concurrent tokens cause
// one request to the provider.
func TestLogout_ForgedAtHangingProvider(t *testing.T) {
	counted := connections{read: make(chan struct{}, 1000)}
	w := newBackend(t, func(s host.Store) host.Store { counted.Store = s; return &counted })
	p := w.connect("acme", directory.Provisioning{})
	var asked atomic.Int64
	hung, answer := make(chan struct{}, 1000), make(chan struct{})
	p.Endpoints = map[string]http.HandlerFunc{"/.well-known/openid-configuration": func(rw http.ResponseWriter, r *http.Request) {
		asked.Add(1)
		hung <- struct{}{}
		<-answer
		rw.WriteHeader(http.StatusBadGateway)
	}}
	forged := w.logoutToken("alice", func(jwt.MapClaims) {})
	var all sync.WaitGroup
	for range 200 {
		all.Go(func() {
			r := httptest.NewRequest(http.MethodPost, publicURL+"/backchannel-logout/con_acme", strings.NewReader(url.Values{"logout_token": {forged}}.Encode()))
			r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
			got := httptest.NewRecorder()
			w.Hosts["localhost:8080"].ServeHTTP(got, r)
			if got.Code < 400 {
				t.Errorf("%d %s", got.Code, got.Body)
			}
		})
	}
	for range 200 {
		<-counted.read
	}
	<-hung
	close(answer)
	all.Wait()
	if n := asked.Load(); n != 1 {
		t.Errorf("the provider was asked %d times", n)
	}
}
