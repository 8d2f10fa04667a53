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

	"github.com/tabard-auth/tabard/browser_test/contract"
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
	tryPages(t, "VITE.md", map[string]string{"src/tabard.ts": recipe(t, "VITE.md", "ts")[0], "src/App.tsx": recipe(t, "VITE.md", "tsx")[0]})
}

// TestRecipe_Vue makes the app, builds it and works with it.
func TestRecipe_Vue(t *testing.T) {
	scripts, components := recipe(t, "VUE.md", "ts"), recipe(t, "VUE.md", "vue")
	tryPages(t, "VUE.md", map[string]string{
		"src/tabard.ts": scripts[0], "src/main.ts": scripts[1], "src/App.vue": components[0], "src/Notes.vue": components[1],
	})
}

// tryPages makes an app whose addresses name the organization, builds it and works with it.
func tryPages(t *testing.T, name string, files map[string]string) {
	t.Helper()
	folder := t.TempDir()
	commands := recipe(t, name, "sh")
	do(t, folder, strings.ReplaceAll(commands[0], "@tabard/client", packed(t, folder)))
	app := filepath.Join(folder, "my-app")
	for file, text := range files {
		program.Write(t, filepath.Join(app, file), text)
	}
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
	chrome.Show(t, tab)
	demo.Choose(t, tab, "globex")
	awaitPage(t, tab, "globex", "Globex Shipping")
	demo.Choose(t, tab, "acme")
	awaitPage(t, tab, "acme", "Acme Corporation")
	for _, way := range []string{"the switcher", "back", "a link"} {
		leaveDraft(t, tab, way)
	}
	awaitPage(t, other, "initech", "Initech Labs")
	isClean(t, console, second)
}

// leaveDraft types a draft for Acme, tries to go to Globex, stays, goes, and comes back.
func leaveDraft(t *testing.T, tab context.Context, way string) {
	t.Helper()
	chrome.Press(t, tab, "#draft")
	chrome.Key(t, tab, "x")
	for _, answer := range []string{"#stay", "#leave"} {
		switch way {
		case "the switcher":
			demo.Choose(t, tab, "globex")
		case "back":
			chrome.Eval[any](t, tab, `void setTimeout(() => history.back())`)
		default:
			chrome.Press(t, tab, "#to-globex")
		}
		chrome.Await(t, tab, fmt.Sprintf(`document.querySelector(%q) && location.pathname.startsWith("/acme/")`, answer))
		if got := chrome.Eval[string](t, tab, `document.querySelector("#draft").value`); got != "x" {
			t.Errorf("%s: the draft is %q while the person is asked", way, got)
		}
		chrome.Press(t, tab, answer)
		chrome.Await(t, tab, fmt.Sprintf(`!document.querySelector(%q)`, answer))
	}
	awaitPage(t, tab, "globex", "Globex Shipping")
	chrome.Await(t, tab, `document.querySelector("#draft").value === ""`)
	if way == "back" {
		chrome.Eval[any](t, tab, `void setTimeout(() => history.forward())`)
	} else {
		demo.Choose(t, tab, "acme")
	}
	awaitPage(t, tab, "acme", "Acme Corporation")
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
	do(t, folder, "npx -p typescript@7.0.2 tsc --noEmit --strict --module nodenext --allowImportingTsExtensions --types node playwright.config.ts tests/*.ts")
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
	page := fmt.Sprintf("http://localhost:%d", port)
	contract.Ready(t, page)
	d := demo.StartWith(t, page)
	tab := chrome.New(t)
	console := chrome.Watch(t, tab)
	chrome.Go(t, tab, d.Origin+"/?tabard_organization=acme")
	chrome.Press(t, tab, "#sign-in")
	chrome.Press(t, tab, "#person-alice")
	awaitHeading(t, tab, "Acme Corporation")
	other := chrome.Tab(t, tab)
	second := chrome.Watch(t, other)
	chrome.Go(t, other, d.Origin+"/?tabard_organization=initech")
	awaitHeading(t, other, "Initech Labs")
	chrome.Press(t, tab, "#list")
	chrome.Press(t, tab, "#to-globex")
	awaitHeading(t, tab, "Globex Shipping")
	awaitHeading(t, other, "Initech Labs")
	isClean(t, console, second)
}

// TestRecipe_SvelteKit makes the app, builds it, starts its server behind the demo, and
// works with it.
func TestRecipe_SvelteKit(t *testing.T) {
	folder := t.TempDir()
	commands, files := recipe(t, "SVELTEKIT.md", "sh"), recipe(t, "SVELTEKIT.md", "svelte")
	do(t, folder, strings.ReplaceAll(commands[0], "@tabard/client", packed(t, folder)))
	app := filepath.Join(folder, "my-app")
	if err := os.MkdirAll(filepath.Join(app, "src/lib"), 0o755); err != nil {
		t.Fatal(err)
	}
	program.Write(t, filepath.Join(app, "src/lib/tabard.ts"), recipe(t, "SVELTEKIT.md", "ts")[0])
	for i, name := range []string{"src/routes/+layout.svelte", "src/routes/+page.svelte"} {
		program.Write(t, filepath.Join(app, name), files[i])
	}
	do(t, app, commands[1])
	port := ports.Hold(t)
	server := exec.Command("node", "node_modules/vite/bin/vite.js", "preview", "--strictPort", "--host", "127.0.0.1", "--port", fmt.Sprint(port))
	server.Dir = app
	program.Run(t, "vite", server)
	page := fmt.Sprintf("http://127.0.0.1:%d", port)
	contract.Ready(t, page)
	d := demo.StartWith(t, page)
	tab := chrome.New(t)
	console := chrome.Watch(t, tab)
	chrome.Go(t, tab, d.Origin)
	chrome.Press(t, tab, "#sign-in")
	chrome.Press(t, tab, "#person-alice")
	awaitHeading(t, tab, "choose")
	demo.Choose(t, tab, "acme")
	awaitHeading(t, tab, "Acme Corporation")
	other := chrome.Tab(t, tab)
	second := chrome.Watch(t, other)
	chrome.Go(t, other, d.Origin+"/?tabard_organization=initech")
	awaitHeading(t, other, "Initech Labs")
	chrome.Eval[any](t, tab, typed)
	demo.Choose(t, tab, "globex")
	chrome.Await(t, tab, `asked === 1 && document.querySelector("#draft").value === "mine"`)
	awaitHeading(t, tab, "Acme Corporation")
	chrome.Eval[any](t, tab, `{ agrees = true; }`)
	demo.Choose(t, tab, "globex")
	awaitHeading(t, tab, "Globex Shipping")
	chrome.Await(t, tab, `document.querySelector("#draft").value === ""`)
	awaitHeading(t, other, "Initech Labs")
	isClean(t, console, second)
}

// typed types a note, as a person does who answers the page's questions by "agrees".
const typed = `{ globalThis.asked = 0; globalThis.agrees = false; globalThis.confirm = () => (asked++, agrees); const draft = document.querySelector("#draft"); draft.value = "mine"; draft.dispatchEvent(new Event("input", { bubbles: true })); }`

// TestRecipe_Testing writes the page with its tests, and runs them with each runner.
func TestRecipe_Testing(t *testing.T) {
	commands, components, scripts := recipe(t, "TESTING.md", "sh"), recipe(t, "TESTING.md", "jsx"), recipe(t, "TESTING.md", "js")
	files := map[string]string{"Page.jsx": components[0], "Page.test.jsx": components[1]}
	for i, runner := range []struct {
		name  string
		files map[string]string
	}{
		{"Vitest", files},
		{"Jest", map[string]string{
			"Page.jsx": components[0], "Page.test.jsx": components[1],
			"babel.config.cjs": scripts[0], "jest.config.cjs": scripts[1], "jest.environment.cjs": scripts[2],
		}},
		{"jsdom", map[string]string{"page.test.mjs": scripts[3]}},
	} {
		t.Run(runner.name, func(t *testing.T) {
			folder := t.TempDir()
			program.Write(t, filepath.Join(folder, "package.json"), `{"private": true, "type": "module"}`)
			for name, text := range runner.files {
				program.Write(t, filepath.Join(folder, name), text)
			}
			install, run, _ := strings.Cut(commands[i], "\n")
			do(t, folder, strings.ReplaceAll(install, "@tabard/client", packed(t, folder))+"\n"+run)
		})
	}
}

// awaitHeading waits until a tab's page has a heading.
func awaitHeading(t *testing.T, tab context.Context, text string) {
	t.Helper()
	chrome.Await(t, tab, fmt.Sprintf(`document.querySelector("h1")?.innerText === %q`, text))
}

// isClean fails the test if a console has an error or a warning.
func isClean(t *testing.T, consoles ...*chrome.Console) {
	t.Helper()
	for _, console := range consoles {
		if lines := console.Lines("error: ", "warning: ", "exception: "); len(lines) != 0 {
			t.Errorf("on the console: %q", lines)
		}
	}
}
