package contract

import (
	"io"
	"net/http"
	"net/url"
	"os/exec"
	"strings"
	"testing"
	"time"

	"github.com/tabard-auth/tabard/backend/admin"
	"github.com/tabard-auth/tabard/backend/audit"
	"github.com/tabard-auth/tabard/backend/serverapi/adminapi"
	"github.com/tabard-auth/tabard/backend/signingkey"
	"github.com/tabard-auth/tabard/backend/store/sqlstore"
	"github.com/tabard-auth/tabard/browser_test/kit/httpbrowser"
	"github.com/tabard-auth/tabard/browser_test/kit/program"
)

// serverKey has the program make a workspace API key of an app.
func (s *Server) serverKey(t testing.TB, app string) string {
	t.Helper()
	return s.newKey(t, app+"'s server", "workspace", "--app", app)
}

// newKey has the program make a key of a kind.
func (s *Server) newKey(t testing.TB, name, kind string, more ...string) string {
	t.Helper()
	create := []string{"keys", "create", "--kind", kind, "--name", name, "--database", s.Database, "--secret-file", s.secret}
	out, err := exec.Command(program.Path(t, "tabard"), append(create, more...)...).Output()
	if err != nil {
		t.Fatalf("tabard keys create: %v", err)
	}
	return strings.TrimSpace(string(out))
}

// ServerKeys returns workspace API keys, by app, a key of the kind events, and the SQL statements that store
// them, for a database that only SQL reaches.
func ServerKeys(t testing.TB, secret signingkey.Secret) (all map[string]string, script string) {
	t.Helper()
	office := admin.New(admin.Config{Secret: secret, Now: time.Now})
	by := admin.Actor{ID: audit.CommandLine}
	all = map[string]string{}
	for _, app := range []string{"demo", "reports"} {
		k, text, err := office.DraftKey(by, admin.NewKey{Kind: admin.WorkspaceAPI, Name: app + "'s server", App: app}, "")
		if err != nil {
			t.Fatal(err)
		}
		all[app] = text
		script += sqlstore.KeyScript(k, admin.KeyCreatedEvent(by, k))
	}
	for name, kind := range OtherKeys {
		k, text, err := office.DraftKey(by, admin.NewKey{Kind: kind, Name: name}, "")
		if err != nil {
			t.Fatal(err)
		}
		all[name] = text
		script += sqlstore.KeyScript(k, admin.KeyCreatedEvent(by, k))
	}
	return all, script
}

// OtherKeys are the keys of Target.Keys that are no app's, by name, with their kinds.
var OtherKeys = map[string]admin.KeyKind{"events": admin.Events, "admin": admin.Administration}

// server sends a request of an app's server: a JSON body to a path below the backend's
// base URL, with an API key, and with a person's access token if one is given.
func (s *script) server(args []string) error {
	return s.ask(http.MethodPost, args[0], args[1], args[2], args[3])
}

// admin sends a request of an administrator of the workspace.
func (s *script) admin(args []string) error {
	return s.ask(args[0], adminapi.Path+args[1], s.target.Keys["admin"], "", args[2])
}

func (s *script) ask(method, path, key, subject, body string) error {
	r, err := http.NewRequestWithContext(s.tb.Context(), method, s.target.PublicURL+path, strings.NewReader(body))
	if err != nil {
		return err
	}
	if body != "" {
		r.Header.Set("Content-Type", "application/json")
	}
	r.Header.Set("Authorization", "Bearer "+key)
	if subject != "" {
		r.Header.Set("X-Authorization", subject)
	}
	answer, err := http.DefaultClient.Do(r)
	if err != nil {
		return err
	}
	defer answer.Body.Close()
	text, err := io.ReadAll(answer.Body)
	s.answer = httpbrowser.Response{Status: answer.StatusCode, Header: answer.Header, Body: string(text), URL: r.URL}
	return err
}

// redeem opens a hand-over's redeem address, and stops at the first answer.
func (s *script) redeem(args []string) error {
	return s.sent(s.next.SubmitStep(s.target.PublicURL+"/handover/code", url.Values{"code": {args[0]}}))
}
