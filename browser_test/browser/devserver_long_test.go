//go:build long

package browser

import (
	"context"
	"fmt"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/tabard-auth/tabard/browser_test/kit/chrome"
	"github.com/tabard-auth/tabard/browser_test/kit/demo"
	"github.com/tabard-auth/tabard/browser_test/kit/ports"
	"github.com/tabard-auth/tabard/browser_test/kit/program"
)

// devProject is a page under work: a module that accepts its own changes, and a style.
var devProject = map[string]string{
	"package.json": `{"private": true, "type": "module"}`,
	"index.html": `<!doctype html><html lang="en"><meta charset="utf-8"><title>work</title><link rel="icon" href="data:,">
<body><h1 id="title"></h1><button id="sign-in">Sign in</button><script type="module" src="/main.js"></script></body></html>`,
	"main.js": `import "./style.css";
import { show, tabard } from "./page.js";
document.querySelector("#sign-in").onclick = () => tabard.signIn();
show();
globalThis.tabard = tabard;
globalThis.loaded = (globalThis.loaded ?? 0) + 1;
`,
	"page.js":   devPage("first"),
	"style.css": "h1 { color: rgb(1, 2, 3); }\n",
}

// devPage is the module that a developer edits: each version makes the page's client.
func devPage(title string) string {
	return fmt.Sprintf(`import { createClient } from "@tabard/client";
export const tabard = createClient({ backend: "/auth" });
export const show = () => { document.querySelector("#title").textContent = %q; };
if (import.meta.hot) import.meta.hot.accept((changed) => { changed.show(); globalThis.same = changed.tabard === globalThis.tabard; });
`, title)
}

// newDevProject writes the project, with the package that npm would install.
func newDevProject(t *testing.T) string {
	t.Helper()
	folder := t.TempDir()
	for name, text := range devProject {
		program.Write(t, filepath.Join(folder, name), text)
	}
	pack := exec.Command("npm", "pack", "--silent", "--pack-destination", folder)
	pack.Dir = "../../js"
	packed, err := pack.Output()
	if err != nil {
		t.Fatalf("npm pack: %v %s", err, program.Stderr(err))
	}
	install := exec.Command("npm", "install", "--offline", "--no-audit", "--no-fund", "--loglevel=error", filepath.Join(folder, strings.TrimSpace(string(packed))))
	install.Dir = folder
	if out, err := install.CombinedOutput(); err != nil {
		t.Fatalf("npm install: %v\n%s", err, out)
	}
	return folder
}

// startVite runs Vite's development server in a folder until it answers.
func startVite(t *testing.T, folder string, port int) {
	t.Helper()
	vite, err := filepath.Abs("../../js/node_modules/.bin/vite")
	if err != nil {
		t.Fatal(err)
	}
	command := exec.Command(vite, "--strictPort", "--port", fmt.Sprint(port))
	command.Dir = folder
	command.Env = append(os.Environ(), "CHOKIDAR_USEPOLLING=1", "CHOKIDAR_INTERVAL=50")
	process := program.Run(t, "vite", command)
	tick := time.NewTicker(50 * time.Millisecond)
	defer tick.Stop()
	for {
		if response, err := http.Get(fmt.Sprintf("http://localhost:%d/", port)); err == nil {
			response.Body.Close()
			return
		}
		select {
		case <-process.Ended:
			t.Fatal("vite ended at once")
		case <-t.Context().Done():
			t.Fatal("vite does not answer")
		case <-tick.C:
		}
	}
}

// TestDevServer_HotReloadThroughTheDemo: a developer starts the demo before the page's
// server. The page waits for it, a person signs in, and edits reach the page without a
// reload, which keeps its one client.
func TestDevServer_HotReloadThroughTheDemo(t *testing.T) {
	t.Parallel()
	folder, port := newDevProject(t), ports.Hold(t)
	server := fmt.Sprintf("http://localhost:%d", port)
	d := demo.StartWith(t, server)
	tab := chrome.New(t)
	chrome.Before(t, tab, `globalThis.sockets = []; WebSocket = class extends WebSocket { constructor(...args) { super(...args); sockets.push(this); } };`)
	chrome.Go(t, tab, d.Origin+"/")
	chrome.Await(t, tab, fmt.Sprintf(`document.body.innerText.includes("Nothing answers at %s")`, server))
	startVite(t, folder, port)
	chrome.Await(t, tab, `document.querySelector("#title")?.textContent === "first" && globalThis.tabard?.state.status === "signed_out"`)

	chrome.Press(t, tab, "#sign-in")
	chrome.Press(t, tab, "#person-bob")
	chrome.Await(t, tab, `globalThis.tabard?.state.organization?.slug === "globex"`)
	if got := demo.Notes(t, tab, "globex"); got != http.StatusOK {
		t.Errorf("the API answers %d", got)
	}
	edit(t, tab, folder, "style.css", "h1 { color: rgb(4, 5, 6); }\n", `getComputedStyle(document.querySelector("#title")).color === "rgb(4, 5, 6)"`)
	edit(t, tab, folder, "page.js", devPage("second"), `document.querySelector("#title").textContent === "second" && same`)
	if !chrome.Eval[bool](t, tab, `sockets.length > 0 && sockets.every(({ url, readyState }) => new URL(url).host === location.host && readyState === 1)`) {
		t.Error("changes come past the demo")
	}
	if loaded := chrome.Eval[int](t, tab, `loaded`); loaded != 1 {
		t.Errorf("the page loaded %d times", loaded)
	}
}

// edit writes a file of the project and waits until the page has it.
func edit(t *testing.T, tab context.Context, folder, name, text, seen string) {
	t.Helper()
	program.Write(t, filepath.Join(folder, name), text)
	chrome.Await(t, tab, seen)
}
