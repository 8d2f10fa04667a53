//go:build long

package guide

import (
	"context"
	"fmt"
	"os/exec"
	"regexp"
	"strings"
	"testing"

	"github.com/tabard-auth/tabard/browser_test/kit/chrome"
	"github.com/tabard-auth/tabard/browser_test/kit/demo"
	"github.com/tabard-auth/tabard/browser_test/kit/markdown"
	"github.com/tabard-auth/tabard/browser_test/kit/program"
)

// TestMigrationPage_CallsAndClaimsWork runs our side of each line in a tab, and a
// resource server of each peer's kind on the token of the mapping beside it.
func TestMigrationPage_CallsAndClaimsWork(t *testing.T) {
	d := demo.Start(t)
	workspace := d.Workspace(t)
	tab := chrome.New(t)
	d.SignIn(t, tab, "alice")
	for title, section := range guide(t) {
		t.Run(title, func(t *testing.T) {
			d.Apply(t, strings.Replace(workspace, "  - id: demo\n", "  - id: demo\n    "+markdown.Block(section, "yaml")+"\n", 1))
			_, these := calls(t, section)
			for _, line := range these {
				runLine(t, d, tab, line)
			}
			again := chrome.Person(t, tab)
			d.SignIn(t, again, "alice")
			d.Open(t, again, "globex")
			token := chrome.Eval[string](t, again, `tabard.getToken()`)
			if got, want := tenantOf(t, d, markdown.Block(section, "js"), token), peers[title].tenant; got != want {
				t.Errorf("the resource server finds %q, want %q", got, want)
			}
		})
	}
}

// leaves matches the calls that leave the page or end the session that later lines
// need.
var leaves = regexp.MustCompile(`createClient|\.(signIn|signOut|close)\(`)

func runLine(t *testing.T, d *demo.Demo, tab context.Context, line string) {
	t.Helper()
	d.Open(t, tab, "acme")
	if leaves.MatchString(line) {
		return // a test of its own covers each of them
	}
	got := chrome.Eval[string](t, tab, fmt.Sprintf(
		`(async (id) => { try { const got = await (%s); return got && got.status && got.status !== "switched" ? got.status : "done"; } catch (e) { return String(e); } })("globex")`, line))
	if got != "done" {
		t.Errorf("%s: %s", line, got)
	}
}

// tenantOf runs a resource server's code on a token.
func tenantOf(t *testing.T, d *demo.Demo, code, token string) string {
	t.Helper()
	script := fmt.Sprintf("const [issuer, audience, token] = process.argv.slice(1);\n%s\nprocess.stdout.write(await tenantOf(token));", code)
	out, err := exec.Command("node", "--input-type=module", "-e", script, d.Backend, d.Origin+"/api", token).Output()
	if err != nil {
		t.Fatalf("the resource server: %v %s", err, program.Stderr(err))
	}
	return string(out)
}
