package guide

import (
	"encoding/json"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/tabard-auth/tabard/browser_test/kit/markdown"
	"github.com/tabard-auth/tabard/browser_test/kit/program"
)

// peers are the sections of js/MIGRATION.md, with the code that makes each peer's
// client in the compiled program, and the tenant that its resource server reads from a
// token for Globex.
var peers = map[string]struct{ imports, tenant string }{
	"Frontegg": {`import { initialize } from "@frontegg/js";
const contextOptions = { baseUrl: "https://x.frontegg.com", clientId: "c" };
const frontegg = initialize({ contextOptions });`, "globex"},
	"WorkOS AuthKit": {`import { createClient as createAuthKit } from "@workos-inc/authkit-js";
const authkit = await createAuthKit("client_…");`, "org_globex"},
	"Auth0": {`import { createAuth0Client } from "@auth0/auth0-spa-js";
const [domain, clientId, audience] = ["x.auth0.com", "c", "https://app.example.com/api"];
const auth0 = await createAuth0Client({ domain, clientId });`, "globex"},
	"Clerk": {`import { Clerk } from "@clerk/clerk-js";
const clerk = new Clerk("pk_…");`, "globex notes:read,notes:write"},
}

const ours = `import { createClient } from "@tabard/client";
const tabard = createClient({ backend: "/auth" });
const id = "globex";`

// guide reads the sections of the page, by their titles.
func guide(t *testing.T) map[string]string {
	t.Helper()
	text, err := os.ReadFile("../../js/MIGRATION.md")
	if err != nil {
		t.Fatal(err)
	}
	sections := markdown.Sections(string(text))
	if len(sections) != len(peers) {
		t.Fatalf("the page has %d sections, want %d", len(sections), len(peers))
	}
	return sections
}

var call = regexp.MustCompile("(?m)^\\| `(.+)` \\| `(.+)` \\|$")

// calls returns the lines of a section's table of calls: theirs and ours.
func calls(t *testing.T, section string) (theirs, ours []string) {
	t.Helper()
	for _, line := range call.FindAllStringSubmatch(section, -1) {
		theirs, ours = append(theirs, line[1]), append(ours, line[2])
	}
	if len(theirs) < 5 {
		t.Fatalf("only %d lines were found", len(theirs))
	}
	return theirs, ours
}

// TestMigrationPage_LinesCompile compiles theirs against the packages that the page
// names, and ours against our own types.
func TestMigrationPage_LinesCompile(t *testing.T) {
	folder, err := os.MkdirTemp("../../js", "migration-")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { os.RemoveAll(folder) })
	for title, section := range guide(t) {
		theirs, these := calls(t, section)
		code := peers[title].imports + "\n" + ours + "\nexport async function page() {\n"
		for _, line := range append(theirs, these...) {
			code += "  void (await (" + line + "));\n"
		}
		program.Write(t, filepath.Join(folder, strings.ReplaceAll(title, " ", "")+".ts"), code+"}\n")
		for name, version := range packages(t) {
			if named := regexp.MustCompile(regexp.QuoteMeta(name) + ` (\S+)`).FindStringSubmatch(section); named != nil && !strings.HasPrefix(version, named[1]+".") {
				t.Errorf("the page speaks of %s %s, and %s is installed", name, named[1], version)
			}
		}
	}
	program.Write(t, filepath.Join(folder, "tsconfig.json"), `{"compilerOptions": {"strict": true, "noEmit": true, "skipLibCheck": true, "target": "es2022",
"lib": ["es2023", "dom", "dom.iterable"], "module": "esnext", "moduleResolution": "bundler", "types": []}, "include": ["*.ts"]}`)
	command := exec.Command("../node_modules/.bin/tsc", "-p", ".")
	command.Dir = folder
	if out, err := command.CombinedOutput(); err != nil {
		t.Errorf("%v\n%s", err, out)
	}
}

func packages(t *testing.T) map[string]string {
	t.Helper()
	text, err := os.ReadFile("../../js/package.json")
	if err != nil {
		t.Fatal(err)
	}
	var p struct{ DevDependencies map[string]string }
	if err := json.Unmarshal(text, &p); err != nil {
		t.Fatal(err)
	}
	return p.DevDependencies
}
