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
	tryDrafts(t, demo.StartWith(t, filepath.Join(build(t, name, files), "dist")))
}

// build makes an app by a recipe's first commands, writes its files, runs the second ones and
// returns its folder.
func build(t *testing.T, name string, files map[string]string) string {
	t.Helper()
	folder := t.TempDir()
	commands := recipe(t, name, "sh")
	do(t, folder, strings.ReplaceAll(commands[0], "@tabard/client", packed(t, folder)))
	app := filepath.Join(folder, "my-app")
	for file, text := range files {
		path := filepath.Join(app, file)
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			t.Fatal(err)
		}
		program.Write(t, path, text)
	}
	do(t, app, commands[1])
	return app
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
	files := recipe(t, "NEXT.md", "tsx")
	app := build(t, "NEXT.md", map[string]string{
		"app/tabard.tsx": files[0], "app/layout.tsx": files[1], "app/page.tsx": files[2],
		"app/[organization]/layout.tsx": files[3], "app/draft.tsx": files[4], "app/[organization]/notes/page.tsx": files[5],
	})
	port := ports.Hold(t)
	tryDrafts(t, serve(t, app, fmt.Sprintf("http://localhost:%d", port), "node_modules/next/dist/bin/next", "start", "--port", fmt.Sprint(port)))
}

// serve starts an app's own server behind the demo.
func serve(t *testing.T, app, page string, command ...string) *demo.Demo {
	t.Helper()
	server := exec.Command("node", command...)
	server.Dir = app
	program.Run(t, filepath.Base(command[0]), server)
	contract.Ready(t, page)
	return demo.StartWith(t, page)
}

// TestRecipe_SvelteKit makes the app, builds it, starts its server behind the demo, and
// works with it.
func TestRecipe_SvelteKit(t *testing.T) {
	scripts, components := recipe(t, "SVELTEKIT.md", "ts"), recipe(t, "SVELTEKIT.md", "svelte")
	app := build(t, "SVELTEKIT.md", map[string]string{
		"src/lib/tabard.ts": scripts[0], "src/routes/+layout.svelte": components[0],
		"src/routes/+page.svelte": components[1], "src/routes/[organization]/notes/+page.svelte": components[2],
		"src/lib/held.svelte.ts": scripts[1], "src/routes/[organization]/list/+page.ts": scripts[2], "src/routes/[organization]/list/+page.svelte": listPage,
	})
	port := ports.Hold(t)
	d := serve(t, app, fmt.Sprintf("http://127.0.0.1:%d", port), "node_modules/vite/bin/vite.js", "preview", "--strictPort", "--host", "127.0.0.1", "--port", fmt.Sprint(port))
	tryDrafts(t, d)
	tryHeld(t, d)
}

// listPage is a page with data of its load function, which writes down what it is given, and for which
// organization it does so.
const listPage = `<script lang="ts">
  import { organizationOf } from "@tabard/client/svelte";
  import { page } from "$app/state";
  import { held } from "$lib/held.svelte";
  import { tabard } from "$lib/tabard";

  const organization = organizationOf(tabard);
  const here = held();
  const at = tabard.partition;
  const told: string[] = ((globalThis as any).told ??= []);
  const owners = $derived(JSON.stringify(here.data).match(/Welcome to the team/) ? "acme" : JSON.stringify(here.data).match(/MV Aurora/) ? "globex" : "none");
  $effect(() => void told.push([at.key.split("/org_")[1], here.params.organization, owners, $organization?.slug].join(" ")));
  $effect(() => void ((globalThis as any).ahead ??= []).push(page.params.organization));
  let typed = $state("");
</script>

<nav><a id="list-of-acme" href="/acme/list">Acme</a> <a id="list-of-globex" href="/globex/list">Globex</a> <a id="list-of-nowhere" href="/nowhere/list">Nowhere</a></nav>
<textarea id="typed" bind:value={typed}></textarea>
`

// tryHeld takes a tab to another organization while the page that is left has the next one's
// params and data already: it is given its own.
func tryHeld(t *testing.T, d *demo.Demo) {
	t.Helper()
	tab := chrome.New(t)
	chrome.Go(t, tab, d.Origin+"/acme/list")
	chrome.Press(t, tab, "#sign-in")
	chrome.Press(t, tab, "#person-alice")
	const all = `JSON.stringify([...new Set(told.splice(0))].sort())`
	chrome.Await(t, tab, `globalThis.told?.includes("acme acme acme acme")`)
	chrome.Eval[string](t, tab, all)
	for _, c := range []struct{ to, at string }{{"globex", "globex"}, {"nowhere", "globex"}, {"acme", "acme"}, {"globex", "globex"}, {"acme", "acme"}} {
		chrome.Eval[any](t, tab, fmt.Sprintf(`{ globalThis.ahead = []; document.querySelector("#list-of-%s").click(); }`, c.to))
		chrome.Await(t, tab, fmt.Sprintf(`ahead.includes(%q) && location.pathname === "/%[2]s/list" && document.querySelector("h1").checkVisibility() && document.querySelector("h1").innerText === %[3]q && ahead.at(-1) === %[2]q`, c.to, c.at, names[c.at]))
		if got, want := chrome.Eval[string](t, tab, all), fmt.Sprintf(`["%[1]s %[1]s %[1]s %[1]s"]`, c.at); got != want {
			t.Errorf("%s: the page was given %s, want %s", c.to, got, want)
		}
	}
}

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

// isClean fails the test if a console has an error or a warning.
func isClean(t *testing.T, consoles ...*chrome.Console) {
	t.Helper()
	for _, console := range consoles {
		if lines := console.Lines("error: ", "warning: ", "exception: "); len(lines) != 0 {
			t.Errorf("on the console: %q", lines)
		}
	}
}
