package browser_test

import (
	"go/ast"
	"go/parser"
	"go/token"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"
)

// documents returns the texts of the repository's documents, by path.
func documents(t *testing.T) map[string]string {
	t.Helper()
	texts := map[string]string{}
	walk(t, ".md", func(name string) error {
		text, err := os.ReadFile(filepath.Join("..", name))
		texts[name] = string(text)
		return err
	})
	if len(texts) < 20 {
		t.Fatalf("only %d documents were found", len(texts))
	}
	return texts
}

// walk calls f for each file of the repository whose name has this ending.
func walk(t *testing.T, ending string, f func(name string) error) {
	t.Helper()
	err := fs.WalkDir(os.DirFS(".."), ".", func(name string, entry fs.DirEntry, err error) error {
		switch {
		case err != nil:
			return err
		case entry.IsDir() && (entry.Name() == "node_modules" || entry.Name() == "dist" || strings.HasPrefix(entry.Name(), ".") && name != "."):
			return fs.SkipDir
		case entry.IsDir() || !strings.HasSuffix(name, ending):
			return nil
		}
		return f(name)
	})
	if err != nil {
		t.Fatal(err)
	}
}

// TestThreatModel finds every test that a document names.
func TestThreatModel(t *testing.T) {
	exists := tests(t)
	named := regexp.MustCompile("`(Test[A-Z][A-Za-z0-9_]+)`")
	for document, text := range documents(t) {
		for _, name := range named.FindAllStringSubmatch(text, -1) {
			if !exists[name[1]] {
				t.Errorf("%s names %s, which does not exist", document, name[1])
			}
		}
	}
}

// TestDocuments_LinksLeadSomewhere follows links to files, folders and headings.
func TestDocuments_LinksLeadSomewhere(t *testing.T) {
	link := regexp.MustCompile(`\]\(([^)#:\s]*)(?:#([^)\s]*))?\)`)
	texts := documents(t)
	for document, text := range texts {
		for _, found := range link.FindAllStringSubmatch(blocks.ReplaceAllString(text, ""), -1) {
			to := path.Join(path.Dir(document), found[1])
			if found[1] == "" {
				to = document
			}
			if _, err := os.Stat(filepath.Join("..", to)); err != nil {
				t.Errorf("%s links to %s: %v", document, to, err)
			}
			if found[2] != "" && !slices.Contains(headings(texts[to]), found[2]) {
				t.Errorf("%s links to the heading %s, which %s does not have", document, found[2], to)
			}
		}
	}
}

var (
	blocks  = regexp.MustCompile("(?ms)^ *```.*?^ *```")
	heading = regexp.MustCompile(`(?m)^#+ (.*)$`)
	linked  = regexp.MustCompile(`\[([^\]]*)\]\([^)]*\)`)
	unnamed = regexp.MustCompile(`[^\pL\pN_ -]`)
	anchor  = regexp.MustCompile(`<a id="([^"]+)">`)
)

// headings returns the names by which links lead to a document's headings and anchors.
func headings(text string) (names []string) {
	for _, h := range heading.FindAllStringSubmatch(blocks.ReplaceAllString(text, ""), -1) {
		name := unnamed.ReplaceAllString(strings.ToLower(linked.ReplaceAllString(h[1], "$1")), "")
		names = append(names, strings.ReplaceAll(name, " ", "-"))
	}
	for _, a := range anchor.FindAllStringSubmatch(text, -1) {
		names = append(names, a[1])
	}
	return names
}

// TestDocuments_MakeTargets finds the target of every command of make that a document names.
func TestDocuments_MakeTargets(t *testing.T) {
	makefile, err := os.ReadFile("../Makefile")
	if err != nil {
		t.Fatal(err)
	}
	command := regexp.MustCompile("(?m)(?:`|^)make ([a-z-]+)")
	for document, text := range documents(t) {
		for _, found := range command.FindAllStringSubmatch(text, -1) {
			if document != "CHANGELOG.md" && !strings.Contains(string(makefile), "\n"+found[1]+":") {
				t.Errorf("%s names make %s, which the Makefile does not have", document, found[1])
			}
		}
	}
}

// tests returns the names of all Go tests of the repository.
func tests(t *testing.T) map[string]bool {
	t.Helper()
	all := map[string]bool{}
	walk(t, "_test.go", func(name string) error {
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
