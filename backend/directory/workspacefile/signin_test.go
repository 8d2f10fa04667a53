package workspacefile_test

import (
	"strings"
	"testing"

	"github.com/tabard-auth/tabard/backend/directory"
	"github.com/tabard-auth/tabard/backend/directory/workspacefile"
)

func TestParse_SignIn(t *testing.T) {
	d, err := workspacefile.Parse([]byte(with("sign_in: {session_cookie: true, stay_signed_in: true, max_sessions: 3, at_limit: refuse}")))
	want := directory.SignIn{SessionCookie: true, StaySignedIn: true, MaxSessions: 3, AtLimit: directory.RefuseSignIn}
	if err != nil || d.Workspace.SignIn != want {
		t.Errorf("%+v, %v", d.Workspace.SignIn, err)
	}
	d, err = workspacefile.Parse([]byte(with("sign_in: {revalidate: 5m, revalidate_grace: 2h}")))
	if want := (directory.SignIn{Revalidation: directory.Revalidation{Revalidate: 300, RevalidateGrace: 7200}}); err != nil || d.Workspace.SignIn != want {
		t.Errorf("%+v, %v", d.Workspace.SignIn, err)
	}
	for text, want := range map[string]string{
		"{revalidate: 59s}":                      "between 1m0s and 24h0m0s",
		"{revalidate: 25h}":                      "between 1m0s and 24h0m0s",
		"{revalidate_grace: 1h}":                 "revalidate_grace needs revalidate",
		"{revalidate: 2h, revalidate_grace: 1h}": "between the value of revalidate and 168h",
		"{max_sessions: 0}":                      "expected a number from 1 to 100",
		"{max_sessions: 101}":                    "expected a number from 1 to 100",
		"{max_sessions: many}":                   "expected a number from 1 to 100",
		"{max_sessions: 2, at_limit: newest}":    "at_limit must be oldest or refuse",
		"{at_limit: refuse}":                     "at_limit needs max_sessions",
		"{stay_signed_in: true}":                 "stay_signed_in needs session_cookie: true",
		"{session_cookie: often}":                "",
		"{remember: true}":                       `unknown field "remember"`,
	} {
		if _, err := workspacefile.Parse([]byte(with("sign_in: " + text))); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: %v", text, err)
		}
	}
}
