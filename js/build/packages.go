package main

import (
	"cmp"
	"fmt"
	"os"
	"os/exec"
	"regexp"
	"slices"
	"strings"
	"text/tabwriter"

	"github.com/tabard-auth/tabard/js/build/gowasm"
)

// reportPackages prints how much code each package brings into the module,
// counted in a build that keeps its names.
func reportPackages(table *tabwriter.Writer, root string) error {
	wasm, _, err := buildModule(root, "", debug)
	if err != nil {
		return err
	}
	functions, err := gowasm.FunctionSizes(wasm)
	if err != nil {
		return err
	}
	packages, err := dependencies(root)
	if err != nil {
		return err
	}
	sizes := map[string]int{}
	for name, size := range functions {
		sizes[packageOf(name, packages)] += size
	}
	fmt.Fprintf(table, "%s\t%s\t\n", "package of the module", "code")
	total := 0
	for _, name := range bySize(sizes) {
		fmt.Fprintf(table, "%s\t%d\t\n", name, sizes[name])
		total += sizes[name]
	}
	fmt.Fprintf(table, "%s\t%d\t\n\n", "together", total)
	return nil
}

func bySize(sizes map[string]int) []string {
	names := make([]string, 0, len(sizes))
	for name := range sizes {
		names = append(names, name)
	}
	slices.SortFunc(names, func(a, b string) int {
		return cmp.Or(cmp.Compare(sizes[b], sizes[a]), strings.Compare(a, b))
	})
	return names
}

// dependencies are the packages that the module is made of.
func dependencies(root string) ([]string, error) {
	cmd := exec.Command("go", "list", "-deps", "./wasm")
	cmd.Dir = root
	cmd.Env = append(os.Environ(), "GOOS=js", "GOARCH=wasm")
	out, err := cmd.Output()
	if err != nil {
		return nil, fmt.Errorf("go list: %w", err)
	}
	return append(strings.Fields(string(out)), "main"), nil
}

// linkerSpelling is how the linker spells a path in a WebAssembly name section.
var linkerSpelling = regexp.MustCompile(`[^\w.]`)

// packageOf finds the package that a function's name begins with.
func packageOf(function string, packages []string) string {
	owner := ""
	for _, path := range packages {
		prefix := linkerSpelling.ReplaceAllString(path, "_") + "."
		if strings.HasPrefix(function, prefix) && len(path) > len(owner) {
			owner = path
		}
	}
	return cmp.Or(owner, "(the compiler's own)")
}
