package main

import (
	"bytes"
	"fmt"
	"io/fs"
	"os"
	"path"
	"strings"
	"text/tabwriter"

	"github.com/tabard-auth/tabard/js/build/thin"
)

// reportLines prints the lines of Go of each package, without tests, and the lines of
// code of the core.
func reportLines(table *tabwriter.Writer, root string) error {
	lines, err := linesByPackage(os.DirFS(root))
	if err != nil {
		return err
	}
	fmt.Fprintf(table, "%s\t%s\t\n", "package of the repository", "lines")
	total := 0
	for _, name := range bySize(lines) {
		fmt.Fprintf(table, "%s\t%d\t\n", name, lines[name])
		total += lines[name]
	}
	fmt.Fprintf(table, "%s\t%d\t\n", "together", total)
	core, err := thin.Lines(os.DirFS(root))
	if err != nil {
		return err
	}
	fmt.Fprintf(table, "%s\t%d\t%s\t\n", "the core: lines of code, without comments", core, verdict(core, thin.Ceiling))
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
