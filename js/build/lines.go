package main

import (
	"bytes"
	"fmt"
	"io/fs"
	"os"
	"path"
	"slices"
	"strings"
	"text/tabwriter"
)

// The packages that a reader must trust for the core of the product, and how
// many lines they may have together.
var (
	thin       = []string{"backend/web", "backend/authn", "backend/browserapi", "backend/signin", "backend/grant", "backend/session", "backend/policy", "backend/token"}
	thinBudget = 2500
)

// reportLines prints the lines of Go of each package, without tests.
func reportLines(table *tabwriter.Writer, root string) error {
	lines, err := linesByPackage(os.DirFS(root))
	if err != nil {
		return err
	}
	fmt.Fprintf(table, "%s\t%s\t\n", "package of the repository", "lines")
	total, sum := 0, 0
	for _, name := range bySize(lines) {
		fmt.Fprintf(table, "%s\t%d\t\n", name, lines[name])
		total += lines[name]
		if slices.Contains(thin, name) {
			sum += lines[name]
		}
	}
	fmt.Fprintf(table, "%s\t%d\t\n", "together", total)
	fmt.Fprintf(table, "%s\t%d\t%s\t\n", "web, authn, browserapi, signin, grant, session, policy, token", sum, verdict(sum, thinBudget))
	return nil
}

func linesByPackage(root fs.FS) (map[string]int, error) {
	lines := map[string]int{}
	err := fs.WalkDir(root, ".", func(name string, entry fs.DirEntry, err error) error {
		switch {
		case err != nil:
			return err
		case entry.IsDir() && (entry.Name() == "node_modules" || strings.HasPrefix(entry.Name(), ".") && name != "."):
			return fs.SkipDir
		case entry.IsDir(), path.Ext(name) != ".go", strings.HasSuffix(name, "_test.go"):
			return nil
		}
		content, err := fs.ReadFile(root, name)
		lines[path.Dir(name)] += bytes.Count(content, []byte{'\n'})
		return err
	})
	return lines, err
}
