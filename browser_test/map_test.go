package browser_test

import (
	"go/ast"
	"go/parser"
	"go/token"
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"testing"
)

// mapDocuments are the documents that describe the code's structure.
var mapDocuments = []string{"../ARCHITECTURE.md", "../SECURITY.md", "../CONTRIBUTING.md", "../backend/session/ROTATION.md"}

// TestThreatModel finds every test that the maps name.
func TestThreatModel(t *testing.T) {
	exists := tests(t)
	named := regexp.MustCompile("`(Test[A-Z][A-Za-z0-9_]+)`")
	for _, document := range mapDocuments {
		text, err := os.ReadFile(document)
		if err != nil {
			t.Fatal(err)
		}
		for _, name := range named.FindAllStringSubmatch(string(text), -1) {
			if !exists[name[1]] {
				t.Errorf("%s names %s, which does not exist", document, name[1])
			}
		}
	}
}

// TestMaps_LinksLeadSomewhere follows the links of the maps to files and folders.
func TestMaps_LinksLeadSomewhere(t *testing.T) {
	link := regexp.MustCompile(`\]\(([^)#:]+)(#[^)]*)?\)`)
	for _, document := range mapDocuments {
		text, err := os.ReadFile(document)
		if err != nil {
			t.Fatal(err)
		}
		for _, found := range link.FindAllStringSubmatch(string(text), -1) {
			if _, err := os.Stat(filepath.Join(filepath.Dir(document), found[1])); err != nil {
				t.Errorf("%s links to %s: %v", document, found[1], err)
			}
		}
	}
}

// tests returns the names of all Go tests of the repository.
func tests(t *testing.T) map[string]bool {
	t.Helper()
	all := map[string]bool{}
	err := fs.WalkDir(os.DirFS(".."), ".", func(name string, entry fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		if entry.IsDir() && (entry.Name() == "node_modules" || strings.HasPrefix(entry.Name(), ".") && name != ".") {
			return fs.SkipDir
		}
		if !strings.HasSuffix(name, "_test.go") {
			return nil
		}
		file, err := parser.ParseFile(token.NewFileSet(), filepath.Join("..", name), nil, 0)
		if err != nil {
			return err
		}
		for _, d := range file.Decls {
			if f, ok := d.(*ast.FuncDecl); ok && f.Recv == nil && strings.HasPrefix(f.Name.Name, "Test") {
				all[f.Name.Name] = true
			}
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	return all
}

// TestMaps_FloorsMatchTheCode compares the table of rooms with the floors that imports are
// held to, and finds every package of the server in it.
func TestMaps_FloorsMatchTheCode(t *testing.T) {
	text, err := os.ReadFile("../ARCHITECTURE.md")
	if err != nil {
		t.Fatal(err)
	}
	drawn := map[string]string{}
	row := regexp.MustCompile(`(?m)^\| (\d+) \| (.*?) \|`)
	room := regexp.MustCompile(`\]\((backend/[^)]*)\)`)
	for _, line := range row.FindAllStringSubmatch(string(text), -1) {
		for _, name := range room.FindAllStringSubmatch(line[2], -1) {
			drawn[name[1]] = line[1]
		}
	}
	for i, floor := range floors {
		for _, name := range floor {
			if drawn[name] == "" && !strings.Contains(string(text), "]("+name+")") && !supports(name) {
				t.Errorf("ARCHITECTURE.md does not show %s", name)
			}
			if at := drawn[name]; at != "" && at != strconv.Itoa(i) {
				t.Errorf("ARCHITECTURE.md shows %s on floor %s, it stands on %d", name, at, i)
			}
		}
	}
}

// supports reports whether a package is left out of the table of rooms.
func supports(name string) bool {
	return !strings.HasPrefix(name, "backend/") || strings.Contains(name, "test") || strings.Contains(name, "/proof/") || strings.HasPrefix(name, "backend/deploy")
}
