package browserapi_test

import (
	"net/http"
	"net/url"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/tabard-auth/tabard/backend/api"
	"github.com/tabard-auth/tabard/backend/directory"
	"github.com/tabard-auth/tabard/browser_test/kit/httpbrowser"
)

// signsIn applies the workspace's settings of sign-ins.
func (w *backend) signsIn(s directory.SignIn) {
	w.Helper()
	d := desired()
	d.Workspace.SignIn = s
	w.Apply(d)
}

// lives returns the Max-Age of the session cookies that an answer sets.
func lives(r httpbrowser.Response) (all []int) {
	for _, line := range r.Header["Set-Cookie"] {
		c, err := http.ParseSetCookie(line)
		if err == nil && strings.HasPrefix(c.Name, "__Host-Http-tabard.") && c.MaxAge >= 0 && !strings.Contains(line, "Expires") {
			all = append(all, c.MaxAge)
		}
	}
	return all
}

// arrival signs a person in with parameters of /login, and returns the answer to the
// callback.
func (w *backend) arrival(b *httpbrowser.Browser, query, person string) httpbrowser.Response {
	w.Helper()
	page := b.Begin(publicURL + "/login?" + query)
	found := regexp.MustCompile(`name="request" value="([^"]*)"`).FindStringSubmatch(page.Body)
	if found == nil {
		w.Fatalf("%d %s", page.Status, page.Body)
	}
	chosen := b.SubmitStep(page.URL.JoinPath("../sign-in").String(), url.Values{"request": {page.URL.RawQuery}, "person": {person}, "factor": {"pwd"}})
	return b.Step(chosen.Header.Get("Location"))
}

// TestSessionCookie_WhoDecides: the workspace decides whether a session ends with the
// browser; a page can always ask for it, and a person for more where the workspace lets
// them choose.
func TestSessionCookie_WhoDecides(t *testing.T) {
	for name, c := range map[string]struct {
		settings directory.SignIn
		query    string
		ends     bool
	}{
		"by default":                       {directory.SignIn{}, "", false},
		"the page asks":                    {directory.SignIn{}, "session_cookie=true", true},
		"nothing to ask for":               {directory.SignIn{}, "session_cookie=false", false},
		"by the workspace":                 {directory.SignIn{SessionCookie: true}, "", true},
		"the page asks for more":           {directory.SignIn{SessionCookie: true}, "session_cookie=false", true},
		"the person stays":                 {directory.SignIn{SessionCookie: true, StaySignedIn: true}, "session_cookie=false", false},
		"the person says nothing":          {directory.SignIn{SessionCookie: true, StaySignedIn: true}, "", true},
		"the person does not want to stay": {directory.SignIn{SessionCookie: true, StaySignedIn: true}, "session_cookie=true", true},
	} {
		t.Run(name, func(t *testing.T) {
			w := newBackend(t, nil)
			w.signsIn(c.settings)
			b := w.browser()
			got := lives(w.arrival(b, c.query, "alice"))
			if len(got) != 1 || (got[0] == 0) != c.ends {
				t.Fatalf("the cookie lives %v seconds", got)
			}
			// Rotation keeps it so, also once the settings have changed.
			w.signsIn(directory.SignIn{SessionCookie: !c.settings.SessionCookie})
			rotations := 0
			for range 4 {
				w.Pass(5 * time.Minute)
				answer := b.Post("/token", `{"organization":"acme","enter":true}`)
				for _, life := range lives(answer) {
					if rotations++; (life == 0) != c.ends {
						t.Errorf("after a rotation it lives %v seconds (%d)", life, answer.Status)
					}
				}
			}
			if rotations != 2 {
				t.Errorf("%d rotations", rotations)
			}
		})
	}
}

// TestSessionCookie_ServersLimitsStay: a browser that keeps the cookie nevertheless gains
// nothing: the session's absolute end and its idle limit are the server's.
func TestSessionCookie_ServersLimitsStay(t *testing.T) {
	w := newBackend(t, nil)
	w.signsIn(directory.SignIn{SessionCookie: true})
	b := w.signedIn("alice")
	w.mint(b, "acme")
	w.Pass(25 * time.Hour)
	w.wants(b.Post("/token", renews), http.StatusUnauthorized, api.SessionExpired)
}

// TestSessionCookie_StepUpKeepsIt: the session of a step-up ends as the one that it
// replaces does.
func TestSessionCookie_StepUpKeepsIt(t *testing.T) {
	w := newBackend(t, nil)
	w.signsIn(directory.SignIn{SessionCookie: true})
	b := w.signedIn("alice")
	user := w.claims(w.mint(b, "acme")).Subject
	w.signsIn(directory.SignIn{})
	if got := lives(w.arrival(b, "user="+user+"&prompt=login", "alice")); len(got) != 1 || got[0] != 0 {
		t.Errorf("the cookie lives %v seconds", got)
	}
}

// TestSessionCookie_NotByALink: a foreign link does not choose for the person that they
// stay signed in.
func TestSessionCookie_NotByALink(t *testing.T) {
	w := newBackend(t, nil)
	for asked, want := range map[string]bool{"false": false, "true": true} {
		page := w.browser().With("Sec-Fetch-Site", "cross-site").Open(publicURL + "/login?session_cookie=" + asked)
		if got := strings.Contains(linksOf(page)["Continue to sign in"], "session_cookie="); got != want {
			t.Errorf("%s: %v", asked, linksOf(page))
		}
	}
	w.wants(w.browser().Step(publicURL+"/login?session_cookie=maybe"), http.StatusBadRequest, api.InvalidRequest)
}
