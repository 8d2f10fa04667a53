package js_test

import (
	"fmt"
	"net"
	"net/http"
	"net/http/httputil"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/tabard-auth/tabard/browser_test/chrome"
)

// A newcomer's project, in the two files that Vite asks for.
const (
	projectPage = `<!doctype html><title>project</title><link rel="icon" href="data:,"><script type="module" src="/main.ts"></script>`
	projectMain = `import { createClient, type Client } from "@tabard/client";
const tabard: Client = createClient({ backend: "/auth" });
Object.assign(window, { tabard });
`
)

func TestThePackedPackage(t *testing.T) {
	npm(t)
	project := newProject(t)
	vite, err := filepath.Abs("node_modules/.bin/vite")
	if err != nil {
		t.Fatal(err)
	}
	tab := chrome.New(t)
	works := func(t *testing.T, page http.Handler) {
		t.Helper()
		backend, server := newApp(t, page)
		backend.signedIn = true
		chrome.Go(t, tab, server.URL+"/?tabard_organization=acme")
		await(t, tab, "active")
		token := chrome.Eval[string](t, tab, `tabard.getToken()`)
		if got := chrome.Eval[string](t, tab, `tabard.fetch("/api/echo").then((r) => r.text())`); got != "Bearer "+token {
			t.Errorf("the API saw %q, want the token %q", got, token)
		}
	}
	t.Run("works in a page without a bundler", func(t *testing.T) {
		page := strings.Replace(projectPage, ` src="/main.ts">`,
			`>import { createClient } from "/node_modules/@tabard/client/index.js"; window.tabard = createClient({ backend: "/auth" });`, 1)
		write(t, filepath.Join(project, "plain.html"), page)
		files := http.FileServer(http.Dir(project))
		works(t, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			if r.URL.Path == "/" {
				r.URL.Path = "/plain.html"
			}
			files.ServeHTTP(w, r)
		}))
	})
	t.Run("works when Vite has built it", func(t *testing.T) {
		cmd := exec.Command(vite, "build")
		cmd.Dir = project
		if out, err := cmd.CombinedOutput(); err != nil {
			t.Fatalf("vite build: %v\n%s", err, out)
		}
		works(t, http.FileServer(http.Dir(filepath.Join(project, "dist"))))
	})
	t.Run("works in Vite's development server", func(t *testing.T) {
		works(t, httputil.NewSingleHostReverseProxy(serveVite(t, vite, project)))
	})
}

// newProject is a fresh folder with the packed package installed.
func newProject(t *testing.T) string {
	t.Helper()
	dir := t.TempDir()
	packed := strings.TrimSpace(run(t, "npm", "pack", "--silent", "--pack-destination", dir))
	write(t, filepath.Join(dir, "package.json"), `{"private": true, "type": "module"}`)
	write(t, filepath.Join(dir, "index.html"), projectPage)
	write(t, filepath.Join(dir, "main.ts"), projectMain)
	run(t, "npm", "install", "--prefix", dir, "--offline", "--no-audit", "--no-fund", filepath.Join(dir, packed))
	return dir
}

func write(t *testing.T, path, content string) {
	t.Helper()
	if err := os.WriteFile(path, []byte(content), 0o644); err != nil {
		t.Fatal(err)
	}
}

// serveVite runs the development server and returns where it answers.
func serveVite(t *testing.T, vite, project string) *url.URL {
	t.Helper()
	free, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	port := free.Addr().(*net.TCPAddr).Port
	free.Close()
	cmd := exec.Command(vite, "--host", "127.0.0.1", "--strictPort", "--port", fmt.Sprint(port))
	cmd.Dir = project
	cmd.Stdout, cmd.Stderr = t.Output(), t.Output()
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		cmd.Process.Kill()
		cmd.Wait()
	})
	address := fmt.Sprintf("http://127.0.0.1:%d", port)
	for deadline := time.Now().Add(20 * time.Second); ; <-time.After(50 * time.Millisecond) {
		if response, err := http.Get(address); err == nil {
			response.Body.Close()
			break
		} else if time.Now().After(deadline) {
			t.Fatalf("vite does not answer: %v", err)
		}
	}
	at, err := url.Parse(address)
	if err != nil {
		t.Fatal(err)
	}
	return at
}
