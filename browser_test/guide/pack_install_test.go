//go:build long

package guide

import (
	"context"
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/tabard-auth/tabard/browser_test/kit/chrome"
	"github.com/tabard-auth/tabard/browser_test/kit/demo"
	"github.com/tabard-auth/tabard/browser_test/kit/example"
	"github.com/tabard-auth/tabard/browser_test/kit/program"
)

// project is a new project, as create-vite generates it for React and TypeScript. The
// versions are those that js/package.json pins.
var project = map[string]string{
	"index.html": `<!doctype html><html lang="en"><meta charset="utf-8"><title>project</title><link rel="icon" href="data:,">
<body><div id="root"></div><script type="module" src="/src/main.tsx"></script></body></html>`,
	"src/main.tsx": `import { StrictMode } from "react";
import { createRoot } from "react-dom/client";
import { createClient } from "@tabard/client";
import { TabardProvider } from "@tabard/client/react";
import App from "./App.tsx";

const tabard = createClient({ backend: "/auth" });
Object.assign(globalThis, { tabard });
createRoot(document.getElementById("root")!).render(
  <StrictMode>
    <TabardProvider client={tabard}>
      <App />
    </TabardProvider>
  </StrictMode>,
);
`,
	"src/App.tsx": `import { useOrganization, useSession, useSwitchOrganization, useTabard } from "@tabard/client/react";

export default function App() {
  const tabard = useTabard();
  const { status } = useSession();
  const organization = useOrganization();
  const { switchOrganization } = useSwitchOrganization();
  if (status === "signed_out") return <button id="sign-in" onClick={() => tabard.signIn()}>Sign in</button>;
  if (status === "choose") return <button id="acme" onClick={() => switchOrganization("acme")}>Acme</button>;
  return <h1>{organization?.name ?? status}</h1>;
}
`,
	"vite.config.ts": `import { defineConfig } from "vite";
import react from "@vitejs/plugin-react";

export default defineConfig({ plugins: [react()] });
`,
	"tsconfig.json": `{ "files": [], "references": [{ "path": "./tsconfig.app.json" }, { "path": "./tsconfig.node.json" }] }`,
	"tsconfig.app.json": `{
  "compilerOptions": {
    "tsBuildInfoFile": "./node_modules/.tmp/tsconfig.app.tsbuildinfo", "target": "es2023", "lib": ["ES2023", "DOM"], "module": "esnext",
    "types": ["vite/client"], "moduleResolution": "bundler", "allowImportingTsExtensions": true, "verbatimModuleSyntax": true,
    "moduleDetection": "force", "noEmit": true, "jsx": "react-jsx", "strict": true, "noUnusedLocals": true, "noUnusedParameters": true
  },
  "include": ["src"]
}`,
	"tsconfig.node.json": `{
  "compilerOptions": {
    "tsBuildInfoFile": "./node_modules/.tmp/tsconfig.node.tsbuildinfo", "target": "es2023", "lib": ["ES2023"], "module": "esnext",
    "types": [], "moduleResolution": "bundler", "skipLibCheck": true, "noEmit": true, "strict": true
  },
  "include": ["vite.config.ts"]
}`,
}

// newProject installs the packed package, and the project's other packages from the
// registry.
func newProject(t *testing.T) string {
	t.Helper()
	folder := t.TempDir()
	pinned := packages(t)
	for name := range pinned {
		switch name {
		case "react", "react-dom", "@types/react", "@types/react-dom", "typescript", "vite", "@vitejs/plugin-react":
		default:
			delete(pinned, name)
		}
	}
	packed := strings.TrimSpace(inFolder(t, "../../js", "npm", "pack", "--silent", "--pack-destination", folder))
	pinned["@tabard/client"] = "file:" + packed
	manifest, err := json.Marshal(map[string]any{"name": "project", "private": true, "type": "module", "dependencies": pinned})
	if err != nil {
		t.Fatal(err)
	}
	program.Write(t, filepath.Join(folder, "package.json"), string(manifest))
	if err := os.Mkdir(filepath.Join(folder, "src"), 0o755); err != nil {
		t.Fatal(err)
	}
	for name, text := range project {
		program.Write(t, filepath.Join(folder, name), text)
	}
	inFolder(t, folder, "npm", "install", "--prefer-offline", "--ignore-scripts", "--no-audit", "--no-fund", "--loglevel=error")
	return folder
}

// TestPackedPackage_Installed installs the package that npm would publish, in a fresh project
// with a bundler and in pages without one. In each a person signs in and the API
// accepts the token.
func TestPackedPackage_Installed(t *testing.T) {
	folder := newProject(t)
	t.Run("in a fresh project of Vite, React and TypeScript", func(t *testing.T) {
		inFolder(t, folder, "npx", "--no-install", "tsc", "-b")
		inFolder(t, folder, "npx", "--no-install", "vite", "build")
		checkPage(t, filepath.Join(folder, "dist"), func(t *testing.T, tab context.Context) {
			chrome.Press(t, tab, "#acme")
			chrome.Await(t, tab, `document.querySelector("h1")?.innerText === "Acme Corporation"`)
		})
	})
	choose := func(t *testing.T, tab context.Context) { demo.Choose(t, tab, "acme") }
	t.Run("in a page without a bundler, from a folder", func(t *testing.T) {
		checkPage(t, plainPage(t, filepath.Join(folder, "node_modules/@tabard/client")), choose)
	})
	t.Run("in a page without a bundler, from the backend", func(t *testing.T) {
		checkPage(t, "../../js/examples/plain", func(t *testing.T, tab context.Context) {
			choose(t, tab)
			if got := chrome.Eval[string](t, tab, `import("/auth/client/routes.js").then((routes) => routes.organizationOf({ url: "/acme/notes" }))`); got != "acme" {
				t.Errorf("the backend's routes.js finds %q", got)
			}
		})
	})
}

// plainPage writes the example without a bundler, with the package's files in a folder.
func plainPage(t *testing.T, installed string) string {
	t.Helper()
	folder := t.TempDir()
	if err := os.CopyFS(filepath.Join(folder, "client"), os.DirFS(installed)); err != nil {
		t.Fatal(err)
	}
	page, err := os.ReadFile("../../js/examples/plain/index.html")
	if err != nil {
		t.Fatal(err)
	}
	program.Write(t, filepath.Join(folder, "index.html"), strings.NewReplacer(
		"/auth/client/tabard.js", "/client/index.js", "/auth/client/switcher.js", "/client/switcher.js").Replace(string(page)))
	return folder
}

// checkPage serves a page before the real backend, signs a person in, chooses Acme and
// calls the API.
func checkPage(t *testing.T, page string, choose func(*testing.T, context.Context)) {
	t.Helper()
	d := demo.StartWith(t, page)
	tab := chrome.New(t)
	chrome.Before(t, tab, example.KeepErrors)
	example.SignIn(t, d, tab, "/", "alice")
	choose(t, tab)
	chrome.Await(t, tab, `tabard.state.organization?.slug === "acme"`)
	if got := demo.Claim(t, tab, "org_id"); got != "org_acme" {
		t.Errorf("the token is of %s", got)
	}
	if got := demo.Notes(t, tab, "acme"); got != 200 {
		t.Errorf("the API answers %d", got)
	}
	example.NoErrors(t, tab)
}
