package resource_test

import (
	"context"
	"encoding/base64"
	"encoding/json"
	"errors"
	"net/http"
	"net/http/httptest"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/tabard-auth/tabard/backend/resource"
	"github.com/tabard-auth/tabard/backend/token"
)

var linkKey = []byte("a key of links that has 32 bytes")

// newLinks returns the links of an API, and what answers requests with them below
// /organizations/{organization}/files/{file} and, of every organization, below /files/{file}.
func (w *guarded) newLinks(rule resource.Rule, keys ...[]byte) (*resource.Links, http.Handler) {
	w.Helper()
	if len(keys) == 0 {
		keys = [][]byte{linkKey}
	}
	links, err := resource.NewLinks(w.guard, resource.LinksConfig{Keys: keys})
	if err != nil {
		w.Fatal(err)
	}
	serve := http.HandlerFunc(func(rw http.ResponseWriter, r *http.Request) {
		rw.Write([]byte("the file of " + resource.OrganizationFrom(r.Context())))
	})
	mux := http.NewServeMux()
	mux.Handle("/files/{file}", links.Protect(rule, serve))
	mux.Handle("/organizations/{organization}/files/{file}", links.Protect(resource.Rule{Organization: "organization"}, serve))
	return links, mux
}

// link makes a link in a request with a token.
func (w *guarded) link(links *resource.Links, raw, method, address string) string {
	w.Helper()
	r, err := w.guard.Admit(request(api+"/links", "Authorization", "Bearer "+raw), resource.Rule{Demand: token.Demand{Lent: true}})
	if err != nil {
		w.Fatal(err)
	}
	made, err := links.Make(r.Context(), method, address)
	if err != nil {
		w.Fatal(err)
	}
	return made
}

func (w *guarded) open(mux http.Handler, method, address string) *httptest.ResponseRecorder {
	return answer(mux, httptest.NewRequest(method, api+address, nil))
}

// flipped returns a text in base64 with another first letter.
func flipped(text string) string {
	if text[0] == 'A' {
		return "B" + text[1:]
	}
	return "A" + text[1:]
}

func TestLink_OpensItsRequestAlone(t *testing.T) {
	w := newGuarded(t)
	links, mux := w.newLinks(resource.Rule{})
	plain := w.link(links, w.plain, "GET", "/files/7")
	query := w.link(links, w.plain, "GET", "/files/7?size=small")
	post := w.link(links, w.plain, "POST", "/files/7")
	_, sealed, _ := strings.Cut(plain, "link=")
	for _, c := range []struct {
		name, method, address string
		status                int
	}{
		{"its own", "GET", plain, 200},
		{"once more", "GET", plain, 200},
		{"its head", "HEAD", plain, 200},
		{"another method", "POST", plain, 403},
		{"another method's", "GET", post, 403},
		{"POST by its own", "POST", post, 200},
		{"another path", "GET", strings.Replace(plain, "/7", "/8", 1), 403},
		{"a path that means the same", "GET", strings.Replace(plain, "/7", "/%37", 1), 403},
		{"with a query", "GET", query, 200},
		{"another query", "GET", strings.Replace(query, "small", "large", 1), 403},
		{"without its query", "GET", strings.Replace(query, "size=small&", "", 1), 403},
		{"another parameter before it", "GET", strings.Replace(plain, "?", "?file=8&", 1), 403},
		{"another parameter after it", "GET", plain + "&file=8", 403},
		{"twice", "GET", plain + "&link=" + sealed, 403},
		{"altered", "GET", strings.Replace(plain, sealed, flipped(sealed), 1), 403},
		{"cut off", "GET", plain[:len(plain)-4], 403},
		{"short", "GET", "/files/7?link=AAAA", 403},
		{"empty", "GET", "/files/7?link=", 403},
		{"missing", "GET", "/files/7", 403},
	} {
		w.records = nil
		got := w.open(mux, c.method, c.address)
		if got.Code != c.status {
			t.Errorf("%s: %d %s", c.name, got.Code, got.Body)
		}
		if c.status == 403 && (!strings.Contains(got.Body.String(), `"invalid_link"`) || got.Header().Get("Cache-Control") != "no-store") {
			t.Errorf("%s: %s %v", c.name, got.Body, got.Header())
		}
		if len(w.records) != 1 || (w.records[0].Reason == "invalid_link") != (c.status == 403) {
			t.Errorf("%s is recorded as %+v", c.name, w.records)
		}
	}
	got := w.open(mux, "GET", plain)
	for name, want := range map[string]string{
		"Tabard-Organization": "org_acme", "Cache-Control": "no-store", "Referrer-Policy": "no-referrer",
		"Content-Security-Policy": "sandbox", "X-Content-Type-Options": "nosniff",
	} {
		if got.Header().Get(name) != want {
			t.Errorf("%s is %q", name, got.Header().Get(name))
		}
	}
	if got.Body.String() != "the file of org_acme" {
		t.Error(got.Body)
	}
}

func TestLink_ServesItsOrganization(t *testing.T) {
	w := newGuarded(t)
	links, mux := w.newLinks(resource.Rule{})
	own := w.link(links, w.plain, "GET", "/organizations/org_acme/files/7")
	foreign := w.link(links, w.plain, "GET", "/organizations/org_globex/files/7")
	if got := w.open(mux, "GET", own); got.Code != 200 {
		t.Errorf("%d %s", got.Code, got.Body)
	}
	w.records = nil
	got := w.open(mux, "GET", foreign)
	if got.Code != 403 || got.Header().Get("Tabard-Organization") != "org_acme" || w.records[0].Outcome != resource.Alarm {
		t.Errorf("%d %s, recorded as %+v", got.Code, got.Body, w.records)
	}
}

func TestLink_ShowsNothing(t *testing.T) {
	w := newGuarded(t)
	links, _ := w.newLinks(resource.Rule{})
	one, two := w.link(links, w.plain, "GET", "/files/7"), w.link(links, w.plain, "GET", "/files/7")
	if one == two {
		t.Error("two links are the same text")
	}
	_, sealed, _ := strings.Cut(one, "link=")
	text, err := base64.RawURLEncoding.DecodeString(sealed)
	if err != nil {
		t.Fatal(err)
	}
	for _, secret := range []string{"org_acme", "usr_", `"exp"`, w.plain, strings.Split(w.plain, ".")[1]} {
		if strings.Contains(string(text), secret) || strings.Contains(one, secret) {
			t.Errorf("%q can be read in the link", secret)
		}
	}
}

func TestLink_Ends(t *testing.T) {
	var ended bool
	var unready error
	w := newGuarded(t, func(c *resource.Config) {
		c.Ended = func(_ context.Context, claims *token.Claims) bool { return ended && claims.Event == 7 }
		c.Ready = func() error { return unready }
	})
	links, mux := w.newLinks(resource.Rule{})
	raw := w.token(func(c *token.Claims) { c.Event = 7 })
	made, begun := w.link(links, raw, "GET", "/files/7"), w.now
	check := func(what string, status int, reason string) {
		t.Helper()
		if got := w.open(mux, "GET", made); got.Code != status || !strings.Contains(got.Body.String(), reason) {
			t.Errorf("%s: %d %s", what, got.Code, got.Body)
		}
	}
	w.now = begun.Add(59 * time.Second)
	check("within its minute", 200, "")
	w.now = begun.Add(time.Minute)
	check("after it", 403, "invalid_link")
	w.now = begun
	ended = true
	check("after its session ended", 401, "session_ended")
	ended, unready = false, errors.New("the feed was not read")
	check("while endings are unknown", 503, "endings_unknown")
	unready = nil
	w.verifier.Withdraw("k1")
	check("after the token's key was withdrawn", 401, "unknown_key")
}

func TestLink_OutlivesNoToken(t *testing.T) {
	w := newGuarded(t)
	links, mux := w.newLinks(resource.Rule{})
	raw := w.token(func(c *token.Claims) { c.Expires = w.now.Unix() + 20 })
	made := w.link(links, raw, "GET", "/files/7")
	w.now = w.now.Add(20 * time.Second)
	if got := w.open(mux, "GET", made); got.Code != 403 {
		t.Errorf("%d %s", got.Code, got.Body)
	}
}

// TestLink_GivesNothingFurther checks that a link has no permission, and that no link is made
// by a link, or outside of a guarded request.
func TestLink_GivesNothingFurther(t *testing.T) {
	w := newGuarded(t)
	links, mux := w.newLinks(resource.Rule{Demand: token.Demand{Permissions: []string{"notes:read"}}})
	if got := w.open(mux, "GET", w.link(links, w.plain, "GET", "/files/7")); got.Code != 403 || !strings.Contains(got.Body.String(), "insufficient_scope") {
		t.Errorf("a permission: %d %s", got.Code, got.Body)
	}
	links, mux = w.newLinks(resource.Rule{})
	lent := w.token(func(c *token.Claims) { c.Lent = true })
	if got := w.open(mux, "GET", w.link(links, lent, "GET", "/files/7")); got.Code != 403 {
		t.Errorf("of a lent token: %d %s", got.Code, got.Body)
	}
	if made, err := links.Make(t.Context(), "GET", "/files/7"); err == nil {
		t.Errorf("outside of a request: %s", made)
	}
	handler := links.Protect(resource.Rule{}, http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		if made, err := links.Make(r.Context(), "GET", "/files/8"); err == nil {
			t.Errorf("by a link: %s", made)
		}
	}))
	first := w.link(links, w.plain, "GET", "/files/7")
	if got := answer(handler, request(api+first, "Authorization", "Bearer "+w.plain)); got.Code != 200 {
		t.Errorf("%d %s", got.Code, got.Body)
	}
}

func TestLink_Keys(t *testing.T) {
	w := newGuarded(t)
	other := []byte("another key of links of 32 bytes")
	before, _ := w.newLinks(resource.Rule{})
	made := w.link(before, w.plain, "GET", "/files/7")
	_, during := w.newLinks(resource.Rule{}, other, linkKey)
	_, after := w.newLinks(resource.Rule{}, other)
	if got := w.open(during, "GET", made); got.Code != 200 {
		t.Errorf("while the key is replaced: %d %s", got.Code, got.Body)
	}
	if got := w.open(after, "GET", made); got.Code != 403 {
		t.Errorf("after that: %d %s", got.Code, got.Body)
	}
	for name, c := range map[string]resource.LinksConfig{
		"no key": {}, "a short key": {Keys: [][]byte{[]byte("secret")}}, "a long life": {Keys: [][]byte{linkKey}, Life: time.Hour},
		"a negative life": {Keys: [][]byte{linkKey}, Life: -time.Second},
	} {
		if _, err := resource.NewLinks(w.guard, c); err == nil {
			t.Errorf("%s is accepted", name)
		}
	}
	if _, err := resource.NewLinks(nil, resource.LinksConfig{Keys: [][]byte{linkKey}}); err == nil {
		t.Error("no guard is accepted")
	}
}

// TestLink_AddressIsOfTheAPI takes only addresses and methods that browsers send as they are:
// those of @tabard/server's table.
func TestLink_AddressIsOfTheAPI(t *testing.T) {
	w := newGuarded(t)
	links, _ := w.newLinks(resource.Rule{})
	r, err := w.guard.Admit(request(api+"/links", "Authorization", "Bearer "+w.plain), resource.Rule{})
	if err != nil {
		t.Fatal(err)
	}
	type choice struct{ Taken, Refused []string }
	var table struct {
		choice
		Methods choice
	}
	text, err := os.ReadFile("../../js/server/vectors/links.json")
	if err != nil || json.Unmarshal(text, &table) != nil || len(table.Taken) < 10 || len(table.Methods.Taken) < 3 {
		t.Fatalf("%v %+v", err, table)
	}
	served := links.Protect(resource.Rule{}, http.HandlerFunc(func(http.ResponseWriter, *http.Request) {}))
	for _, address := range table.Taken {
		made, err := links.Make(r.Context(), "GET", address)
		if got := w.open(served, "GET", made); err != nil || got.Code != http.StatusOK {
			t.Errorf("%q: %v, %q is answered %d", address, err, made, got.Code)
		}
	}
	for _, address := range table.Refused {
		if made, err := links.Make(r.Context(), "GET", address); err == nil {
			t.Errorf("%q: %s", address, made)
		}
	}
	for _, method := range table.Methods.Taken {
		if _, err := links.Make(r.Context(), method, "/files/7"); err != nil {
			t.Error(err)
		}
	}
	for _, method := range table.Methods.Refused {
		if made, err := links.Make(r.Context(), method, "/files/7"); err == nil {
			t.Errorf("%q: %s", method, made)
		}
	}
}
