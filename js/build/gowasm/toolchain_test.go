package gowasm

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

// part is a piece of the toolchain's source that this package relies on.
type part struct {
	file, from, to string
	digest         string
	look           string // the place to compare when it changes
}

var parts = []part{
	{"runtime/symtab.go", "type pcHeader struct", "\n}", "b6e89084beca", "pclntabAt reads the header: order and size of its fields"},
	{"runtime/runtime2.go", "type _func struct", "\n}", "599535e3fd60", "the offsets fnNameOff to fnFuncID, and funcLength"},
	{"internal/abi/symtab.go", "const (\n\t// If you add a FuncID", "\n)", "91d04d35f6d2", "funcIDWrapper is the place of FuncIDWrapper in this list"},
	{"runtime/symtab.go", "func pcvalue(", "if off == 0 {\n\t\treturn -1, 0\n\t}", "05278e941f00", "a table at offset 0 must still mean that there is none"},
	{"runtime/symtab.go", "func step(", "\n}", "40d8d4dada61", "markTable reads the tables as this function does"},
	{"runtime/symtab.go", "func funcline1(", "\n}", "66051196110c", "a file of -1 must still be answered without reading the tables of files"},
}

// TestToolchain_LayoutIsKnown compares the parts of the runtime that Shrink relies on
// with those of the release that it was written for.
func TestToolchain_LayoutIsKnown(t *testing.T) {
	goroot, err := Goroot()
	if err != nil {
		t.Fatal(err)
	}
	if err := checkToolchain(); err != nil {
		t.Error(err)
	}
	for _, p := range parts {
		text, err := os.ReadFile(filepath.Join(goroot, "src", filepath.FromSlash(p.file)))
		if err != nil {
			t.Fatal(err)
		}
		_, rest, found := strings.Cut(string(text), p.from)
		piece, _, ended := strings.Cut(rest, p.to)
		if got := digest(piece); !found || !ended || got != p.digest {
			t.Errorf("%s, %s: this Go has another text (%s). Compare: %s. Then write its digest here, and its release into knownToolchain", p.file, p.from, got, p.look)
		}
	}
	if got := digest(usesOfNames(t, goroot)); got != usesDigest {
		t.Errorf("the runtime reads names of functions in other places (%s). Compare with keptName:\n%s", got, usesOfNames(t, goroot))
	}
}

const usesDigest = "a3a43ab023e5"

// usesOfNames are the lines of the runtime that read a function's name and do not print it.
func usesOfNames(t *testing.T, goroot string) string {
	t.Helper()
	files, err := filepath.Glob(filepath.Join(goroot, "src", "runtime", "*.go"))
	if err != nil {
		t.Fatal(err)
	}
	var uses []string
	for _, file := range files {
		if strings.HasSuffix(file, "_test.go") {
			continue
		}
		text, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		for line := range strings.Lines(string(text)) {
			reads := strings.Contains(line, "funcname(") || strings.Contains(line, ".name()")
			if reads && !strings.Contains(line, "print") {
				uses = append(uses, fmt.Sprintf("%s: %s", filepath.Base(file), strings.TrimSpace(line)))
			}
		}
	}
	slices.Sort(uses)
	return strings.Join(uses, "\n")
}

func digest(text string) string {
	sum := sha256.Sum256([]byte(text))
	return hex.EncodeToString(sum[:6])
}
