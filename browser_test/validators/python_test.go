package validators

import (
	"encoding/json"
	"os"
	"os/exec"
	"path/filepath"
	"testing"

	"github.com/tabard-auth/tabard/browser_test/kit/markdown"
	"github.com/tabard-auth/tabard/browser_test/kit/program"
)

// stricterInPython are tokens that the guide's code refuses although the verifier does
// not.
var stricterInPython = map[string]bool{"deep nesting": true}

// TestPythonPage_AgreesWithTheVectors runs the page's module on Debian's PyJWT.
func TestPythonPage_AgreesWithTheVectors(t *testing.T) {
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
