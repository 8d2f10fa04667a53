// Package server tests what npm would publish: the declarations, the packed files, and
// the package on other runtimes. The tests of its code are JavaScript, in test.
package server

import (
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/tabard-auth/tabard/browser_test/kit/markdown"
)

// run runs a command in a folder and returns its output.
func run(t *testing.T, folder, name string, args ...string) string {
	t.Helper()
	command := exec.Command(name, args...)
	command.Dir = folder
	out, err := command.CombinedOutput()
	if err != nil {
		t.Fatalf("%s %v: %v\n%s", name, args, err, out)
	}
	return string(out)
}

func write(t *testing.T, path, text string) {
	t.Helper()
	if err := os.WriteFile(path, []byte(text), 0o644); err != nil {
		t.Fatal(err)
	}
}

// npm installs the package's tools, once.
func npm(t *testing.T) {
	t.Helper()
	if _, err := os.Stat("node_modules/.bin/tsc"); err != nil {
		run(t, ".", "npm", "ci", "--no-audit", "--no-fund")
	}
}

func TestDeclarations_AreTheCode(t *testing.T) {
	npm(t)
	run(t, ".", "node_modules/.bin/tsc", "-p", ".")
}

// TestReadme_TypeScriptCompiles compiles each block of the guide as a module of its own.
func TestReadme_TypeScriptCompiles(t *testing.T) {
	npm(t)
	text, err := os.ReadFile("README.md")
	if err != nil {
		t.Fatal(err)
	}
	folder, err := os.MkdirTemp(".", "readme-")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { os.RemoveAll(folder) })
	all := markdown.Blocks(string(text), "ts")
	if len(all) < 5 {
		t.Fatalf("only %d blocks were found", len(all))
	}
	for i, block := range all {
		write(t, filepath.Join(folder, fmt.Sprintf("block%d.ts", i)), block)
	}
	write(t, filepath.Join(folder, "tsconfig.json"), `{"extends": "../tsconfig.json", "include": ["*.ts"]}`)
	run(t, folder, "../node_modules/.bin/tsc", "-p", ".")
}

// consumer is a project's program, which every runtime executes alike.
const consumer = `
import { createGuard, createVerifier } from "@tabard/server";
import { createTestIssuer } from "@tabard/server/testing";
import "@tabard/server/hono";
import "@tabard/server/express";
import "@tabard/server/fastify";
import "@tabard/server/next";
const issuer = await createTestIssuer(), device = await issuer.device();
const guard = createGuard(createVerifier({ ...issuer }), { baseURL: "https://api.example.com" });
const protect = guard.protect({ organization: "organization" }, (_, { organization }) => new Response(organization));
const ask = async (headers, organization = "org_acme") => {
  const answer = await protect(new Request("https://api.example.com/notes", { headers }), { params: { organization } });
  return answer.status + " " + answer.headers.get("Tabard-Organization");
};
const bearer = async (token) => ({ Authorization: "Bearer " + (await token) });
const bound = await issuer.token("org_acme", { boundTo: device });
console.log(JSON.stringify([
  await ask(await bearer(issuer.token("org_acme"))), await ask(await bearer(issuer.token("org_acme")), "org_globex"),
  await ask(await bearer(issuer.expired("org_acme"))), await ask(await bearer(issuer.foreign("org_acme"))),
  await ask(await device.headers(bound, "GET", "https://api.example.com/notes")),
]));
`

const consumed = `["200 org_acme","403 org_acme","401 org_acme","401 null","200 org_acme"]`

// newProject returns a fresh folder with the packed package installed.
func newProject(t *testing.T) string {
	t.Helper()
	folder := t.TempDir()
	packed := strings.TrimSpace(run(t, ".", "npm", "pack", "--silent", "--pack-destination", folder))
	write(t, filepath.Join(folder, "package.json"), `{"private": true, "type": "module"}`)
	write(t, filepath.Join(folder, "main.mjs"), consumer)
	run(t, folder, "npm", "install", "--prefer-offline", "--no-audit", "--no-fund", "--omit=dev", filepath.Join(folder, packed))
	return folder
}

// TestPackedPackage_RunsWithOneDependency installs the package in a fresh project, in
// which no other package but jose arrives.
func TestPackedPackage_RunsWithOneDependency(t *testing.T) {
	folder := newProject(t)
	if got := strings.TrimSpace(run(t, folder, "node", "main.mjs")); got != consumed {
		t.Errorf("it prints %s", got)
	}
	installed, err := filepath.Glob(filepath.Join(folder, "node_modules", "[a-z]*"))
	if err != nil || len(installed) != 1 || filepath.Base(installed[0]) != "jose" {
		t.Errorf("with it come %v, %v", installed, err)
	}
}

// TestPackedPackage_RunsOnDenoAndBun runs the same program.
func TestPackedPackage_RunsOnDenoAndBun(t *testing.T) {
	npm(t)
	folder := newProject(t)
	bin, err := filepath.Abs("node_modules/.bin")
	if err != nil {
		t.Fatal(err)
	}
	for runtime, args := range map[string][]string{
		"deno": {"run", "--no-remote", "--no-prompt", "--allow-read", "--node-modules-dir=manual", "main.mjs"},
		"bun":  {"main.mjs"},
	} {
		if got := strings.TrimSpace(run(t, folder, filepath.Join(bin, runtime), args...)); got != consumed {
			t.Errorf("%s prints %s", runtime, got)
		}
	}
}

// TestPackedPackage_IsComplete: it holds every file that its exports name, with its
// types, and no tests.
func TestPackedPackage_IsComplete(t *testing.T) {
	var packed []struct {
		Version string
		Files   []struct{ Path string }
	}
	if err := json.Unmarshal([]byte(run(t, ".", "npm", "pack", "--dry-run", "--json", "--silent")), &packed); err != nil {
		t.Fatal(err)
	}
	has := map[string]bool{}
	for _, file := range packed[0].Files {
		has["./"+file.Path] = true
		for _, folder := range []string{"test/", "vectors/", "node_modules/"} {
			if strings.HasPrefix(file.Path, folder) {
				t.Errorf("it holds %s", file.Path)
			}
		}
	}
	for _, file := range append(exported(t), "./README.md", "./LICENSE") {
		if !has[file] {
			t.Errorf("it lacks %s", file)
		}
	}
	var client struct{ Version string }
	text, err := os.ReadFile("../package.json")
	if err == nil {
		err = json.Unmarshal(text, &client)
	}
	if err != nil || client.Version != packed[0].Version {
		t.Errorf("the client has version %s, this package %s: %v", client.Version, packed[0].Version, err)
	}
}

// exported returns the files that the package's exports name.
func exported(t *testing.T) (files []string) {
	t.Helper()
	var manifest struct{ Exports map[string]json.RawMessage }
	text, err := os.ReadFile("package.json")
	if err == nil {
		err = json.Unmarshal(text, &manifest)
	}
	if err != nil {
		t.Fatal(err)
	}
	for _, export := range manifest.Exports {
		var conditions map[string]string
		if json.Unmarshal(export, &conditions) != nil { // ./package.json
			continue
		}
		files = append(files, conditions["types"], conditions["default"])
	}
	return files
}
