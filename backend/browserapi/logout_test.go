package browserapi_test

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/tabard-auth/tabard/backend/api"
	"github.com/tabard-auth/tabard/backend/directory"
	"github.com/tabard-auth/tabard/backend/host"
	"github.com/tabard-auth/tabard/backend/session"
)

func TestLogout_OneOrganization(t *testing.T) {
	w := newBackend(t, nil)
	b := w.signedIn("alice")
	w.mint(b, "acme")
	w.mint(b, "globex")
	out := b.Post("/logout", `{"scope":"organization","organization":"acme"}`)
	if out.Status != http.StatusOK || len(out.Cookies()) != 0 || strings.Contains(out.Body, "end_session_url") {
		t.Errorf("%d %s %v", out.Status, out.Body, out.Cookies())
	}
	w.wants(b.Post("/token", `{"organization":"acme"}`), http.StatusUnauthorized, api.OrganizationSessionExpired)
	w.wants(b.Post("/token", `{"organization":"org_acme"}`), http.StatusUnauthorized, api.OrganizationSessionExpired)
	if got := b.Post("/token", `{"organization":"globex"}`); got.Status != http.StatusOK {
		t.Errorf("globex: %d %s", got.Status, got.Body)
	}
	w.mint(b, "acme") // the user enters it again
	if got := b.Post("/token", `{"organization":"acme"}`); got.Status != http.StatusOK {
		t.Errorf("after entering anew: %d %s", got.Status, got.Body)
	}
}

func TestLogout_OrganizationNeverEntered(t *testing.T) {
	w := newBackend(t, nil)
	b := w.signedIn("alice")
	if out := b.Post("/logout", `{"scope":"organization","organization":"acme"}`); out.Status != http.StatusOK {
		t.Fatalf("%d %s", out.Status, out.Body)
	}
	w.wants(b.Post("/token", `{"organization":"acme"}`), http.StatusUnauthorized, api.OrganizationSessionExpired)
}

func TestLogout_EndsSessionAndCookie(t *testing.T) {
	w := newBackend(t, nil)
	b := w.signedIn("alice")
	other := w.signedIn("alice")
	name, _ := w.theSession(b)
	kept := b.Copy()
	var told api.LogoutResponse
	out := b.Post("/logout", `{"scope":"session"}`)
	out.JSON(t, &told)
	if !slices.Equal(cleared(out), []string{name}) {
		t.Errorf("cleared %v", cleared(out))
	}
	if !strings.HasPrefix(told.EndSessionURL, issuer+"/end-session?") || !strings.Contains(told.EndSessionURL, "id_token_hint=ey") {
		t.Errorf("the provider's end is %s", told.EndSessionURL)
	}
	w.wants(kept.Copy().Post("/token", `{"organization":"acme"}`), http.StatusUnauthorized, api.SessionRevoked)
	w.wants(kept.Copy().Get("/session"), http.StatusUnauthorized, api.SessionRevoked)
	w.mint(other, "acme") // another device
}

func TestLogout_Everywhere(t *testing.T) {
	w := newBackend(t, nil)
	b, other, bob := w.signedIn("alice"), w.signedIn("alice"), w.signedIn("bob")
	if out := b.Post("/logout", `{"scope":"everywhere"}`); out.Status != http.StatusOK || len(cleared(out)) != 1 {
		t.Errorf("%d %s", out.Status, out.Body)
	}
	w.wants(other.Post("/token", `{"organization":"acme"}`), http.StatusUnauthorized, api.SessionRevoked)
	w.mint(bob, "acme")
}

func TestLogout_Twice(t *testing.T) {
	w := newBackend(t, nil)
	b := w.signedIn("alice")
	kept := b.Copy()
	for range 2 {
		if out := kept.Copy().Post("/logout", `{"scope":"session"}`); out.Status != http.StatusOK || len(cleared(out)) != 1 {
			t.Errorf("%d %s %v", out.Status, out.Body, out.Cookies())
		}
	}
	if out := w.browser().Post("/logout", `{"scope":"session"}`); out.Status != http.StatusOK {
		t.Errorf("with no cookie: %d %s", out.Status, out.Body)
	}
}

// TestLogout_OldToken checks that an old authentic token ends its session without a
// theft alarm.
func TestLogout_OldToken(t *testing.T) {
	w := newBackend(t, nil)
	b := w.signedIn("alice")
	stale := b.Copy()
	for range 3 {
		w.Pass(time.Duration(session.LimitsFor(false).R) * time.Second)
		w.mint(b, "acme")
		w.mint(b, "acme")
	}
	if out := stale.Post("/logout", `{"scope":"session"}`); out.Status != http.StatusOK {
		t.Fatalf("%d %s", out.Status, out.Body)
	}
	w.wants(b.Post("/token", `{}`), http.StatusUnauthorized, api.SessionRevoked)
}

func TestLogout_ForgedToken(t *testing.T) {
	w := newBackend(t, nil)
	b := w.signedIn("alice")
	name, value := w.theSession(b)
	for _, scope := range []string{"session", "everywhere"} {
		b.Copy().With("Cookie", name+"="+tampered(value)).Post("/logout", `{"scope":"`+scope+`"}`)
	}
	w.mint(b, "acme")
}

func TestLogout_Scopes(t *testing.T) {
	w := newBackend(t, nil)
	for _, body := range []string{
		`{}`, `{"scope":""}`, `{"scope":"all"}`, `{"scope":"SESSION"}`, `{"scope":"organization"}`,
		`{"scope":"session","organization":"acme"}`, `{"scope":"everywhere","organization":"acme"}`, `{"organization":"acme"}`,
	} {
		w.wants(w.browser().Post("/logout", body), http.StatusBadRequest, api.InvalidRequest)
		b := w.signedIn("alice")
		w.wants(b.Post("/logout", body), http.StatusBadRequest, api.InvalidRequest)
		w.mint(b, "acme")
	}
}

// betweenStore runs a step after the handler has read the subject of a request.
type betweenStore struct {
	host.Store
	step func()
}

func (s *betweenStore) Subject(ctx context.Context, id session.ID, ref string, now int64) (directory.Subject, error) {
	subject, err := s.Store.Subject(ctx, id, ref, now)
	if step := s.step; step != nil {
		s.step = nil
		step()
	}
	return subject, err
}

func TestLogout_ConcurrentMintOfOrganization(t *testing.T) {
	for _, entered := range []bool{false, true} {
		for _, body := range []string{`{"organization":"acme"}`, `{"organization":"acme","enter":true}`} {
			store := &betweenStore{}
			w := newBackend(t, func(s host.Store) host.Store { store.Store = s; return store })
			b := w.signedIn("alice")
			if entered {
				w.mint(b, "acme")
			}
			other := b.Tab()
			store.step = func() { other.Post("/logout", `{"scope":"organization","organization":"acme"}`) }
			late := b.Post("/token", body)
			if !entered { // there was no organization session yet
				w.wants(late, http.StatusUnauthorized, api.OrganizationSessionExpired)
			}
			w.wants(b.Post("/token", `{"organization":"acme"}`), http.StatusUnauthorized, api.OrganizationSessionExpired)
		}
	}
}

func TestLogout_ConcurrentMint(t *testing.T) {
	store := &betweenStore{}
	w := newBackend(t, func(s host.Store) host.Store { store.Store = s; return store })
	b := w.signedIn("alice")
	kept := b.Copy()
	w.Pass(time.Duration(session.LimitsFor(false).R) * time.Second)
	store.step = func() { b.Copy().Post("/logout", `{"scope":"session"}`) }
	for _, c := range b.Post("/token", `{"organization":"acme"}`).Cookies() {
		if c.MaxAge > 0 {
			kept.SetCookie(c.Name, c.Value)
		}
	}
	w.wants(kept.Post("/token", `{"organization":"acme"}`), http.StatusUnauthorized, api.SessionRevoked)
}

// TestLogout_ReturnsToPage checks the return to the page's own origin, or to the
// address that it names.
func TestLogout_ReturnsToPage(t *testing.T) {
	w := newBackend(t, nil)
	d := desired()
	const second = "http://127.0.0.1:8080"
	d.Workspace.Apps[0].Origins = append(d.Workspace.Apps[0].Origins, second)
	w.Apply(d)
	for name, test := range map[string]struct{ origin, returnTo, want string }{
		"the first origin":       {origin, "", origin + "/"},
		"the second origin":      {second, "", second + "/"},
		"below a base path":      {origin, origin + "/app/", origin + "/app/"},
		"a path of the second":   {second, "/app/", second + "/app/"},
		"another of the app":     {origin, second + "/app/", second + "/app/"},
		"of nobody":              {second, "https://evil.example/", second + "/"},
		"of nobody, as a path":   {second, "//evil.example/", second + "/"},
		"of nobody, in disguise": {second, `\\evil.example/`, second + "/"},
		"a long one":             {origin, "/" + strings.Repeat("a", 1500), origin + "/"},
	} {
		b := w.signedIn("alice")
		var out api.LogoutResponse
		body, err := json.Marshal(api.LogoutRequest{Scope: api.ScopeSession, ReturnTo: test.returnTo})
		if err != nil {
			t.Fatal(err)
		}
		got := b.With("Origin", test.origin).With("Sec-Fetch-Site", "same-site").Post("/logout", string(body))
		got.JSON(t, &out)
		end, err := url.Parse(out.EndSessionURL)
		if err != nil || got.Status != http.StatusOK || end.Query().Get("post_logout_redirect_uri") != test.want {
			t.Errorf("%s: %d, %s", name, got.Status, out.EndSessionURL)
		}
	}
}

// TestLogout_AppBelowPath checks that the return address is the app's path, since
// another site owns the origin. The same holds for a sign-in without an address.
func TestLogout_AppBelowPath(t *testing.T) {
	w := newBackend(t, nil)
	d := desired()
	d.Workspace.Apps[0].Path = "/app/"
	w.Apply(d)
	b := w.browser()
	if landed := b.Choose(b.Login("app=web"), "alice"); landed.URL.String() != origin+"/app/" {
		t.Errorf("the sign-in landed at %s", landed.URL)
	}
	var out api.LogoutResponse
	b.Post("/logout", `{"scope":"session"}`).JSON(t, &out)
	end, err := url.Parse(out.EndSessionURL)
	if err != nil || end.Query().Get("post_logout_redirect_uri") != origin+"/app/" {
		t.Errorf("it returns by %s", out.EndSessionURL)
	}
}

// TestLogout_LargeIdentityToken checks that a large identity token is left out of the
// address.
func TestLogout_LargeIdentityToken(t *testing.T) {
	for _, n := range []int{60, 600} {
		w := newBackend(t, nil)
		groups := make([]string, n)
		for i := range groups {
			groups[i] = fmt.Sprintf("%08d-0000-0000-0000-000000000000", i)
		}
		w.Provider.Claims = func(claims map[string]any) { claims["groups"] = groups }
		var out api.LogoutResponse
		w.signedIn("alice").Post("/logout", `{"scope":"session"}`).JSON(t, &out)
		end, err := url.Parse(out.EndSessionURL)
		if err != nil || len(out.EndSessionURL) > 2000 || end.Query().Has("id_token_hint") || !end.Query().Has("client_id") ||
			end.Query().Get("post_logout_redirect_uri") != origin+"/" {
			t.Errorf("%d groups: %d characters, %.200s", n, len(out.EndSessionURL), out.EndSessionURL)
		}
	}
}
