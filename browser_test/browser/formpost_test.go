package browser

import (
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/tabard-auth/tabard/backend/directory"
	"github.com/tabard-auth/tabard/backend/host"
	"github.com/tabard-auth/tabard/backend/login"
	"github.com/tabard-auth/tabard/backend/signingkey"
	"github.com/tabard-auth/tabard/backend/store/sqlite"
	"github.com/tabard-auth/tabard/backend/store/storetest/lite"
	"github.com/tabard-auth/tabard/browser_test/kit/chrome"
	"github.com/tabard-auth/tabard/web-demo/idp/logintest"
)

// TestFormPost_InChromium: the provider's form comes from another site and carries no
// Lax cookie. The page that posts it again has a policy that also applies to redirects.
// The app is at the backend's origin, and at another origin of its site.
func TestFormPost_InChromium(t *testing.T) {
	t.Parallel()
	handlers := map[string]http.Handler{}
	serve := func(name string) *httptest.Server {
		server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { handlers[name].ServeHTTP(w, r) }))
		t.Cleanup(server.Close)
		return server
	}
	localhost := func(s *httptest.Server) string { return strings.Replace(s.URL, "127.0.0.1", "localhost", 1) }
	near, far, provider := localhost(serve("near")), localhost(serve("far")), serve("provider").URL
	page := http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { io.WriteString(w, "<!doctype html><title>App</title>") })
	p := logintest.New(t, provider)
	p.FormPost = true
	store, err := sqlite.Open(t.Context(), lite.NewFile(t))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { store.Close() })
	if _, err := store.Apply(t.Context(), directory.Desired{Workspace: directory.Workspace{Apps: []directory.App{
		{ID: "near", Name: "Near", Origins: []string{near}, Audience: "near"}, {ID: "far", Name: "Far", Origins: []string{far}, Audience: "far"},
	}}}, 1_800_000_000); err != nil {
		t.Fatal(err)
	}
	secret, _ := signingkey.NewSecret()
	backend, err := host.New(host.Config{
		PublicURL: near + "/auth", Secret: secret,
		Provider: login.Config{Issuer: provider, ClientID: logintest.ClientID, ClientSecret: logintest.ClientSecret, ResponseMode: "form_post"},
	}, store)
	if err != nil {
		t.Fatal(err)
	}
	mux := http.NewServeMux()
	mux.Handle("/", page)
	mux.Handle("/auth/", backend)
	handlers["near"], handlers["far"], handlers["provider"] = mux, page, p
	browser := chrome.New(t)
	for _, origin := range []string{near, far} {
		tab := chrome.Tab(t, browser)
		chrome.Go(t, tab, origin+"/")
		chrome.Eval[bool](t, tab, `location.assign("`+near+`/auth/login?return_to=`+origin+`/notes"), true`)
		chrome.Await(t, tab, `document.querySelector("#anybody") !== null`)
		chrome.Eval[bool](t, tab, `document.querySelector("#anybody").value = "alice", true`)
		chrome.Press(t, tab, "#sign-in")
		chrome.Await(t, tab, `location.href === "`+origin+`/notes"`)
		chrome.AwaitPromise(t, tab, `fetch("`+near+`/auth/session", {credentials: "include"}).then((r) => String(r.status))`, "200")
	}
}
