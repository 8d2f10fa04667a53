//go:build long

package server

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/tabard-auth/tabard/backend/token/tokentest"
	"github.com/tabard-auth/tabard/browser_test/kit/ports"
	"github.com/tabard-auth/tabard/browser_test/kit/program"
)

// plan is what the kit calls of each example.
const plan = `
GET    /organizations/{organization}/notes
record note=id POST /organizations/{organization}/notes {"text": "{canary}"}
GET    /organizations/{organization}/notes/{note}
DELETE /organizations/{organization}/notes/{note}
`

// serve starts an example, with further variables, and returns where it answers.
func serve(t *testing.T, issuer *tokentest.Issuer, script string, variables ...string) string {
	t.Helper()
	port := ports.Hold(t)
	command := exec.Command("node", script)
	command.Env = append(append(os.Environ(), "ISSUER="+issuer.URL, "AUDIENCE="+tokentest.Audience, fmt.Sprint("PORT=", port)), variables...)
	_, lines := program.Converse(t, command)
	if !lines.Scan() || lines.Text() != "serving" {
		t.Fatalf("%s says %q", script, lines.Text())
	}
	go func() {
		for lines.Scan() { // the records of requests
		}
	}()
	return fmt.Sprintf("http://127.0.0.1:%d", port)
}

// TestExamples_LeakNothing tries each example by the command line's isolation kit. The
// control leaves the guard out of one route.
func TestExamples_LeakNothing(t *testing.T) {
	npm(t)
	tabard := program.Path(t, "tabard")
	issuer := tokentest.NewIssuer()
	t.Cleanup(issuer.Close)
	planned := filepath.Join(t.TempDir(), "plan.txt")
	write(t, planned, plan)
	for name, script := range map[string]string{"Express": "examples/express.js", "Fastify": "examples/fastify.js", "Hono on workerd": "workerd/serve.js"} {
		t.Run(name, func(t *testing.T) {
			out, err := isolate(t, issuer, tabard, planned, serve(t, issuer, script))
			if err != nil || !strings.Contains(out, " 0 findings") {
				t.Errorf("%v\n%s", err, out)
			}
		})
	}
	t.Run("a leaking one", func(t *testing.T) {
		text, err := os.ReadFile("examples/express.js")
		if err != nil {
			t.Fatal(err)
		}
		leaking := strings.Replace(string(text), `protect(guard, { organization: "organization" })`, "protect(guard)", 1)
		leaking = strings.ReplaceAll(leaking, `request.tabard?.organization ?? ""`, "String(request.params.organization)")
		script := "examples/leaking.js"
		write(t, script, leaking)
		t.Cleanup(func() { os.Remove(script) })
		if out, err := isolate(t, issuer, tabard, planned, serve(t, issuer, script)); err == nil {
			t.Errorf("nothing was found:\n%s", out)
		}
	})
}

// TestExamples_Next builds the example for Next in a folder of its own, with the package that
// npm would publish, and tries it likewise. The control takes the organization from the path.
func TestExamples_Next(t *testing.T) {
	npm(t)
	folder, tabard, issuer := newProject(t), program.Path(t, "tabard"), tokentest.NewIssuer()
	t.Cleanup(issuer.Close)
	packed, err := filepath.Glob(filepath.Join(folder, "*.tgz"))
	if err != nil || len(packed) != 1 {
		t.Fatal(packed, err)
	}
	app := filepath.Join(t.TempDir(), "app")
	if err := os.CopyFS(app, os.DirFS("examples/next")); err != nil {
		t.Fatal(err)
	}
	notes, err := os.ReadFile("examples/notes.js")
	if err != nil {
		t.Fatal(err)
	}
	write(t, filepath.Join(app, "notes.js"), string(notes))
	planned := filepath.Join(t.TempDir(), "plan.txt")
	write(t, planned, plan)
	run(t, app, "npm", "install", "--prefer-offline", "--no-audit", "--no-fund", packed[0])
	try := func() (string, error) {
		run(t, app, "node_modules/.bin/next", "build")
		port := ports.Hold(t)
		command := exec.Command("node", "node_modules/next/dist/bin/next", "start", "--hostname", "127.0.0.1", "--port", fmt.Sprint(port))
		command.Dir = app
		command.Env = append(os.Environ(), "ISSUER="+issuer.URL, "AUDIENCE="+tokentest.Audience, "NEXT_TELEMETRY_DISABLED=1")
		server := program.Run(t, "next", command)
		server.Await(t, "Ready in")
		defer server.Kill()
		return isolate(t, issuer, tabard, planned, fmt.Sprintf("http://127.0.0.1:%d", port))
	}
	if out, err := try(); err != nil || !strings.Contains(out, " 0 findings") {
		t.Errorf("%v\n%s", err, out)
	}
	list := filepath.Join(app, "app/organizations/[organization]/notes/route.js")
	text, err := os.ReadFile(list)
	if err != nil {
		t.Fatal(err)
	}
	leaking := strings.Replace(string(text), `const rule = { organization: "organization" };`, "const rule = {};", 1)
	leaking = strings.Replace(leaking, "(_, { tabard }) => Response.json(shared().notes.list(tabard.organization))", "async (_, { params }) => Response.json(shared().notes.list((await params).organization))", 1)
	write(t, list, leaking)
	if out, err := try(); err == nil {
		t.Errorf("a leaking one: nothing was found\n%s", out)
	}
}

func isolate(t *testing.T, issuer *tokentest.Issuer, tabard, planned, url string) (string, error) {
	t.Helper()
	command := exec.Command(tabard, "isolation", planned, "--url", url, "--settle", "250ms")
	command.Env = append(os.Environ(),
		"TABARD_TOKEN_A="+issuer.Token("org_a"), "TABARD_TOKEN_B="+issuer.Token("org_b"),
		"TABARD_EXPIRED_A="+issuer.Expired("org_a"), "TABARD_EXPIRED_B="+issuer.Expired("org_b"))
	out, err := command.CombinedOutput()
	return string(out), err
}
