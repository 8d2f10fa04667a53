package serverapi_test

import (
	"fmt"
	"net/http"
	"strings"
	"testing"

	"github.com/tabard-auth/tabard/backend/api"
	"github.com/tabard-auth/tabard/backend/directory"
	"github.com/tabard-auth/tabard/backend/directory/workspacefile"
	"github.com/tabard-auth/tabard/backend/remote"
)

// lossy loses the answer to each request when it is first sent, and refuses some as too
// many.
type lossy struct {
	http.RoundTripper
	sent map[string]int
}

func (l lossy) RoundTrip(r *http.Request) (*http.Response, error) {
	at := r.Method + " " + r.URL.Path
	l.sent[at]++
	answer, err := l.RoundTripper.RoundTrip(r)
	if err == nil && l.sent[at] == 1 && r.Method == http.MethodPost && strings.HasSuffix(at, "/organizations") {
		answer.Body.Close()
		return nil, fmt.Errorf("the answer was lost")
	}
	return answer, err
}

func remoteFile(t *testing.T, organizations string) directory.Desired {
	t.Helper()
	d, err := workspacefile.Parse([]byte("issuer: " + issuer + "\napps: [{id: a, origins: [https://a.test], audience: api}]\nroles: {viewer: [read], editor: [read]}\norganizations: " + strings.Replace("\n"+organizations, "\n[]", "[]", 1)))
	if err != nil {
		t.Fatal(err)
	}
	return d
}

// TestRemoteApply applies a workspace file by the administration API: a second time
// without changes, and without touching members that an administrator admitted.
func TestRemoteApply(t *testing.T) {
	w := newBackend(t, nil)
	client, err := remote.New(publicURL, w.whole, lossy{w.Hosts, map[string]int{}})
	if err != nil {
		t.Fatal(err)
	}
	var lines []string
	apply := func(organizations string, dry bool) directory.Changes {
		t.Helper()
		lines = nil
		d := remoteFile(t, organizations)
		changes, err := client.Apply(t.Context(), d, remote.ApplyOptions{DryRun: dry, OnDifference: func(d directory.Difference) { lines = append(lines, d.String()) }})
		if err != nil {
			t.Fatal(err)
		}
		return changes
	}
	crowd := func(n int) string {
		text := "- {slug: initech, name: Initech, policy: {access_ttl: 60}, members: ["
		for i := range n {
			text += fmt.Sprintf("{sub: p%d, name: %q, roles: [viewer]}, ", i, strings.Repeat("n", i%200))
		}
		return text + "]}\n"
	}
	apply("[]", false) // the workspace's policy is as the file says from here on
	want := directory.Changes{Organizations: directory.Count{Added: 1}, Members: directory.Count{Added: 250}}
	if got := apply(crowd(250), true); got != want || len(lines) != 251 {
		t.Errorf("dry: %+v, %d lines", got, len(lines))
	}
	if got := apply(crowd(250), false); got != want {
		t.Errorf("first: %+v", got)
	}
	if got := apply(crowd(250), false); !got.None() {
		t.Errorf("again: %+v, %v", got, lines)
	}
	w.does("POST", "/organizations/initech/members", `{"iss":"`+issuer+`","sub":"dana","roles":["editor"]}`, w.whole, nil)
	if got := apply(crowd(10), false); got != (directory.Changes{Members: directory.Count{Removed: 240}}) {
		t.Errorf("fewer: %+v", got)
	}
	renamed := strings.Replace(crowd(9), "name: Initech", "name: Initrode", 1) + "- {slug: acme, name: Acme, disabled: true, members: [{sub: dana, roles: [viewer]}]}\n"
	apply(renamed, false)
	if got := apply(renamed, false); !got.None() {
		t.Errorf("renamed, again: %+v, %v", got, lines)
	}
	if got := w.ask("GET", "/organizations/initech/members?limit=200", "", w.whole); strings.Count(got.Body, `"status":"member"`) != 10 || !strings.Contains(got.Body, `"dana"`) {
		t.Errorf("%s", got.Body)
	}

	_, err = client.Apply(t.Context(), remoteFile(t, "- {id: org_new, slug: newer, name: New}\n"), remote.ApplyOptions{})
	if conflicts, is := err.(directory.Conflicts); !is || len(conflicts) != 1 || conflicts[0].Line != 5 {
		t.Errorf("%v", err)
	}
}

// TestApplyMembers_Refusals: a key to one organization cannot manage a membership of the
// file, and a refused request changes no row.
func TestApplyMembers_Refusals(t *testing.T) {
	w := newBackend(t, nil)

	good := `{"iss":"` + issuer + `","sub":"new","roles":["viewer"]}`
	for body, code := range map[string]api.Code{
		`{}`: api.InvalidRequest, `{"members":[` + good + `,{"iss":"` + issuer + `","sub":"other","roles":["none"]}]}`: api.InvalidRequest,
		`{"members":[` + good + `,{"iss":"con_none","sub":"a","roles":[]}]}`: api.NotFound,
		`{"members":[` + good + `,{"iss":"` + issuer + `","sub":"other"}]}`:  api.InvalidRequest, `{"removed":["a:b"]}`: api.NotFound,
	} {
		if got := w.ask("POST", "/organizations/acme/file-members", body, w.whole); !strings.Contains(got.Body, string(code)) {
			t.Errorf("%s: %d %s", body, got.Status, got.Body)
		}
	}
	if got := w.ask("POST", "/organizations/acme/file-members", `{"members":[`+good+`]}`, w.acme); !strings.Contains(got.Body, string(api.AdminAccessDenied)) {
		t.Errorf("%d %s", got.Status, got.Body)
	}
	if got := w.ask("GET", "/organizations/acme/members", "", w.whole); strings.Contains(got.Body, `"new"`) {
		t.Errorf("something was changed: %s", got.Body)
	}
}

func TestRemote_RefusesWhatWouldCarryTheKeyInTheClear(t *testing.T) {
	for address, ok := range map[string]bool{
		"https://app.example.com/auth": true, "http://localhost:8787": true, "http://app.example.com/auth": false,
		"app.example.com": false, "https://u:p@app.example.com": false, "https://app.example.com/?a=b": false,
	} {
		if _, err := remote.New(address, "key", nil); (err == nil) != ok {
			t.Errorf("%s: %v", address, err)
		}
	}
}
