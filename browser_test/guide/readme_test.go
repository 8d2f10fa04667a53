package guide

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/evanw/esbuild/pkg/api"
	"github.com/tabard-auth/tabard/browser_test/kit/example"
	"github.com/tabard-auth/tabard/browser_test/kit/markdown"
	"github.com/tabard-auth/tabard/browser_test/kit/program"
)

// blocks returns the fenced blocks of a language in a document.
func blocks(t *testing.T, document, language string) []string {
	t.Helper()
	text, err := os.ReadFile(filepath.Join("../..", document))
	if err != nil {
		t.Fatal(err)
	}
	return markdown.Blocks(string(text), language)
}

// documents are the documents for users; each is compared with the code.
var documents = []string{"README.md", "js/README.md", "js/MIGRATION.md", "backend/README.md", "backend/resource/README.md"}

// TestDocuments_CommandsRun runs the commands in the documents. Of make it only
// prints the recipe: this test is part of one of the targets.
func TestDocuments_CommandsRun(t *testing.T) {
	ran := 0
	for _, document := range documents {
		for _, block := range blocks(t, document, "sh") {
			for line := range strings.Lines(block) {
				line = strings.TrimSpace(line)
				if line == "" || strings.HasPrefix(line, "#") {
					continue
				}
				command := exec.Command("bash", "-ec", line)
				if target, ok := strings.CutPrefix(line, "make "); ok {
					command = exec.Command("make", "-n", target)
				}
				command.Dir = "../.."
				if out, err := command.CombinedOutput(); err != nil {
					t.Errorf("%s: %s: %v\n%s", document, line, err, out)
				}
				ran++
			}
		}
	}
	if ran < 5 {
		t.Errorf("only %d commands were found", ran)
	}
}

// goBlock is the program around a Go block.
const goBlock = `package p

import (
	"context"
	"database/sql"
	"fmt"
	"log/slog"
	"net/http"
	"net/url"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/tabard-auth/tabard/backend/isolationtest"
	"github.com/tabard-auth/tabard/backend/resource"
	"github.com/tabard-auth/tabard/backend/resource/hold"
	"github.com/tabard-auth/tabard/backend/resource/hold/coderws"
	"github.com/tabard-auth/tabard/backend/tenantdb"
	"github.com/tabard-auth/tabard/backend/token"
	"github.com/tabard-auth/tabard/backend/token/tokentest"
)

var (
	_ context.Context
	_ *slog.Logger
	_ *token.Claims
	_ *resource.Guard
	_ pgx.Tx
	_ tenantdb.Beginner
	_ isolationtest.Config
	_ *tokentest.Issuer
	_ hold.Upgrade = coderws.Upgrade
	_ *url.URL
	_ time.Time
	_ = fmt.Sprint()

	guard    *resource.Guard
	follower *resource.Follower
	key      []byte // of the API's links
)

func f(ctx context.Context, mux *http.ServeMux, notes http.Handler, raw string, w http.ResponseWriter, r *http.Request,
	pool *pgxpool.Pool, db *sql.DB, t *testing.T, tokenA, tokenB string) error {
	var err error
%s
	return err
}
`

// TestDocuments_GoCompiles compiles each Go block as the body of a function.
func TestDocuments_GoCompiles(t *testing.T) {
	folder, err := os.MkdirTemp(".", "readme")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { os.RemoveAll(folder) })
	compiled := 0
	for _, document := range documents {
		for _, block := range blocks(t, document, "go") {
			if strings.HasPrefix(block, "package ") {
				t.Fatalf("%s: blocks are the body of a function", document)
			}
			if err := os.WriteFile(filepath.Join(folder, "block.go"), []byte(fmt.Sprintf(goBlock, block)), 0o600); err != nil {
				t.Fatal(err)
			}
			if out, err := exec.Command("go", "build", "./"+folder).CombinedOutput(); err != nil {
				t.Errorf("%s: %v\n%s\n%s", document, err, out, block)
			}
			compiled++
		}
	}
	if compiled == 0 {
		t.Error("no Go was found")
	}
}

// TestDocuments_JavaScriptParses parses each block, and finds every name that it
// takes from the client in the client's types.
func TestDocuments_JavaScriptParses(t *testing.T) {
	types, err := os.ReadFile("../../js/index.d.ts")
	if err != nil {
		t.Fatal(err)
	}
	used := regexp.MustCompile(`\btabard\.(\w+)`)
	parsed := 0
	for _, document := range documents {
		for _, block := range blocks(t, document, "js") {
			result := api.Transform(block, api.TransformOptions{Loader: api.LoaderJS, Format: api.FormatESModule, Target: api.ES2022})
			for _, message := range result.Errors {
				t.Errorf("%s: %s\n%s", document, message.Text, block)
			}
			for _, name := range used.FindAllStringSubmatch(block, -1) {
				if name[1] != "js" && !regexp.MustCompile(`\b`+name[1]+`\b`).Match(types) {
					t.Errorf("%s: the client has no %s", document, name[1])
				}
			}
			parsed++
		}
	}
	if parsed == 0 {
		t.Error("no JavaScript was found")
	}
}

// TestDocuments_TypeScriptCompiles compiles each block as a module of its own, as
// strictly as a careful project does, and Svelte's components as Svelte does.
func TestDocuments_TypeScriptCompiles(t *testing.T) {
	folder, err := os.MkdirTemp("../../js", "readme-")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { os.RemoveAll(folder) })
	compiled := 0
	for _, document := range documents {
		for _, language := range []string{"ts", "tsx"} {
			for _, block := range blocks(t, document, language) {
				program.Write(t, filepath.Join(folder, fmt.Sprintf("block%d.%s", compiled, language)), block)
				compiled++
			}
		}
	}
	if compiled < 5 {
		t.Errorf("only %d blocks were found", compiled)
	}
	for i, block := range blocks(t, "js/README.md", "svelte") {
		component := filepath.Join(folder, fmt.Sprintf("Block%d.svelte", i))
		program.Write(t, component, block)
		example.Bundle(t, api.BuildOptions{EntryPoints: []string{component}, Outfile: filepath.Join(t.TempDir(), "block.js"), Conditions: []string{"browser"}})
	}
	program.Write(t, filepath.Join(folder, "tsconfig.json"), `{"extends": "../tsconfig.json", "include": ["*"],
		"compilerOptions": {"exactOptionalPropertyTypes": true, "noUncheckedIndexedAccess": true}}`)
	command := exec.Command("../node_modules/.bin/tsc", "-p", ".")
	command.Dir = folder
	if out, err := command.CombinedOutput(); err != nil {
		t.Errorf("%v\n%s", err, out)
	}
}
