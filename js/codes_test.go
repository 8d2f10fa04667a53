package js_test

import (
	"go/ast"
	"go/parser"
	"go/token"
	"os"
	"regexp"
	"strconv"
	"strings"
	"testing"

	"github.com/tabard-auth/tabard/backend/api"
)

// forServers are the codes of the contract that no browser gets.
var forServers = map[string]bool{
	"admin_key_required": true, "admin_access_denied": true, "workspace_api_key_required": true, "workspace_access_denied": true,
	"app_not_in_workspace": true, "events_key_required": true, "invalid_token": true, "already_exists": true, "managed_by_file": true,
}

// codesOf returns the constants of type Code in a file of Go.
func codesOf(t *testing.T, path string) (codes []string) {
	t.Helper()
	file, err := parser.ParseFile(token.NewFileSet(), path, nil, 0)
	if err != nil {
		t.Fatal(err)
	}
	ast.Inspect(file, func(n ast.Node) bool {
		spec, ok := n.(*ast.ValueSpec)
		if !ok {
			return true
		}
		kind := ""
		switch named := spec.Type.(type) {
		case *ast.Ident:
			kind = named.Name
		case *ast.SelectorExpr:
			kind = named.Sel.Name
		}
		if kind == "Code" {
			code, err := strconv.Unquote(spec.Values[0].(*ast.BasicLit).Value)
			if err != nil {
				t.Fatal(err)
			}
			codes = append(codes, code)
		}
		return true
	})
	if len(codes) == 0 {
		t.Fatalf("%s has no code", path)
	}
	return codes
}

// TestCodes_AreDeclared: the type Code has every code that a page may get, and its
// comment says what to do about it.
func TestCodes_AreDeclared(t *testing.T) {
	declarations, err := os.ReadFile("types/errors.d.ts")
	if err != nil {
		t.Fatal(err)
	}
	before, after, _ := strings.Cut(string(declarations), "export type Code =")
	comment := before[strings.LastIndex(before, "/**"):]
	union, _, _ := strings.Cut(after, ";")
	codes := append(codesOf(t, "../backend/api/errors.go"), codesOf(t, "../wasm/tab/errors.go")...)
	for _, code := range append(codes, codesOf(t, "../backend/signin/connection.go")...) {
		if !forServers[code] && (!strings.Contains(union, `"`+code+`"`) || !strings.Contains(comment, "`"+code+"`")) {
			t.Errorf("%s is not in the type Code and its comment", code)
		}
	}
	for _, name := range []string{"error.js", "client.js", "answers.js", "gate.js", "routes/result.js", "causes.js", "network.js", "silence.js", "assets.js"} {
		text, err := os.ReadFile("src/" + name)
		if err != nil {
			t.Fatal(err)
		}
		for _, code := range regexp.MustCompile(`(?:TabardError\(|cause\(|code: (?:/\*\*.*?\*/ \()?)"(\w+)"`).FindAllStringSubmatch(string(text), -1) {
			if code[1] != "backend_unreachable" && !strings.Contains(union, `"`+code[1]+`"`) { // which is on the console alone
				t.Errorf("%s: %s is not in the type Code", name, code[1])
			}
		}
	}
}

// TestCodes_FakeClientActs: the fake client does about a code what the contract says.
func TestCodes_FakeClientActs(t *testing.T) {
	script := `import { actionOf } from "./src/testing/codes.js"; for (const code of process.argv.slice(1)) console.log(actionOf(code));`
	codes := codesOf(t, "../backend/api/errors.go")
	got := strings.Fields(run(t, "node", append([]string{"--input-type=module", "-e", script, "--"}, codes...)...))
	for i, code := range codes {
		if want := string(api.Code(code).Action()); i >= len(got) || got[i] != want {
			t.Errorf("%s: want %s, got %v", code, want, got)
		}
	}
}
