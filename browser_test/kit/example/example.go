// Package example drives the examples of js/examples for tests: in Chromium, bundled,
// on the real backend.
package example

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/evanw/esbuild/pkg/api"

	"github.com/tabard-auth/tabard/browser_test/kit/chrome"
	"github.com/tabard-auth/tabard/browser_test/kit/demo"
	"github.com/tabard-auth/tabard/browser_test/kit/program"
)

// Open runs the demo with an example in place of its page, and opens a tab of a guest that
// keeps its pages' console errors.
func Open(t *testing.T, entry string) (*demo.Demo, context.Context) {
	t.Helper()
	return OpenWith(t, entry, nil)
}

// OpenWith is Open for an example that takes packages from other folders.
func OpenWith(t *testing.T, entry string, packages map[string]string) (*demo.Demo, context.Context) {
	t.Helper()
	d := demo.StartWith(t, page(t, entry, "", packages))
	tab := chrome.Guest(t)
	chrome.Before(t, tab, KeepErrors)
	return d, tab
}

// KeepErrors keeps a page's errors and its console errors in globalThis.complaints.
const KeepErrors = `globalThis.complaints = [];
addEventListener("error", (e) => complaints.push(e.message));
addEventListener("unhandledrejection", (e) => complaints.push(String(e.reason)));
{ const error = console.error; console.error = (...args) => (complaints.push(args.join(" ")), error(...args)); }`

// Page bundles an example into a folder with its page. markup is the output of a
// server's rendering.
func Page(t *testing.T, entry, markup string) string {
	t.Helper()
	return page(t, entry, markup, nil)
}

func page(t *testing.T, entry, markup string, packages map[string]string) string {
	t.Helper()
	folder := t.TempDir()
	Bundle(t, api.BuildOptions{
		EntryPoints: []string{"../../js/examples/" + entry}, Outfile: filepath.Join(folder, "main.js"),
		Platform: api.PlatformBrowser, Conditions: []string{"browser"}, Alias: packages,
	})
	page := `<!doctype html><html lang="en"><meta charset="utf-8"><title>example</title>` +
		`<link rel="icon" href="data:,"><body><div id="root">` + markup + `</div><script type="module" src="/main.js"></script></body></html>`
	if err := os.WriteFile(filepath.Join(folder, "index.html"), []byte(page), 0o644); err != nil {
		t.Fatal(err)
	}
	return folder
}

// Bundle bundles code as a frontend developer does, Svelte components included.
func Bundle(t *testing.T, options api.BuildOptions) {
	t.Helper()
	options.Bundle, options.Write, options.Format, options.JSX = true, true, api.FormatESModule, api.JSXAutomatic
	options.Define = map[string]string{"process.env.NODE_ENV": `"development"`}
	options.Plugins = []api.Plugin{svelte("client")}
	if options.Platform == api.PlatformNode {
		options.Plugins = []api.Plugin{svelte("server")}
	}
	if result := api.Build(options); len(result.Errors) > 0 {
		t.Fatal(strings.Join(api.FormatMessages(result.Errors, api.FormatMessagesOptions{}), ""))
	}
}

// svelte compiles Svelte's components.
func svelte(generate string) api.Plugin {
	const code = `import { compile } from "svelte/compiler"; import { readFileSync } from "node:fs";
const [filename, generate] = process.argv.slice(1);
process.stdout.write(compile(readFileSync(filename, "utf8"), { filename, generate }).js.code);`
	return api.Plugin{Name: "svelte", Setup: func(build api.PluginBuild) {
		build.OnLoad(api.OnLoadOptions{Filter: `\.svelte$`}, func(file api.OnLoadArgs) (api.OnLoadResult, error) {
			command := exec.Command("node", "--input-type=module", "-e", code, file.Path, generate)
			command.Dir = filepath.Dir(file.Path)
			code, err := command.Output()
			if exit := new(exec.ExitError); errors.As(err, &exit) {
				err = fmt.Errorf("%s: %s", file.Path, exit.Stderr)
			}
			text := string(code)
			return api.OnLoadResult{Contents: &text, ResolveDir: filepath.Dir(file.Path), Loader: api.LoaderJS}, err
		})
	}}
}

// Rendered returns the markup of an example that a server renders.
func Rendered(t *testing.T, folder, code string) string {
	t.Helper()
	out := filepath.Join(t.TempDir(), "server.mjs")
	directory, err := filepath.Abs("../../js/examples/" + folder)
	if err != nil {
		t.Fatal(err)
	}
	Bundle(t, api.BuildOptions{
		Stdin: &api.StdinOptions{Contents: code, ResolveDir: directory}, Outfile: out, Platform: api.PlatformNode,
		Banner: map[string]string{"js": `import { createRequire } from "node:module"; const require = createRequire("/");`},
	})
	markup, err := exec.Command("node", out).Output()
	if err != nil {
		t.Fatalf("rendering %s: %v %s", folder, err, program.Stderr(err))
	}
	return string(markup)
}

// SignIn signs a person in by an example's button.
func SignIn(t *testing.T, d *demo.Demo, tab context.Context, path, person string) {
	t.Helper()
	chrome.Go(t, tab, d.Origin+path)
	chrome.Press(t, tab, "#sign-in")
	chrome.Press(t, tab, "#person-"+person)
	chrome.Await(t, tab, `globalThis.tabard && !["starting", "signed_out"].includes(tabard.state.status)`)
}

// firstNotes are notes of the demo's organizations.
var firstNotes = map[string]string{"acme": "Welcome to the team, Jonas! He starts in purchasing.", "globex": "MV Aurora left Rotterdam two hours late; Hamburg knows."}

// AwaitNotes waits until a page shows an organization and its notes, and no notes of
// others.
func AwaitNotes(t *testing.T, tab context.Context, organization string) {
	t.Helper()
	chrome.Await(t, tab, fmt.Sprintf(`tabard.state.organization?.slug === %q && document.body.innerText.includes(%q)`, organization, firstNotes[organization]))
	for other, note := range firstNotes {
		if other != organization && chrome.Eval[bool](t, tab, fmt.Sprintf(`document.body.innerText.includes(%q)`, note)) {
			t.Errorf("the page of %s shows a note of %s", organization, other)
		}
	}
}

// NoErrors fails the test if the page had an error.
func NoErrors(t *testing.T, tab context.Context) {
	t.Helper()
	if complaints := chrome.Eval[string](t, tab, `complaints.join("\n")`); complaints != "" {
		t.Errorf("the page complained:\n%s", complaints)
	}
}
