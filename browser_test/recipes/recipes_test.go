//go:build long

// Package recipes follows the recipes of js/recipes: it makes a new app by the commands and
// files that stand in each, builds it, and works with it in Chromium.
package recipes

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/tabard-auth/tabard/browser_test/kit/chrome"
	"github.com/tabard-auth/tabard/browser_test/kit/demo"
	"github.com/tabard-auth/tabard/browser_test/kit/markdown"
	"github.com/tabard-auth/tabard/browser_test/kit/ports"
	"github.com/tabard-auth/tabard/browser_test/kit/program"
)

// longest is how long the commands of a recipe may take.
const longest = 5 * time.Minute

// recipe returns the blocks of a language in a recipe.
func recipe(t *testing.T, name, language string) []string {
	t.Helper()
	text, err := os.ReadFile(filepath.Join("../../js/recipes", name))
	if err != nil {
		t.Fatal(err)
	}
	return markdown.Blocks(string(text), language)
}

// do runs a command of a recipe in a folder. The package is the one that this tree packs.
func do(t *testing.T, folder, command string) {
	t.Helper()
	ctx, stop := context.WithTimeout(t.Context(), longest)
	defer stop()
	run := exec.CommandContext(ctx, "bash", "-ec", command)
	run.Dir = folder
	run.Env = append(os.Environ(), "npm_config_audit=false", "npm_config_fund=false", "npm_config_yes=true", "npm_config_prefer_offline=true", "CI=1", "NEXT_TELEMETRY_DISABLED=1")
	if out, err := run.CombinedOutput(); err != nil {
		t.Fatalf("%s: %v\n%s", command, err, out)
	}
}

// packed returns the file of the package that npm would publish.
func packed(t *testing.T, folder string) string {
	t.Helper()
	pack := exec.Command("npm", "pack", "--silent", "--pack-destination", folder)
	pack.Dir = "../../js"
	name, err := pack.Output()
	if err != nil {
		t.Fatalf("npm pack: %v %s", err, program.Stderr(err))
	}
	return filepath.Join(folder, strings.TrimSpace(string(name)))
}

// TestRecipe_ViteAndReactRouter makes the app, builds it and works with it.
func TestRecipe_ViteAndReactRouter(t *testing.T) {
	folder := t.TempDir()
	commands := recipe(t, "VITE.md", "sh")
	do(t, folder, strings.ReplaceAll(commands[0], "@tabard/client", packed(t, folder)))
	app := filepath.Join(folder, "my-app")
	program.Write(t, filepath.Join(app, "src/tabard.ts"), recipe(t, "VITE.md", "ts")[0])
	program.Write(t, filepath.Join(app, "src/App.tsx"), recipe(t, "VITE.md", "tsx")[0])
	do(t, app, commands[1])
	d := demo.StartWith(t, filepath.Join(app, "dist"))
	tab := chrome.New(t)
	console := chrome.Watch(t, tab)
	chrome.Go(t, tab, d.Origin+"/acme/notes")
	chrome.Press(t, tab, "#sign-in")
	chrome.Press(t, tab, "#person-alice")
	awaitPage(t, tab, "acme", "Acme Corporation")
	other := chrome.Tab(t, tab)
	second := chrome.Watch(t, other)
	chrome.Go(t, other, d.Origin+"/initech/notes")
	awaitPage(t, other, "initech", "Initech Labs")
	demo.Choose(t, tab, "globex")
	awaitPage(t, tab, "globex", "Globex Shipping")
	awaitPage(t, other, "initech", "Initech Labs")
	if lines := append(console.Lines("error: ", "warning: ", "exception: "), second.Lines("error: ", "warning: ", "exception: ")...); len(lines) != 0 {
		t.Errorf("on the console: %q", lines)
	}
}

// awaitPage waits until a tab shows an organization at its address.
func awaitPage(t *testing.T, tab context.Context, slug, name string) {
	t.Helper()
	chrome.Await(t, tab, fmt.Sprintf(`location.pathname.split("/")[1] === %q && document.querySelector("h1")?.innerText === %q && document.querySelector("#draft")`, slug, name))
}

// TestRecipe_Playwright writes the tests, and runs them on the demo in the Chromium of this
// machine.
func TestRecipe_Playwright(t *testing.T) {
	folder := t.TempDir()
	program.Write(t, filepath.Join(folder, "package.json"), `{"private": true, "type": "module"}`)
	if err := os.Mkdir(filepath.Join(folder, "tests"), 0o755); err != nil {
		t.Fatal(err)
	}
	commands, files := recipe(t, "PLAYWRIGHT.md", "sh"), recipe(t, "PLAYWRIGHT.md", "ts")
	for i, name := range []string{"playwright.config.ts", "tests/signin.ts", "tests/organizations.spec.ts"} {
		program.Write(t, filepath.Join(folder, name), files[i])
	}
	do(t, folder, commands[0])
	browser, err := exec.LookPath("chromium")
	if err != nil {
		t.Fatal(err)
	}
	d := demo.Start(t)
	do(t, folder, "export APP="+d.Origin+" CHROMIUM="+browser+"\n"+commands[1])
}

// TestRecipe_Next makes the app, builds it, starts its server behind the demo, and works
// with it.
func TestRecipe_Next(t *testing.T) {
	folder := t.TempDir()
	commands, files := recipe(t, "NEXT.md", "sh"), recipe(t, "NEXT.md", "tsx")
	do(t, folder, strings.ReplaceAll(commands[0], "@tabard/client", packed(t, folder)))
	app := filepath.Join(folder, "my-app")
	for i, name := range []string{"app/tabard.tsx", "app/layout.tsx", "app/page.tsx"} {
		program.Write(t, filepath.Join(app, name), files[i])
	}
	do(t, app, commands[1])
	port := ports.Hold(t)
	server := exec.Command("node", "node_modules/next/dist/bin/next", "start", "--port", fmt.Sprint(port))
	server.Dir = app
	program.Run(t, "next", server)
	d := demo.StartWith(t, fmt.Sprintf("http://localhost:%d", port))
	tab := chrome.New(t)
	console := chrome.Watch(t, tab)
	chrome.Go(t, tab, d.Origin+"/?tabard_organization=acme")
	chrome.Press(t, tab, "#sign-in")
	chrome.Press(t, tab, "#person-alice")
	chrome.Await(t, tab, `document.querySelector("h1")?.innerText === "Acme Corporation"`)
	other := chrome.Tab(t, tab)
	chrome.Go(t, other, d.Origin+"/?tabard_organization=initech")
	chrome.Await(t, other, `document.querySelector("h1")?.innerText === "Initech Labs"`)
	chrome.Press(t, tab, "#list")
	chrome.Press(t, tab, "#to-globex")
	chrome.Await(t, tab, `document.querySelector("h1")?.innerText === "Globex Shipping"`)
	chrome.Await(t, other, `document.querySelector("h1")?.innerText === "Initech Labs"`)
	if lines := console.Lines("error: ", "warning: ", "exception: "); len(lines) != 0 {
		t.Errorf("on the console: %q", lines)
	}
}
