package contract

import (
	"go/ast"
	"go/parser"
	"go/token"
	"io/fs"
	"os"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/tabard-auth/tabard/backend/events"
)

// TestDoors_AreThoseOfTheRouter checks that a lent token is tried at every path that the
// browser's endpoints and the feed have, as their source says, beside the administration's and
// the sessions across apps, whose routes are lists.
func TestDoors_AreThoseOfTheRouter(t *testing.T) {
	var tried []string
	for _, d := range doorsOf() {
		tried = append(tried, d.path)
	}
	routed := routesOf(t, "../../backend/browserapi", constantsOf(t, "../../backend/api"))
	if len(routed) < 20 {
		t.Fatalf("only %v", routed)
	}
	wildcard := regexp.MustCompile(`\{\w+\}`)
	for _, path := range append(routed, events.Path+"/poll") {
		like := regexp.MustCompile("^" + wildcard.ReplaceAllString(strings.ReplaceAll(path, ".", `\.`), `[^/]+`) + "$")
		if !slices.ContainsFunc(tried, like.MatchString) {
			t.Errorf("no token is tried at %s", path)
		}
	}
}

// files visits the syntax of a package's files.
func files(t *testing.T, folder string, visit func(ast.Node) bool) {
	t.Helper()
	all, err := fs.Glob(os.DirFS(folder), "*.go")
	if err != nil || len(all) == 0 {
		t.Fatal(err, all)
	}
	for _, name := range all {
		if strings.HasSuffix(name, "_test.go") {
			continue
		}
		file, err := parser.ParseFile(token.NewFileSet(), folder+"/"+name, nil, 0)
		if err != nil {
			t.Fatal(err)
		}
		ast.Inspect(file, visit)
	}
}

// constantsOf returns a package's constants that are texts.
func constantsOf(t *testing.T, folder string) map[string]string {
	all := map[string]string{}
	files(t, folder, func(n ast.Node) bool {
		if spec, ok := n.(*ast.ValueSpec); ok && len(spec.Values) == len(spec.Names) {
			for i, name := range spec.Names {
				if text, ok := spec.Values[i].(*ast.BasicLit); ok && text.Kind == token.STRING {
					all[name.Name], _ = strconv.Unquote(text.Value)
				}
			}
		}
		return true
	})
	return all
}

// routesOf returns the paths of the routes in a package: of each map of endpoints, what stands
// before it.
func routesOf(t *testing.T, folder string, constants map[string]string) (paths []string) {
	var text func(ast.Expr) string
	text = func(e ast.Expr) string {
		switch e := e.(type) {
		case *ast.BinaryExpr:
			return text(e.X) + text(e.Y)
		case *ast.SelectorExpr:
			return constants[e.Sel.Name]
		case *ast.BasicLit:
			s, _ := strconv.Unquote(e.Value)
			return s
		}
		return ""
	}
	files(t, folder, func(n ast.Node) bool {
		if list, ok := n.(*ast.CompositeLit); ok && list.Type == nil && len(list.Elts) == 2 {
			if _, methods := list.Elts[1].(*ast.CompositeLit); methods {
				paths = append(paths, text(list.Elts[0]))
			}
		}
		return true
	})
	return paths
}
