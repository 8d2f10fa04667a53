package browserapi_test

import (
	"net/http"
	"net/url"
	"slices"
	"testing"

	"github.com/tabard-auth/tabard/backend/api"
	"github.com/tabard-auth/tabard/backend/directory"
	"github.com/tabard-auth/tabard/backend/session"
	"github.com/tabard-auth/tabard/browser_test/kit/httpbrowser"
)

// The app of these tests has an origin for each organization besides its own.
const (
	manyHome = "https://app.example.com"
	manyURL  = manyHome + "/auth"
	pattern  = "https://:organization.app.example.com"
)

func originOf(organization string) string { return directory.OriginFor(pattern, organization) }

// many is a backend whose app has many origins.
type many struct{ *backend }

func newMany(t *testing.T) *many {
	t.Helper()
	w := withMany(newBackend(t, nil))
	w.Provider.AlwaysPrompt = false
	return w
}

// withMany gives a backend's app an origin for each organization.
func withMany(b *backend) *many {
	d := desired()
	d.Workspace.Apps[0].Origins = []string{manyHome, pattern}
	b.Apply(d)
	w := &many{b}
	w.restart()
	for _, organization := range []string{"acme", "globex", "initech"} {
		w.Hosts[organization+".app.example.com"] = http.NotFoundHandler()
	}
	return w
}

// restart replaces the backend at manyURL with a new one, whose caches are empty.
func (w *many) restart() { w.Hosts["app.example.com"] = w.Handler(manyURL, w.Through) }

// at returns a page of an origin with that origin's device key, in a browser's profile if
// one is given.
func (w *many) at(origin string, profile ...*httpbrowser.Browser) *httpbrowser.Browser {
	w.Helper()
	b := httpbrowser.New(w, origin, manyURL)
	b.Transport, b.Now = w.Hosts, w.Now
	if len(profile) > 0 {
		b = b.Sharing(profile[0])
	}
	return b.On(httpbrowser.NewDevice(w))
}

// signInAt signs a person in at a page of an origin.
func (w *many) signInAt(b *httpbrowser.Browser, origin, person string) {
	w.Helper()
	before := len(sessionCookies(b))
	if got := b.Choose(b.Begin(manyURL+"/login?return_to="+url.QueryEscape(origin+"/")), person); len(sessionCookies(b)) != before+1 {
		w.Fatalf("%s is not signed in at %s: %d %s\n%s", person, origin, got.Status, got.Body, w.Logged)
	}
}

// handOver brings a page's session to the origin of an organization, and returns a page
// there in the same browser.
func (w *many) handOver(from *httpbrowser.Browser, organization string) *httpbrowser.Browser {
	w.Helper()
	led := w.led(from, organization)
	to := w.at(led.Origin, from)
	if got := to.Post("/handover/join", `{"code":"`+led.Code+`"}`); got.Status != http.StatusOK {
		w.Fatalf("joining at %s: %d %s\n%s", led.Origin, got.Status, got.Body, w.Logged)
	}
	return to
}

func (w *many) led(from *httpbrowser.Browser, organization string) (led api.OriginResponse) {
	w.Helper()
	got := from.Post("/handover/origin", `{"organization":"`+organization+`"}`)
	if got.Status != http.StatusOK {
		w.Fatalf("leading to %s: %d %s\n%s", organization, got.Status, got.Body, w.Logged)
	}
	got.JSON(w, &led)
	return led
}

// sessionsOf returns the live sessions of alice that pages of an origin use.
func (w *many) sessionsOf(origin string) (found []session.Session) {
	w.Helper()
	all, err := w.Store.Live(w.Context(), w.userID("alice"), "", w.Now().Unix(), 100)
	if err != nil {
		w.Fatal(err)
	}
	return slices.DeleteFunc(all, func(s session.Session) bool { return s.Origin != origin })
}

func (w *many) userID(person string) string {
	w.Helper()
	u, err := w.Store.SignIn(w.Context(), directory.User{ID: "usr_unused", Issuer: issuer, Subject: person}, w.Now().Unix())
	if err != nil {
		w.Fatal(err)
	}
	return u.ID
}
