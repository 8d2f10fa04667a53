package main

import (
	"fmt"
	"os"
	"path/filepath"
	"text/tabwriter"

	"github.com/tabard-auth/tabard/js/build/gowasm"
)

// The budgets, in bytes of brotli.
const (
	// moduleBudget is below what an empty Go program of the same toolchain has, 418,071.
	moduleBudget = 384_000
	chunkBudget  = 1_536 + 16
	// execBudget is for the toolchain's wasm_exec.js, minified.
	execBudget = 2_560
	// clientBudget is for the files that a page with a live tab loads. The other files are chunks.
	// The goal is 5,632; BENCHMARKS.md has the parts that are above it.
	// The names and digests that stand in it compress to some bytes more or less with each build.
	clientBudget = 6_144 + 56
)

// sizes are a file's sizes, plain and compressed.
type sizes struct{ raw, gzip, brotli int }

func sizesOf(content []byte) sizes {
	return sizes{len(content), len(gzip9(content)), len(brotli11(content))}
}

// reportSize prints the sizes of the files that a page loads, of each package in the
// module, and of each package of the repository in lines.
func reportSize(root string, d *dist) error {
	table := tabwriter.NewWriter(os.Stdout, 0, 0, 2, ' ', tabwriter.AlignRight)
	defer table.Flush()
	if err := reportFiles(table, d); err != nil {
		return err
	}
	if err := reportPackages(table, root); err != nil {
		return err
	}
	return reportLines(table, root)
}

func reportFiles(table *tabwriter.Writer, d *dist) error {
	empty, err := emptyProgram()
	if err != nil {
		return err
	}
	fmt.Fprintf(table, "\t%s\t%s\t%s\t%s\t\n", "raw", "gzip 9", "brotli 11", "budget")
	row := func(name string, w sizes, budget string) {
		fmt.Fprintf(table, "%s\t%d\t%d\t%d\t%s\t\n", name, w.raw, w.gzip, w.brotli, budget)
	}
	for _, f := range []struct {
		name, file string
		budget     int
	}{
		{"module", d.module.Wasm.URL, moduleBudget}, {"client", client, clientBudget}, {"wasm_exec.js", d.module.Exec.URL, execBudget},
		{"routes", routes, 0}, {"switcher", switcher, 0},
	} {
		w, err := d.sizes(f.file)
		if err != nil {
			return err
		}
		row(f.name, w, verdict(w.brotli, f.budget))
	}
	for _, name := range chunks {
		w, err := d.sizes(name)
		if err != nil {
			return err
		}
		row("chunk "+name, w, verdict(w.brotli, chunkBudget))
	}
	row("an empty Go program", sizesOf(empty), "")
	fmt.Fprintln(table)
	return nil
}

func verdict(size, budget int) string {
	switch {
	case budget == 0:
		return ""
	case size <= budget:
		return fmt.Sprintf("%d: kept", budget)
	}
	return fmt.Sprintf("%d: %d over", budget, size-budget)
}

// sizes reads a file's sizes from the build's output.
func (d *dist) sizes(name string) (w sizes, err error) {
	for suffix, size := range map[string]*int{"": &w.raw, ".gz": &w.gzip, ".br": &w.brotli} {
		info, err := os.Stat(filepath.Join(d.dir, name+suffix))
		if err != nil {
			return w, err
		}
		*size = int(info.Size())
	}
	return w, nil
}

// emptyProgram returns the Go runtime alone, for comparison with the module.
func emptyProgram() ([]byte, error) {
	dir, err := os.MkdirTemp("", "tabard-empty-")
	if err != nil {
		return nil, err
	}
	defer os.RemoveAll(dir)
	for name, content := range map[string]string{
		"go.mod":  "module empty\n",
		"main.go": "package main\n\nfunc main() {}\n",
	} {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(content), 0o644); err != nil {
			return nil, err
		}
	}
	return gowasm.Program{Dir: dir, Package: ".", Flags: []string{"-ldflags=-s -w"}}.Build()
}
