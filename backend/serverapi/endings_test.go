package serverapi_test

import (
	"context"
	"encoding/base64"
	"encoding/json"
	"net/http"
	"strings"
	"testing"

	"github.com/tabard-auth/tabard/backend/api"
	"github.com/tabard-auth/tabard/backend/directory"
	"github.com/tabard-auth/tabard/backend/host"
	"github.com/tabard-auth/tabard/backend/policy"
	"github.com/tabard-auth/tabard/backend/session"
	"github.com/tabard-auth/tabard/browser_test/kit/httpbrowser"
)

// pausing is a store that pauses a mint after its first read, and lets something happen.
type pausing struct {
	host.Store
	meanwhile func()
}

func (p *pausing) Subject(ctx context.Context, id session.ID, ref string, now int64) (directory.Subject, error) {
	s, err := p.Store.Subject(ctx, id, ref, now)
	if run := p.meanwhile; run != nil {
		p.meanwhile = nil
		run()
	}
	return s, err
}

// numbered returns the number of the feed that a token carries.
func (w *backend) numbered(got httpbrowser.Response) int64 {
	w.Helper()
	payload, err := base64.RawURLEncoding.DecodeString(strings.Split(w.minted(got).AccessToken, ".")[1])
	var claims struct {
		Event int64 `json:"evt"`
	}
	if err == nil {
		err = json.Unmarshal(payload, &claims)
	}
	w.must(nil, err)
	return claims.Event
}

func (w *backend) newest() int64 {
	w.Helper()
	f, err := w.Store.Feed(w.Context())
	w.must(f, err)
	return f.Number
}

// TestToken_EndsBetweenReadAndSignature: what a mint read before an ending, it signs with a
// number that the ending refuses, however late it signs.
func TestToken_EndsBetweenReadAndSignature(t *testing.T) {
	p := &pausing{}
	w := newBackend(t, func(s host.Store) host.Store { p.Store = s; return p })
	alice := w.signedIn("alice")
	if at := w.numbered(w.mint(alice, "acme")); at != w.newest() || at == 0 {
		t.Errorf("the token's number is %d, the feed's %d", at, w.newest())
	}
	changes := map[string]func(){
		"rules": func() {
			w.must(nil, w.Store.SetOrganizationPolicy(t.Context(), "org_acme", policy.Rules{AccessTTL: 30}))
		},
		"the person's roles": func() {
			alice := directory.Member{User: directory.User{Issuer: issuer, Subject: "alice"}, Roles: []string{}}
			w.must(nil, w.Store.ChangeFileMembers(t.Context(), "org_acme", []directory.Member{alice}, nil, w.Now().Unix()))
		},
	}
	for name, change := range changes {
		p.meanwhile = change
		before := w.newest()
		at := w.numbered(w.mint(alice, "acme"))
		if after := w.newest(); after == before || at != before {
			t.Errorf("%s: the token's number is %d, the feed went from %d to %d", name, at, before, after)
		}
		if at := w.numbered(w.mint(alice, "acme")); at != w.newest() {
			t.Errorf("%s: the next token's number is %d, the feed's %d", name, at, w.newest())
		}
	}
}

// TestKeys_KindEvents are made by the administration API, for the workspace alone.
func TestKeys_KindEvents(t *testing.T) {
	w := newBackend(t, nil)
	w.wants(w.ask("POST", "/keys", `{"name":"n","kind":"events","organization":"acme"}`, w.whole), http.StatusBadRequest, api.InvalidRequest)
	w.wants(w.ask("POST", "/keys", `{"name":"n","kind":"other"}`, w.whole), http.StatusBadRequest, api.InvalidRequest)
	var k struct{ ID, Kind, Secret string }
	w.does("POST", "/keys", `{"name":"notes API","kind":"events"}`, w.whole, &k)
	if k.Kind != "events" || k.Secret == "" {
		t.Errorf("%+v", k)
	}
	w.wants(w.ask("GET", "/users", "", k.Secret), http.StatusUnauthorized, api.AdminKeyRequired)
}
