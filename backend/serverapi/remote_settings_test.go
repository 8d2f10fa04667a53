package serverapi_test

import (
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"net/http"
	"reflect"
	"slices"
	"strings"
	"testing"

	"github.com/tabard-auth/tabard/backend/admin"
	"github.com/tabard-auth/tabard/backend/api"
	"github.com/tabard-auth/tabard/backend/audit"
	"github.com/tabard-auth/tabard/backend/directory"
	"github.com/tabard-auth/tabard/backend/directory/workspacefile"
	"github.com/tabard-auth/tabard/backend/remote"
	"github.com/tabard-auth/tabard/backend/signingkey"
)

// everything is a workspace file with all that the administration API can change. The
// organizations have no ids, which the backend assigns.
const everything = `
issuer: ` + issuer + `
id: shop
policy: {access_ttl: 2m}
on_reuse: session
proof_nonce: true
sign_in: {session_cookie: true, stay_signed_in: true, max_sessions: 3, at_limit: refuse, revalidate: 5m}
membership_claim: {claim: groups, roles: [viewer]}
pages: {de: {continue: Weiter}}
apps:
- {id: web, name: Web, origins: ["` + origin + `"], audience: "` + origin + `/api", path: /app/, dpop_bound_tokens: true,
   claims: {tenant: org_id, plan: {organization: plan}, level: {member: level, type: number}, role: {value: authenticated}, both: {object: {t: org_slug, fixed: {value: [1, true, {a: b}]}}}},
   lent_claims: [plan], further_audiences: [https://reports.test/api]}
roles: {viewer: [notes:read], editor: [notes:read, notes:write], Editor: [], "süd-team": [notes:read]}
organizations:
- slug: acme
  name: Acme
  policy: {connection: con_a}
  attributes: {plan: pro}
  domains: [a.example, bücher.example]
  connections:
  - {id: con_a, issuer: https://a.example, client_id: tabard, client_secret: {env: REMOTE_SECRET}, just_in_time: true, claim: groups, groups: {staff: [editor]}, revalidate: 5m}
  - {id: con_b, issuer: https://b.example, client_id: tabard, client_auth: private_key_jwt, enabled: false, scopes: [email]}
  members:
  - {iss: con_a, sub: ann, roles: [editor], attributes: {level: 3}}
- {slug: newer, name: Newer, connections: [{id: con_n, issuer: https://n.example, client_id: tabard, client_secret: {env: REMOTE_SECRET}}], domains: [n.example]}
`

// fileApplier applies files to a backend by its administration API.
type fileApplier struct {
	*backend
	client *remote.Client
	lines  []string // the differences of the last apply
}

func newFileApplier(t *testing.T) *fileApplier {
	t.Helper()
	t.Setenv("REMOTE_SECRET", "hush")
	w := newBackend(t, nil)
	client, err := remote.New(publicURL, w.whole, lossy{w.Hosts, map[string]int{}})
	w.must(client, err)
	return &fileApplier{backend: w, client: client}
}

func (f *fileApplier) read(text string) directory.Desired {
	f.Helper()
	d, err := workspacefile.Parse([]byte(text))
	f.must(d, err)
	return d
}

func (f *fileApplier) try(text string, dry bool) (directory.Changes, error) {
	f.Helper()
	d := f.read(text)
	secrets, err := workspacefile.ReadSecrets(d)
	f.must(secrets, err)
	f.lines = nil
	return f.client.Apply(f.Context(), d, remote.ApplyOptions{
		DryRun: dry, Secrets: secrets, OnDifference: func(d directory.Difference) { f.lines = append(f.lines, d.String()) },
	})
}

func (f *fileApplier) apply(text string, dry bool) directory.Changes {
	f.Helper()
	changes, err := f.try(text, dry)
	f.must(changes, err)
	return changes
}

// byDatabase applies a file to the backend's database.
func (f *fileApplier) byDatabase(text string) directory.Changes {
	f.Helper()
	d := f.read(text)
	sealer := f.Secret.Sealer(signingkey.ForConnections)
	err := workspacefile.SealSecrets(&d, sealer, func(id string) (string, error) {
		c, err := f.Store.Connection(f.Context(), id)
		if errors.Is(err, directory.ErrNoConnection) {
			err = nil
		}
		return c.SealedSecret, err
	})
	f.must(nil, err)
	changes, err := f.Store.Apply(f.Context(), d, f.Now().Unix())
	f.must(changes, err)
	return changes
}

// TestRemoteApply_WholeFile: a file has the same effect by the administration API as by the
// database: after the one the other changes nothing.
func TestRemoteApply_WholeFile(t *testing.T) {
	f := newFileApplier(t)
	want := directory.Changes{
		Workspace: true, Organizations: directory.Count{Added: 1, Changed: 1}, Members: directory.Count{Added: 1, Removed: 2},
		Connections: directory.Count{Added: 3}, Domains: directory.Count{Added: 3},
	}
	if got := f.apply(everything, true); got != want {
		t.Errorf("dry: %+v\n%s", got, strings.Join(f.lines, "\n"))
	}
	if got := f.apply(everything, false); got != want {
		t.Errorf("%+v\n%s", got, strings.Join(f.lines, "\n"))
	}
	if got := f.apply(everything, false); !got.None() {
		t.Errorf("again: %+v\n%s", got, strings.Join(f.lines, "\n"))
	}
	if got := f.byDatabase(everything); !got.None() {
		t.Errorf("by the database: %+v", got)
	}
	for _, id := range []string{"con_a", "con_n"} {
		c, err := f.Store.Connection(t.Context(), id)
		f.must(c, err)
		plain, err := f.Secret.Sealer(signingkey.ForConnections).Open(c.SealedSecret, id)
		if string(plain) != "hush" || !c.Enabled {
			t.Errorf("%s: %q, %v, %+v", id, plain, err, c)
		}
	}

	fewer := everything[:strings.Index(everything, "  domains:")]
	fewer = strings.Replace(strings.Replace(fewer, "policy: {connection: con_a}", "policy: {}", 1), "access_ttl: 2m", "access_ttl: 1m", 1)
	f.byDatabase(fewer)
	if got := f.apply(fewer, false); !got.None() {
		t.Errorf("after the database: %+v\n%s", got, strings.Join(f.lines, "\n"))
	}
	t.Setenv("REMOTE_SECRET", "another")
	f.apply(everything, false)
	if c, err := f.Store.Connection(t.Context(), "con_a"); err != nil || !c.Enabled || !c.FromFile {
		t.Errorf("con_a: %+v, %v", c, err)
	}
	if got := f.apply(everything, false); !got.None() {
		t.Errorf("with another secret, again: %+v", got)
	}
}

// TestRemoteApply_LeavesIdleLimit: a file without session_idle leaves the limit
// of a new workspace, as it does by the database.
func TestRemoteApply_LeavesIdleLimit(t *testing.T) {
	f := newFileApplier(t)
	f.apply(everything, false)
	if w, err := f.Store.Workspace(t.Context()); err != nil || w.Policy.SessionIdle != 8*60*60 {
		t.Errorf("%+v, %v", w.Policy, err)
	}
}

// TestRemoteApply_Conflict: a file that takes another organization's connection changes
// nothing, neither in a dry run nor without.
func TestRemoteApply_Conflict(t *testing.T) {
	f := newFileApplier(t)
	f.apply(everything, false)
	foreign := strings.Replace(everything, "con_n, issuer: https://n.example", "con_a, issuer: https://a.example", 1)
	foreign = strings.Replace(foreign, "  - {id: con_a,", "  - {id: con_c,", 1)
	foreign = strings.NewReplacer("connection: con_a", "connection: con_c", "iss: con_a", "iss: con_c", "access_ttl: 2m", "access_ttl: 1m").Replace(foreign)
	for _, dry := range []bool{true, false} {
		_, err := f.try(foreign, dry)
		if conflicts := (directory.Conflicts{}); !errors.As(err, &conflicts) || !strings.Contains(conflicts[0].Text, "con_a belongs to another organization") {
			t.Errorf("%v", err)
		}
	}
	if got := f.apply(everything, false); !got.None() {
		t.Errorf("something was changed: %+v %v", got, f.lines)
	}
}

// TestPutWorkspace_AsTheFile: the API refuses settings that the file may not have, with the same words,
// and then changes nothing.
func TestPutWorkspace_AsTheFile(t *testing.T) {
	w := newBackend(t, nil)
	const app = `{"id":"a","name":"A","origins":["https://a.test"],"audience":"api"%s}`
	document := func(app, more string) string { return `{"apps":[` + app + `],"roles":{"viewer":["read"]}` + more + `}` }
	for _, more := range []string{
		`,"path":"//evil.example/"`, `,"further_audiences":["x","x"]`, `,"lent_claims":["plan"]`, `,"entered_from":["nowhere"]`,
		`,"claims":{"sub":"org_id"}`, `,"claims":{"tenant":"organization"}`, `,"claims":{"nonce":"org_id"}`,
	} {
		w.refusesAsFile(document(fmt.Sprintf(app, more), ""))
	}
	for _, more := range []string{
		`,"sign_in":{"stay_signed_in":true}`, `,"sign_in":{"at_limit":"oldest"}`, `,"sign_in":{"max_sessions":101}`, `,"sign_in":{"revalidate":1}`,
		`,"membership_claim":{"claim":"groups","roles":["owner"]}`, `,"membership_claim":{"claim":"","roles":[]}`, `,"on_reuse":"nobody"`,
		`,"id":"No ID"`, `,"pages":{"DE":{}}`, `,"pages":{"de":{"unknown":"x"}}`, `,"policy":{"access_ttl":1}`, `,"policy":{"acr":[]}`,
	} {
		w.refusesAsFile(document(fmt.Sprintf(app, ""), more))
	}
	one := fmt.Sprintf(app, "")
	for _, apps := range []string{
		"", one + "," + one, strings.Replace(one, "https://a.test", "https://A.test", 1), strings.Replace(one, "https://a.test", "https://*.a.test", 1),
		strings.Replace(one, `"a"`, `"login"`, 1), strings.Replace(one, `"api"`, `""`, 1), strings.Replace(one, `["https://a.test"]`, "[]", 1),
		strings.Replace(one, `"A"`, `"two\nlines"`, 1),
	} {
		w.refusesAsFile(document(apps, ""))
	}
	w.refusesAsFile(`{"apps":[` + one + `],"roles":{"viewer":["two words"]}}`)
	for _, stated := range []string{`{"value":1,"member":"plan"}`, `{}`, `{"member":"Plan"}`, `{"value":1e17}`, `{"type":"number","value":1}`, `{"object":{"__proto__":{"value":1}}}`} {
		text := document(fmt.Sprintf(app, `,"claims":{"plan":`+stated+`}`), "")
		w.refusesAsFile(text, `"claims":{"plan"`, `"stated_claims":{"plan"`)
	}
}

// refusesAsFile fails the test unless a document is refused by the API as it is in a file,
// which may write parts of it in another way, and nothing changes.
func (w *backend) refusesAsFile(text string, inFile ...string) {
	w.Helper()
	_, err := workspacefile.Parse([]byte(text))
	problems := workspacefile.Problems{}
	if !errors.As(err, &problems) {
		w.Errorf("the file may say %s: %v", text, err)
		return
	}
	before := w.revision()
	asked := strings.NewReplacer(inFile...).Replace(text)
	if !strings.Contains(asked, `"policy"`) {
		asked = strings.TrimSuffix(asked, "}") + `,"policy":{}}`
	}
	got := w.ask("PUT", "/workspace", asked, w.whole)
	var e api.Error
	got.into(w, &e)
	told, reads := problems[0].Text, false // what the reader of the file says of a range has other words
	for _, words := range []string{"expected a number", "is not a duration", "is not a number", "expected a list of names"} {
		reads = reads || strings.Contains(told, words)
	}
	if got.Status != http.StatusBadRequest || !reads && !strings.Contains(e.Description, told) {
		w.Errorf("%s:\nfile: %v\nAPI: %d %s", text, problems[0].Text, got.Status, got.Body)
	}
	if w.revision() != before {
		w.Errorf("%s changed the workspace", text)
	}
}

func (w *backend) revision() int64 {
	w.Helper()
	n, err := w.Store.WorkspaceRevision(w.Context())
	w.must(n, err)
	return n
}

// TestFileSettings_Refusals: what a file may not say is refused, and has no effect.
func TestFileSettings_Refusals(t *testing.T) {
	w := newBackend(t, nil)
	const good = `{"id":"con_x","issuer":"https://x.example","client_id":"c","client_secret":"s","provisioning":{},"enabled":true}`
	other := strings.ReplaceAll(good, "con_x", "con_y")
	for body, code := range map[string]api.Code{
		`{"domains":["com"]}`: api.InvalidRequest, `{"domains":["a.example","A.example."]}`: api.InvalidRequest,
		`{"connections":[` + good + `,` + good + `]}`:                                                  api.InvalidRequest,
		`{"connections":[` + good + `,` + other + `]}`:                                                 api.InvalidRequest,
		`{"connections":[` + strings.Replace(good, `"client_secret":"s",`, "", 1) + `]}`:               api.InvalidRequest,
		`{"connections":[` + strings.Replace(good, `{}`, `{"roles":["none"]}`, 1) + `]}`:               api.InvalidRequest,
		`{"connections":[` + strings.Replace(good, `https://x.example`, `http://x.example`, 1) + `]}`:  api.InvalidRequest,
		`{"connections":[` + strings.Replace(good, `con_x`, `con_X`, 1) + `]}`:                         api.InvalidRequest,
		`{"connections":[` + strings.Replace(good, `"client_id"`, `"unknown":1,"client_id"`, 1) + `]}`: api.InvalidRequest,
	} {
		if got := w.ask("POST", "/organizations/acme/file-settings", body, w.whole); got.code() != string(code) {
			t.Errorf("%s: %d %s", body, got.Status, got.Body)
		}
	}
	var left admin.List[admin.Connection]
	if w.does("GET", "/organizations/acme/connections", "", w.whole, &left); len(left.Items) != 0 {
		t.Errorf("%+v", left)
	}
	w.does("POST", "/organizations/acme/file-settings", `{"connections":[`+good+`],"dry_run":true}`, w.whole, nil)
	if w.does("GET", "/organizations/acme/connections", "", w.whole, &left); len(left.Items) != 0 {
		t.Errorf("a dry run changed %+v", left)
	}
	var answer admin.FileDifferences
	w.does("POST", "/organizations/acme/file-settings", `{"connections":[`+good+`]}`, w.whole, &answer)
	if len(answer.Differences) != 1 || answer.Differences[0].Kind != "added" || answer.Differences[0].Name != "con_x" {
		t.Errorf("%+v", answer)
	}
	if text, _ := json.Marshal(answer); strings.Contains(string(text), "\"s\"") {
		t.Errorf("the answer has the secret: %s", text)
	}
	if trail := w.trail(); trail[0].Action != audit.ApplyFile && trail[1].Action != audit.ApplyFile {
		t.Errorf("%+v", trail[:2])
	}
	w.wants(w.ask("POST", "/organizations/globex/file-settings", `{"connections":[`+good+`]}`, w.whole), http.StatusConflict, api.Conflict)
}

// TestTheDocumentHasEverySettingOfAWorkspace: whoever adds a setting describes it.
func TestTheDocumentHasEverySettingOfAWorkspace(t *testing.T) {
	document, _ := described()
	for schema, of := range map[string]reflect.Type{
		"Workspace": reflect.TypeFor[directory.Workspace](), "App": reflect.TypeFor[directory.App](), "SignIn": reflect.TypeFor[directory.SignIn](),
		"StatedClaim": reflect.TypeFor[directory.StatedClaim](), "FileConnection": reflect.TypeFor[admin.FileConnection](),
		"FileSettings": reflect.TypeFor[admin.FileSettings](),
	} {
		var names []string
		for _, field := range reflect.VisibleFields(of) {
			if name, _, _ := strings.Cut(field.Tag.Get("json"), ","); name != "" && name != "-" {
				names = append(names, name)
			}
		}
		slices.Sort(names)
		if got := slices.Sorted(maps.Keys(document.Components.Schemas[schema].Value.Properties)); !slices.Equal(got, names) {
			t.Errorf("%s: the document has %v, the type %v", schema, got, names)
		}
	}
}
