package js_test

import (
	"fmt"
	"net/http"
	"net/http/httputil"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/tabard-auth/tabard/browser_test/kit/chrome"
	"github.com/tabard-auth/tabard/browser_test/kit/ports"
)

// A newcomer's project, in the two files that Vite asks for.
const (
	projectPage = `<!doctype html><title>project</title><link rel="icon" href="data:,"><script type="module" src="/main.ts"></script>`
	projectMain = `import { createClient, type Client } from "@tabard/client";
const tabard: Client = createClient({ backend: "/auth" });
Object.assign(window, { tabard });
`
)

// TestVitesDevelopmentServerServesThePackage, which it bundles in a way of its own. That
// the packed package works on the real backend, built and plain, browser_test sees.
func TestVitesDevelopmentServerServesThePackage(t *testing.T) {
	npm(t)
	project := newProject(t)
	vite, err := filepath.Abs("node_modules/.bin/vite")
	if err != nil {
		t.Fatal(err)
	}
	backend, server := newApp(t, httputil.NewSingleHostReverseProxy(serveVite(t, vite, project)))
	backend.signedIn = true
	tab := chrome.New(t)
	chrome.Go(t, tab, server.URL+"/?tabard_organization=acme")
	await(t, tab, "active")
	token := chrome.Eval[string](t, tab, `tabard.getToken()`)
	gives(t, tab, `tabard.fetch("/api/echo").then((r) => r.text())`, "Bearer "+token)
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
	port := ports.Hold(t)
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
	for deadline := time.Now().Add(time.Minute); ; <-time.After(50 * time.Millisecond) {
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
