// Package browser_test holds the tests of the whole: real browsers on real
// backends, the contract on every host, and the walls of the house.
package browser_test

import (
	"go/parser"
	"go/token"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
)

const module = "github.com/tabard-auth/tabard/"

// source is a Go file with what it imports.
type source struct {
	path    string // slash-separated, from the project's root
	imports []string
}

func (s source) test() bool { return strings.HasSuffix(s.path, "_test.go") }

func (s source) in(folders ...string) bool {
	return slices.ContainsFunc(folders, func(folder string) bool {
		return strings.HasPrefix(s.path, folder+"/")
	})
}

// room is the folder of the backend that the file lies in, at whatever depth.
func (s source) room() string {
	parts := strings.Split(s.path, "/")
	return path.Join(parts[:min(2, len(parts)-1)]...)
}

func sources(t *testing.T) []source {
	t.Helper()
	var all []source
	root := os.DirFS("..")
	err := fs.WalkDir(root, ".", func(name string, entry fs.DirEntry, err error) error {
		if err != nil || entry.IsDir() {
			if entry != nil && (entry.Name() == "node_modules" || strings.HasPrefix(entry.Name(), ".") && name != ".") {
				return fs.SkipDir
			}
			return err
		}
		if path.Ext(name) != ".go" {
			return nil
		}
		file, err := parser.ParseFile(token.NewFileSet(), filepath.Join("..", name), nil, parser.ImportsOnly)
		if err != nil {
			return err
		}
		s := source{path: name}
		for _, i := range file.Imports {
			imported, err := strconv.Unquote(i.Path.Value)
			if err != nil {
				return err
			}
			s.imports = append(s.imports, imported)
		}
		all = append(all, s)
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	if len(all) < 50 {
		t.Fatalf("only %d Go files were found", len(all))
	}
	return all
}

func hasAny(i string, prefixes ...string) bool {
	return slices.ContainsFunc(prefixes, func(p string) bool { return i == p || strings.HasPrefix(i, p+"/") })
}

var (
	drivers    = []string{"modernc.org/sqlite", "github.com/jackc/pgx", "database/sql/driver"}
	javascript = []string{"syscall/js", "github.com/hack-pad/safejs"}
	mains      = []string{"backend/main.go", "worker/", "web-demo/", "js/"}
)

// walls are sentences with the files that each speaks of and what they must not import.
var walls = []struct {
	sentence string
	speaksOf func(source) bool
	refuses  func(s source, i string) bool
}{
	{"api imports nothing",
		func(s source) bool { return s.in("backend/api") && !s.test() },
		func(source, string) bool { return true }},
	{"token, session, policy, dpop, jws and strictjson import none of the others' machinery: session only policy",
		func(s source) bool {
			return s.in("backend/token", "backend/session", "backend/policy", "backend/dpop", "backend/jws", "backend/strictjson") && !s.test()
		},
		func(s source, i string) bool {
			return strings.HasPrefix(i, module) && !hasAny(i, module+s.room(), module+"backend/jws", module+"backend/strictjson") &&
				!(s.in("backend/session") && i == module+"backend/policy")
		}},
	{"what resource servers import brings none of the backend's machinery",
		func(s source) bool {
			return s.in("backend/resource", "backend/tenantdb", "backend/isolationtest") && !s.test()
		},
		func(_ source, i string) bool {
			return strings.HasPrefix(i, module) && !hasAny(i, module+"backend/token", module+"backend/dpop")
		}},
	{"what declares a store's interface imports no store",
		func(s source) bool {
			return s.in("backend/authn", "backend/signin", "backend/browserapi", "backend/serverapi", "backend/admin", "backend/directory", "backend/signingkey", "backend/host") &&
				!s.test()
		},
		func(_ source, i string) bool { return hasAny(i, module+"backend/store") }},
	{"what every grant does knows nobody who asks",
		func(s source) bool { return s.in("backend/grant", "backend/handover") && !s.test() },
		func(_ source, i string) bool {
			return hasAny(i, module+"backend/authn", module+"backend/signin", module+"backend/browserapi", module+"backend/serverapi", module+"backend/store", "net/http")
		}},
	{"the browser's contract does not know the servers'",
		func(s source) bool { return s.in("backend/authn", "backend/signin", "backend/browserapi") && !s.test() },
		func(_ source, i string) bool {
			return hasAny(i, module+"backend/serverapi", module+"backend/admin")
		}},
	{"administration and sessions across apps do not know each other",
		func(s source) bool { return s.in("backend/serverapi") && !s.test() },
		func(s source, i string) bool {
			return hasAny(i, module+"backend/serverapi/adminapi") || hasAny(i, module+"backend/serverapi/crossapp")
		}},
	{"only tests import the judge of the OpenAPI document",
		func(s source) bool { return !s.test() },
		func(_ source, i string) bool { return hasAny(i, "github.com/getkin") }},
	{"wasm/tab imports only backend/api, and nothing that makes the module heavy",
		func(s source) bool { return s.in("wasm/tab") && !s.test() },
		func(_ source, i string) bool {
			return strings.HasPrefix(i, module) && i != module+"backend/api" ||
				hasAny(i, "encoding/json", "net/http", "reflect", "fmt", "github.com/golang-jwt")
		}},
	{"only the server has metrics: the Worker's upload has no room for them",
		func(s source) bool {
			return s.path != "backend/cli/serve.go" && s.path != "backend/cli/operators.go" && !s.test()
		},
		func(s source, i string) bool {
			return hasAny(i, module+"backend/host/metrics") || !s.in("backend/host/metrics") && hasAny(i, "github.com/prometheus")
		}},
	{"only files named _js.go touch JavaScript",
		func(s source) bool {
			return !strings.HasSuffix(s.path, "_js.go") && !strings.HasSuffix(s.path, "_js_test.go")
		},
		func(_ source, i string) bool { return hasAny(i, javascript...) }},
	{"only the worker imports syumai/workers",
		func(s source) bool { return !s.in("worker") },
		func(_ source, i string) bool { return hasAny(i, "github.com/syumai/workers") }},
	{"only the stores, tenantdb and mains import database drivers",
		func(s source) bool {
			return !s.test() && !s.in("backend/store/sqlite", "backend/store/postgres", "backend/store/storetest", "backend/tenantdb") &&
				!slices.ContainsFunc(mains, func(m string) bool { return strings.HasPrefix(s.path, m) })
		},
		func(_ source, i string) bool { return hasAny(i, drivers...) }},
	{"jwx stands in one file",
		func(s source) bool { return s.path != "backend/token/keyset.go" && !s.test() },
		func(_ source, i string) bool { return hasAny(i, "github.com/lestrrat-go") }},
	{"the development provider is not in the backend",
		func(s source) bool { return s.in("backend") && !s.test() },
		func(_ source, i string) bool { return hasAny(i, module+"web-demo") }},
}

// TestTheWallsOfTheHouseStand refuses imports that would let one room's machinery
// into another.
func TestTheWallsOfTheHouseStand(t *testing.T) {
	for _, wall := range walls {
		t.Run(wall.sentence, func(t *testing.T) {
			spoken := 0
			for _, s := range sources(t) {
				if !wall.speaksOf(s) {
					continue
				}
				spoken++
				for _, i := range s.imports {
					if wall.refuses(s, i) {
						t.Errorf("%s imports %s", s.path, i)
					}
				}
			}
			if spoken == 0 {
				t.Error("there is no such file: the wall guards nothing")
			}
		})
	}
}

// TestMigrationsOnlyGoForward refuses a Down section: wrangler runs the whole file,
// and would undo what it has just done.
func TestMigrationsOnlyGoForward(t *testing.T) {
	folder := "../backend/store/sqlstore/migrations/"
	names := map[string][]string{}
	for _, dialect := range []string{"sqlite", "postgres"} {
		files, err := filepath.Glob(folder + dialect + "/*")
		if err != nil || len(files) == 0 {
			t.Fatalf("no migrations for %s: %v", dialect, err)
		}
		for _, file := range files {
			text, err := os.ReadFile(file)
			if err != nil {
				t.Fatal(err)
			}
			if !strings.HasPrefix(string(text), "-- +goose Up\n") {
				t.Errorf("%s does not begin with -- +goose Up", file)
			}
			if strings.Contains(strings.ToLower(string(text)), "+goose down") {
				t.Errorf("%s has a Down section", file)
			}
			names[dialect] = append(names[dialect], filepath.Base(file))
		}
	}
	if !slices.Equal(names["sqlite"], names["postgres"]) {
		t.Errorf("the dialects have different migrations: %v and %v", names["sqlite"], names["postgres"])
	}
}
