// Package demo runs the demo as make run does, for tests: the program bin/tabard,
// the development provider and the product built on them.
package demo

import (
	"context"
	"fmt"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/tabard-auth/tabard/backend/store/storetest/scratch"
	"github.com/tabard-auth/tabard/browser_test/kit/chrome"
	"github.com/tabard-auth/tabard/browser_test/kit/ports"
	"github.com/tabard-auth/tabard/browser_test/kit/program"
)

// Demo is a running demo.
type Demo struct {
	Origin  string // of its page and API
	Reports string // origin of its second app
	Backend string // the backend's public URL
	Issuer  string // of its provider
	State   string // the folder that it keeps everything in
	tabard  string // the program
}

const patience = 2 * time.Minute

// StartMany runs a demo on a host until the test ends, in which each organization has an
// origin of its own.
func StartMany(t testing.TB, host string) *Demo {
	t.Helper()
	return start(t, host, "-origins")
}

// StartSeveral runs a demo on a host, with several people in a browser, until the test ends.
func StartSeveral(t testing.TB, host string) *Demo {
	t.Helper()
	return start(t, host, "-several")
}

// StartSeveralWith is StartSeveral on the server, with another page, from a directory.
func StartSeveralWith(t testing.TB, page string) *Demo {
	t.Helper()
	return start(t, "tabard", "-several", "-page", page)
}

// At returns the origin of an organization in such a demo.
func (d *Demo) At(organization string) string {
	return strings.Replace(d.Origin, "://", "://"+organization+".", 1)
}

// Start runs a demo on the server until the test ends.
func Start(t testing.TB) *Demo { return StartOn(t, "tabard") }

// StartOn runs a demo on a host until the test ends: tabard is the server, and
// tabard-worker the Worker, on workerd and a local D1.
func StartOn(t testing.TB, host string) *Demo {
	t.Helper()
	return start(t, host)
}

// StartWith runs a demo on the server with another page, from a directory, until the
// test ends.
func StartWith(t testing.TB, page string) *Demo {
	t.Helper()
	return start(t, "tabard", "-page", page)
}

func start(t testing.TB, host string, flags ...string) *Demo {
	t.Helper()
	page, backend, provider, reports := ports.Hold(t), ports.Hold(t), ports.Hold(t), ports.Hold(t)
	d := &Demo{
		Origin:  fmt.Sprintf("http://localhost:%d", page),
		Reports: fmt.Sprintf("http://localhost:%d", reports),
		Issuer:  fmt.Sprintf("http://127.0.0.1:%d", provider),
		State:   scratch.Dir(t), tabard: program.Path(t, host),
	}
	if slices.Contains(flags, "-origins") {
		d.Origin, d.Reports = strings.Replace(d.Origin, "localhost", "app.localhost", 1), strings.Replace(d.Reports, "localhost", "app.localhost", 1)
	}
	d.Backend = d.Origin + "/auth"
	process := program.Start(t, "web-demo", nil, append(flags, "-tabard", d.tabard, "-state", d.State,
		"-port", strconv.Itoa(page), "-reports-port", strconv.Itoa(reports), "-backend-port", strconv.Itoa(backend),
		"-provider", fmt.Sprintf("127.0.0.1:%d", provider))...)
	d.await(t, process.Ended)
	return d
}

// await waits until the page answers.
func (d *Demo) await(t testing.TB, ended <-chan struct{}) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	tick := time.NewTicker(50 * time.Millisecond)
	defer tick.Stop()
	for {
		if response, err := http.Get(strings.Replace(d.Backend, "app.localhost", "localhost", 1) + "/readyz"); err == nil {
			response.Body.Close()
			if response.StatusCode == http.StatusOK {
				return
			}
		}
		select {
		case <-ended:
			t.Fatal("the demo ended at once")
		case <-ctx.Done():
			t.Fatal("the demo does not answer")
		case <-tick.C:
		}
	}
}

// Apply applies another workspace file to the running demo.
func (d *Demo) Apply(t testing.TB, text string) {
	t.Helper()
	file := filepath.Join(d.State, "applied.yaml")
	if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	command := exec.Command(d.tabard, "apply", file)
	command.Env = append(os.Environ(), "TABARD_DATABASE=sqlite:"+filepath.Join(d.State, "tabard.db"))
	if out, err := command.CombinedOutput(); err != nil {
		t.Fatalf("tabard apply: %v\n%s", err, out)
	}
}

// Workspace returns the workspace file that the demo applied.
func (d *Demo) Workspace(t testing.TB) string {
	t.Helper()
	text, err := os.ReadFile(filepath.Join(d.State, "workspace.yaml"))
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

// SignIn opens the demo in a tab and signs a person in, by the buttons that a
// person presses.
func (d *Demo) SignIn(t testing.TB, tab context.Context, person string) {
	t.Helper()
	chrome.Go(t, tab, d.Origin)
	chrome.Await(t, tab, `document.body.dataset.screen === "signed_out"`)
	chrome.Press(t, tab, "#sign-in")
	chrome.Press(t, tab, "#person-"+person)
	chrome.Await(t, tab, `globalThis.tabard && !["starting", "signed_out"].includes(tabard.state.status)`)
}

// Open opens the demo in a tab, on an organization of the person signed in.
func (d *Demo) Open(t testing.TB, tab context.Context, organization string) {
	t.Helper()
	chrome.Go(t, tab, d.Origin+"/?tabard_organization="+organization)
	AwaitActive(t, tab, organization)
}

// AwaitActive waits until an organization is active in a tab and its page shows it.
func AwaitActive(t testing.TB, tab context.Context, organization string) {
	t.Helper()
	chrome.Await(t, tab, fmt.Sprintf(
		`globalThis.tabard?.state.status === "active" && tabard.state.organization.slug === %q && document.body.dataset.screen === "active"`, organization))
}

// AwaitScreen waits until a tab shows a screen of the demo.
func AwaitScreen(t testing.TB, tab context.Context, name string) {
	t.Helper()
	chrome.Await(t, tab, fmt.Sprintf(`document.body?.dataset.screen === %q`, name))
}

// Claim returns a claim of the access token that a tab has.
func Claim(t testing.TB, tab context.Context, name string) string {
	t.Helper()
	return chrome.Eval[string](t, tab, fmt.Sprintf(
		`tabard.getToken().then((token) => JSON.parse(atob(token.split(".")[1].replaceAll("-", "+").replaceAll("_", "/")))[%q])`, name))
}

// Notes asks the API for the notes of an organization in a tab, and returns the status.
func Notes(t testing.TB, tab context.Context, organization string) int {
	t.Helper()
	return chrome.Eval[int](t, tab, fmt.Sprintf(
		`tabard.fetch("/api/organizations/org_%s/notes").then((r) => r.status, (e) => e.code)`, organization))
}
