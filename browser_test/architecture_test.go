// Package browser_test compares the source code with the rules that ARCHITECTURE.md
// states about imports, and checks the links of the documents. The tests of the whole
// product are in the folders beside it.
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

const (
	tabard = "github.com/tabard-auth/tabard"
	module = tabard + "/"
)

// source is a Go file and its imports.
type source struct {
	path    string // slash-separated, from the project's root
	imports []string
}

func (s source) test() bool { return strings.HasSuffix(s.path, "_test.go") }

// pkg is the file's package.
func (s source) pkg() string { return module + path.Dir(s.path) }

// isUnder reports whether the file is one of these names, or in one of these folders. A
// name that begins with * is the ending of a file name.
func (s source) isUnder(names []string) bool {
	return slices.ContainsFunc(names, func(name string) bool {
		if ending, ok := strings.CutPrefix(name, "*"); ok {
			return strings.HasSuffix(s.path, ending)
		}
		return s.path == name || strings.HasPrefix(s.path, name+"/")
	})
}

// topFolder returns the file's top folder in backend, which stands for the folder and
// everything below it.
func (s source) topFolder() string {
	parts := strings.Split(s.path, "/")
	return module + path.Join(parts[:min(2, len(parts)-1)]...)
}

func sources(t *testing.T) []source {
	t.Helper()
	var all []source
	root := os.DirFS("..")
	err := fs.WalkDir(root, ".", func(name string, entry fs.DirEntry, err error) error {
		if err != nil || entry.IsDir() {
			if entry != nil && (entry.Name() == "node_modules" || entry.Name() == "testdata" || strings.HasPrefix(entry.Name(), ".") && name != ".") {
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

// isWithin reports whether a package is one of these, or below one of these.
func isWithin(i string, packages []string) bool {
	return slices.ContainsFunc(packages, func(p string) bool { return i == p || strings.HasPrefix(i, p+"/") })
}

// wall is a rule: some files do not import some packages.
type wall struct {
	sentence string
	of       []string // folders and files; none means all
	but      []string // folders, files, and endings of names
	tests    bool     // it holds for tests too
	refuses  []string // packages and everything below them; none means all
	admits   []string // of those
	own      bool     // the files' own folder and everything below it are admitted too
}

var walls = []wall{
	{sentence: "api imports no other package", of: []string{"backend/api"}},
	{
		sentence: "token, policy, dpop, jws and strictjson do not import each other's machinery",
		of:       []string{"backend/token", "backend/policy", "backend/dpop", "backend/jws", "backend/strictjson"},
		refuses:  []string{tabard}, admits: rooms("backend/jws", "backend/strictjson"), own: true,
	},
	{
		sentence: "session imports only policy, for the type of an authentication",
		of:       []string{"backend/session"},
		refuses:  []string{tabard}, admits: rooms("backend/policy"), own: true,
	},
	{
		sentence: "packages for resource servers import no machinery of the backend",
		of:       []string{"backend/resource", "backend/tenantdb", "backend/isolationtest"},
		refuses:  []string{tabard}, admits: rooms("backend/token", "backend/dpop", "backend/strictjson"), own: true,
	},
	{
		sentence: "packages that declare a store's interface import no store",
		of: []string{
			"backend/authn", "backend/signin", "backend/browserapi", "backend/serverapi", "backend/admin", "backend/events",
			"backend/directory", "backend/orgsession", "backend/signingkey", "backend/host",
		},
		refuses: rooms("backend/store"),
	},
	{
		sentence: "grant imports no package of its callers",
		of:       []string{"backend/grant", "backend/orgsession", "backend/handover"},
		refuses:  append(rooms("backend/authn", "backend/signin", "backend/browserapi", "backend/serverapi", "backend/store"), "net/http"),
	},
	{
		sentence: "packages of the browser API do not import those of the server API",
		of:       []string{"backend/authn", "backend/signin", "backend/browserapi"},
		refuses:  rooms("backend/serverapi", "backend/admin"),
	},
	{
		sentence: "serverapi does not import its APIs of administration, of sessions across apps and of endings",
		of:       []string{"backend/serverapi"},
		refuses:  rooms("backend/serverapi/adminapi", "backend/serverapi/crossapp", "backend/events"),
	},
	{
		sentence: "only the host and its callers import the feed of endings",
		but:      []string{"backend/events", "backend/host", "backend/cli"},
		refuses:  rooms("backend/events"),
	},
	{sentence: "only tests import the validator of the OpenAPI document", refuses: []string{"github.com/getkin"}},
	{
		sentence: "wasm/tab imports only backend/api of this module",
		of:       []string{"wasm/tab"},
		refuses:  []string{tabard}, admits: rooms("backend/api"),
	},
	{
		sentence: "wasm/tab imports no package that makes the module heavy",
		of:       []string{"wasm/tab"},
		refuses:  []string{"encoding/json", "net/http", "reflect", "fmt", "github.com/golang-jwt"},
	},
	{
		sentence: "only the server has metrics",
		but:      []string{"backend/cli/serve.go", "backend/cli/running.go", "backend/cli/metrics_access.go"},
		refuses:  rooms("backend/host/metrics"),
	},
	{
		sentence: "only one package imports Prometheus",
		but:      []string{"backend/host/metrics"},
		refuses:  []string{"github.com/prometheus"},
	},
	{
		sentence: "only files named _js.go touch JavaScript",
		but:      []string{"*_js.go", "*_js_test.go"}, tests: true,
		refuses: []string{"syscall/js", "github.com/hack-pad/safejs"},
	},
	{
		sentence: "only the worker imports syumai/workers",
		but:      []string{"worker"}, tests: true,
		refuses: []string{"github.com/syumai/workers"},
	},
	{
		sentence: "only the stores, tenantdb and mains import database drivers",
		but: []string{
			"backend/store/sqlite", "backend/store/postgres", "backend/store/storetest", "backend/tenantdb",
			"backend/main.go", "worker", "web-demo", "js",
		},
		refuses: []string{"modernc.org/sqlite", "github.com/jackc/pgx", "database/sql/driver"},
	},
	{
		sentence: "only one file imports jwx",
		but:      []string{"backend/token/keyset_parse.go"},
		refuses:  []string{"github.com/lestrrat-go"},
	},
	{
		sentence: "the development provider is not in the backend",
		of:       []string{"backend"},
		refuses:  rooms("web-demo"),
	},
	{
		sentence: "only tests switch on the development provider's quirks", but: []string{"web-demo/idp", "browser_test/kit/backendtest"},
		refuses: rooms("web-demo/idp/logintest"),
	},
}

// rooms returns the import paths of folders of this module.
func rooms(folders ...string) (packages []string) {
	for _, folder := range folders {
		packages = append(packages, module+folder)
	}
	return packages
}

func (w *wall) covers(s source) bool {
	return (len(w.of) == 0 || s.isUnder(w.of)) && !s.isUnder(w.but) && (w.tests || !s.test())
}

func (w *wall) refused(s source, i string) bool {
	return (len(w.refuses) == 0 || isWithin(i, w.refuses)) && !isWithin(i, w.admits) && !(w.own && isWithin(i, []string{s.topFolder()}))
}

// TestTheWallsOfTheHouseStand refuses the imports that the rules forbid, and rules
// about files that do not exist.
func TestTheWallsOfTheHouseStand(t *testing.T) {
	all := sources(t)
	for _, w := range walls {
		t.Run(w.sentence, func(t *testing.T) {
			for _, s := range all {
				for _, i := range s.imports {
					if w.covers(s) && w.refused(s, i) {
						t.Errorf("%s imports %s", s.path, i)
					}
				}
			}
			for _, name := range slices.Concat(w.of, w.but) {
				if !slices.ContainsFunc(all, func(s source) bool { return s.isUnder([]string{name}) }) {
					t.Errorf("there is no %s", name)
				}
			}
			for _, p := range slices.Concat(w.refuses, w.admits) {
				if !standard(p) && !slices.ContainsFunc(all, func(s source) bool { return s.has(p) }) {
					t.Errorf("package %s does not exist, and no file imports it", p)
				}
			}
		})
	}
}

// has reports whether a package is the file's own or one of its imports.
func (s source) has(p string) bool {
	return isWithin(s.pkg(), []string{p}) || slices.ContainsFunc(s.imports, func(i string) bool { return isWithin(i, []string{p}) })
}

// standard reports whether a package is in the standard library: its path does not
// begin with a host name.
func standard(p string) bool {
	host, _, _ := strings.Cut(p, "/")
	return !strings.Contains(host, ".")
}

// floors lists the packages of the product, lowest first. A package is on one floor,
// and imports only packages of the floors below it. browser_test is not listed: it
// holds only tests.
var floors = [][]string{
	{"backend/strictjson", "backend/owner", "backend/store/storetest/scratch", "backend/store/storetest/serverlog"},
	{ // independent of each other: formats and rules
		"backend/api", "backend/audit", "backend/domain", "backend/domain/domaintest", "backend/domain/overhttps", "backend/jws", "backend/page", "backend/limits", "backend/policy", "backend/trace",
		"backend/tenantdb", "backend/isolationtest", "backend/store/storetest/pg", "backend/deploy/release",
		"js", "js/build/gowasm", "js/build/thin", "web-demo/idp", "web-demo/page", "worker/edge", "worker/keep", "worker/platformtest",
	},
	{ // refusals, tokens, proofs and sessions
		"backend/refusal", "backend/token", "backend/token/secevent", "backend/dpop", "backend/session",
		"js/build", "wasm/tab", "web-demo/idp/logintest", "worker/smoke", "worker/webcrypto",
	},
	{ // directory, access rules, keys and HTTP
		"backend/directory", "backend/signingkey", "backend/handover", "backend/web", "backend/resource", "backend/token/tokentest",
		"backend/session/proof/model", "backend/session/proof/simulation", "wasm/browser",
	},
	{"backend/orgsession", "backend/directory/workspacefile", "backend/login", "backend/publicurl", "backend/resource/hold", "wasm", "web-demo/notes"},
	{ // operations of administrators and of clients that ask for a token
		"backend/admin", "backend/grant", "backend/probe", "backend/provisioning", "backend/resource/hold/coderws", "web-demo/reports",
	},
	{ // authentication, by cookie or by API key; SQL statements of the stores
		"backend/authn", "backend/revalidation", "backend/serverapi", "backend/store/sqlstore", "backend/store/storetest", "web-demo",
	},
	{ // endpoints
		"backend/signin", "backend/serverapi/adminapi", "backend/serverapi/crossapp", "backend/events", "backend/store/migrate", "worker/compile", "worker/workerd",
	},
	{"backend/browserapi", "backend/store/inspect", "backend/store/move", "worker/bench/fill", "worker/d1", "worker/local"},
	{ // the composed backend, and the databases
		"backend/host", "backend/store/sqlite", "backend/store/postgres",
	},
	{"backend/remote", "backend/host/metrics", "backend/secrets", "backend/restore", "backend/store/storetest/lite",
		"backend/store/storetest/pg/migrated", "worker"},
	{"backend/doctor"},
	{"backend/cli"},
	{"backend"},
}

// TestFloors_NoPackageImportsOneAboveIt also refuses imports between packages of one
// floor.
func TestFloors_NoPackageImportsOneAboveIt(t *testing.T) {
	floorOf := map[string]int{}
	for i, floor := range floors {
		for _, name := range floor {
			if at, twice := floorOf[module+name]; twice {
				t.Errorf("%s stands on the floors %d and %d", name, at, i)
			}
			floorOf[module+name] = i
		}
	}
	found := map[string]bool{}
	for _, s := range sources(t) {
		if s.test() || s.isUnder([]string{"browser_test"}) {
			continue
		}
		floor, stands := floorOf[s.pkg()]
		if found[s.pkg()] = true; !stands {
			t.Errorf("%s: its package stands on no floor", s.path)
			continue
		}
		for _, i := range s.imports {
			if below, ours := floorOf[i]; ours && below >= floor || !ours && isWithin(i, []string{tabard}) {
				t.Errorf("%s, on floor %d, imports %s, which is not below it", s.path, floor, i)
			}
		}
	}
	for name := range floorOf {
		if !found[name] {
			t.Errorf("there is no %s", name)
		}
	}
}
