package validators

import (
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/tabard-auth/tabard/backend/token/tokentest"
	"github.com/tabard-auth/tabard/browser_test/kit/markdown"
	"github.com/tabard-auth/tabard/browser_test/kit/program"
)

// stricterInPython are tokens that the guide's code refuses although the verifier does
// not.
var stricterInPython = map[string]bool{"deep nesting": true}

// pythonModule returns a folder with the page's module and its functions for handlers.
func pythonModule(t *testing.T) string {
	t.Helper()
	text, err := os.ReadFile("../../backend/resource/PYTHON.md")
	if err != nil {
		t.Fatal(err)
	}
	all := markdown.Blocks(string(text), "python")
	if len(all) != 2 {
		t.Fatalf("the page has %d blocks of Python", len(all))
	}
	folder := t.TempDir()
	program.Write(t, filepath.Join(folder, "tabard.py"), all[0])
	program.Write(t, filepath.Join(folder, "handler.py"), all[1])
	return folder
}

// TestPythonPage_AgreesWithTheVectors runs the page's module on Debian's PyJWT.
func TestPythonPage_AgreesWithTheVectors(t *testing.T) {
	folder := pythonModule(t)
	program.Write(t, filepath.Join(folder, "main.py"), `
import json, sys
import tabard, handler
file = json.load(open(sys.argv[1]))
keys = tabard.Keys("")
keys.fetch = lambda: json.dumps(file["keys"][file["issuer"] + "/.well-known/jwks.json"])
verifier = tabard.Verifier(file["issuer"], file["audience"], keys, file["leeway"], lambda: file["now"])
verdicts = {}
for vector in file["vectors"]:
    token, verdict = vector["token"] * vector.get("times", 1), {}
    try:
        verdict["verify"] = ""
        verifier.verify(token, "org_acme")
    except tabard.Refused as refused:
        verdict["verify"] = refused.reason
    try:
        verdict["inspect"], claims = "", verifier.inspect(token)
    except tabard.Refused as refused:
        verdict["inspect"], claims = refused.reason, refused.claims
    verdict["organization"] = claims["org_id"] if claims else ""
    verdicts[vector["name"]] = verdict
handler.verifier = verifier
good = next(v["token"] for v in file["vectors"] if v["name"] == "good")
assert handler.admit("Bearer " + good, "org_acme")[1] is None
assert handler.admit("Bearer " + good, "org_globex")[1][:2] == (403, "wrong_organization")
assert handler.admit(None, "org_acme")[1] == (401, "no_token", "Bearer")
lent = next(v["token"] for v in file["vectors"] if v["name"] == "lent")
assert handler.admit("Bearer " + lent, "org_acme")[1][:2] == (403, "insufficient_scope")
assert handler.admit("Bearer " + lent, "org_acme", "made up")[1][:2] == (403, "insufficient_scope")
assert handler.admit("Bearer " + good, "org_acme", "made up")[1][:2] == (403, "insufficient_scope")
json.dump(verdicts, sys.stdout)
`)
	vectors, err := filepath.Abs(sharedTokens)
	if err != nil {
		t.Fatal(err)
	}
	command := exec.Command("/usr/bin/python3", "main.py", vectors)
	command.Dir = folder
	out, err := command.Output()
	if err != nil {
		t.Fatalf("%v: %s", err, program.Stderr(err))
	}
	var verdicts map[string]struct{ Verify, Inspect, Organization string }
	if err := json.Unmarshal(out, &verdicts); err != nil {
		t.Fatal(err)
	}
	var file tokenFile
	read(t, sharedTokens, &file)
	for _, s := range file.Vectors {
		got := verdicts[s.Name]
		if s.Organizations || stricterInPython[s.Name] && got.Verify != "" {
			continue
		}
		if got.Verify != string(s.Verify) || got.Inspect != string(s.Inspect) || got.Organization != s.Organization {
			t.Errorf("%s: %+v, want %q, %q of %q", s.Name, got, s.Verify, s.Inspect, s.Organization)
		}
	}
}

// pythonAPI serves notes below the organizations' paths, with the page's functions.
const pythonAPI = `
import json, sys, uuid
from wsgiref.simple_server import WSGIRequestHandler, make_server
import handler, tabard

handler.verifier = tabard.Verifier(sys.argv[1], sys.argv[2])
notes = {}

def answer(method, note, organization, body):
    own = notes.setdefault(organization, {})
    if note is None and method == "POST":
        made = {"id": str(uuid.uuid4()), "text": json.loads(body)["text"]}
        own[made["id"]] = made
        return "201 Created", made
    if note is None:
        return ("200 OK", list(own.values())) if method == "GET" else ("405 Method Not Allowed", None)
    if note not in own:
        return "404 Not Found", None
    return "200 OK", own.pop(note) if method == "DELETE" else own[note]

def app(environ, start):
    parts = environ["PATH_INFO"].split("/")
    if len(parts) not in (4, 5) or parts[1] != "organizations" or parts[3] != "notes":
        start("404 Not Found", [])
        return []
    claims, refused = handler.admit(environ.get("HTTP_AUTHORIZATION"), parts[2])
    if refused:
        start(f"{refused[0]} Refused", [("WWW-Authenticate", refused[2]), ("Cache-Control", "no-store")])
        return []
    body = environ["wsgi.input"].read(int(environ.get("CONTENT_LENGTH") or 0))
    status, value = answer(environ["REQUEST_METHOD"], parts[4] if len(parts) == 5 else None, claims["org_id"], body)
    start(status, [("Content-Type", "application/json"), ("Cache-Control", "no-store"), ("Tabard-Organization", claims["org_id"])])
    return [json.dumps(value).encode()]
` + pythonServer

// pythonServer serves app, and prints its port.
const pythonServer = `
class Quiet(WSGIRequestHandler):
    def log_message(self, *_):
        pass

server = make_server("127.0.0.1", 0, app, handler_class=Quiet)
print(server.server_port, flush=True)
server.serve_forever()
`

// TestPythonPage_APILeaksNothing tries an API that uses the page's module by the command
// line's isolation kit.
func TestPythonPage_APILeaksNothing(t *testing.T) {
	folder := pythonModule(t)
	program.Write(t, filepath.Join(folder, "api.py"), pythonAPI)
	issuer := tokentest.NewIssuer()
	t.Cleanup(issuer.Close)
	api := exec.Command("/usr/bin/python3", "api.py", issuer.URL, tokentest.Audience)
	api.Dir, api.Stderr = folder, t.Output()
	out, err := api.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := api.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		api.Process.Kill()
		api.Wait()
	})
	var port int
	if _, err := fmt.Fscan(out, &port); err != nil {
		t.Fatal(err)
	}
	program.Write(t, filepath.Join(folder, "plan.txt"), `
GET    /organizations/{organization}/notes
record note=id POST /organizations/{organization}/notes {"text": "{canary}"}
GET    /organizations/{organization}/notes/{note}
DELETE /organizations/{organization}/notes/{note}
`)
	kit := exec.Command(program.Path(t, "tabard"), "isolation", filepath.Join(folder, "plan.txt"), "--url", fmt.Sprintf("http://127.0.0.1:%d", port))
	kit.Env = append(os.Environ(),
		"TABARD_TOKEN_A="+issuer.Token("org_a"), "TABARD_TOKEN_B="+issuer.Token("org_b"),
		"TABARD_EXPIRED_A="+issuer.Expired("org_a"), "TABARD_EXPIRED_B="+issuer.Expired("org_b"))
	if said, err := kit.CombinedOutput(); err != nil || !strings.Contains(string(said), " 0 findings") {
		t.Errorf("%v\n%s", err, said)
	}
}
