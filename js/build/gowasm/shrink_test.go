package gowasm

import (
	"bytes"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"sync"
	"testing"
)

// acts is a program that depends on the runtime's tables.
var acts = Program{Package: "./testdata/acts", Flags: []string{"-ldflags=-s -w"}}

var builtActs = sync.OnceValues(acts.Build)

func linked(t *testing.T) []byte {
	t.Helper()
	module, err := builtActs()
	if err != nil {
		t.Fatal(err)
	}
	return module
}

// runModule runs a module under Node, by the toolchain's own JavaScript.
func runModule(t *testing.T, module []byte, args ...string) (stdout, stderr string, err error) {
	t.Helper()
	goroot, err := Goroot()
	if err != nil {
		t.Fatal(err)
	}
	file := filepath.Join(t.TempDir(), "module.wasm")
	if err := os.WriteFile(file, module, 0o600); err != nil {
		t.Fatal(err)
	}
	var out, problems bytes.Buffer
	cmd := exec.Command("node", slices.Concat([]string{"--stack-size=8192", filepath.Join(goroot, "lib", "wasm", "wasm_exec_node.js"), file}, args)...)
	cmd.Stdout, cmd.Stderr = &out, &problems
	err = cmd.Run()
	return out.String(), problems.String(), err
}

func imageOfModule(t *testing.T, module []byte) []byte {
	t.Helper()
	sections, err := sectionsOf(module)
	if err != nil {
		t.Fatal(err)
	}
	for _, s := range sections {
		if s.id == sectionData {
			segments, err := segmentsOf(s.body)
			if err != nil {
				t.Fatal(err)
			}
			return imageOf(segments)
		}
	}
	t.Fatal("the module has no data")
	return nil
}

// TestShrink_MergedMemoryIsTheLinkers compares the memory that both modules start with.
func TestShrink_MergedMemoryIsTheLinkers(t *testing.T) {
	module := linked(t)
	small, err := Shrink(module, true)
	if err != nil {
		t.Fatal(err)
	}
	if !bytes.Equal(imageOfModule(t, module), imageOfModule(t, small)) {
		t.Error("merging changed the memory")
	}
	if len(segmentsIn(t, small)) > len(segmentsIn(t, module))/10 {
		t.Errorf("%d segments are left of %d", len(segmentsIn(t, small)), len(segmentsIn(t, module)))
	}
}

func segmentsIn(t *testing.T, module []byte) []segment {
	t.Helper()
	sections, err := sectionsOf(module)
	if err != nil {
		t.Fatal(err)
	}
	at := slices.IndexFunc(sections, func(s section) bool { return s.id == sectionData })
	segments, err := segmentsOf(sections[at].body)
	if err != nil {
		t.Fatal(err)
	}
	return segments
}

// TestShrink_OnlyTracebacksTablesChange compares the memory outside the pclntab byte by
// byte, and within it, what unwinding reads.
func TestShrink_OnlyTracebacksTablesChange(t *testing.T) {
	module := linked(t)
	small, err := Shrink(module, false)
	if err != nil {
		t.Fatal(err)
	}
	before, after := imageOfModule(t, module), imageOfModule(t, small)
	after = append(after, make([]byte, len(before)-len(after))...)
	table, err := findPclntab(before)
	if err != nil {
		t.Fatal(err)
	}
	changes := make([]bool, len(before))
	for i := range before {
		changes[i] = before[i] != after[i]
	}
	clear(changes[table.names:table.pcs])
	for i := range table.count {
		fn := table.function(i)
		for _, field := range []int{fnNameOff, fnPCFile, fnPCLine, fnStartLine} {
			clear(changes[fn+field : fn+field+4])
		}
		for _, offset := range table.neededTables(fn) {
			checkTable(t, before[table.pcs:table.funcs], after[table.pcs:table.funcs], offset)
		}
	}
	for i, changed := range changes {
		if inTables := i >= table.pcs && i < table.funcs; changed && (!inTables || after[i] != 0) {
			t.Fatalf("byte %d changed from %d to %d; the tables are at %d to %d", i, before[i], after[i], table.names, table.funcs)
		}
	}
}

// checkTable compares a table, up to its end.
func checkTable(t *testing.T, before, after []byte, offset int) {
	t.Helper()
	needed := make([]bool, len(before))
	if !markTable(needed, before, offset) {
		t.Fatalf("there is no table at %d", offset)
	}
	for i, need := range needed[offset:] {
		if !need {
			return
		}
		if before[offset+i] != after[offset+i] {
			t.Fatalf("the table at %d changed", offset)
		}
	}
}

// TestShrink_BehaviorStays runs a program before and after: panics and recovery, a
// stack that grows, collection under load, cleanups, goroutines, timers.
func TestShrink_BehaviorStays(t *testing.T) {
	module := linked(t)
	want, problems, err := runModule(t, module)
	if err != nil || strings.Count(want, "\n") != 9 {
		t.Fatal(err, want, problems)
	}
	served := asServed(t)
	merged, err := Shrink(module, true)
	if err != nil {
		t.Fatal(err)
	}
	for name, small := range map[string][]byte{"merged": merged, "as a page gets it": served} {
		got, problems, err := runModule(t, small)
		if err != nil || got != want {
			t.Errorf("%s: %v, got\n%s\nwant\n%s\n%s", name, err, got, want, problems)
		}
	}
}

// asServed builds the program with all that the browser module leaves out.
func asServed(t *testing.T) []byte {
	t.Helper()
	without := acts
	without.Edits = slices.Concat(WithoutGodebug, SmallFmt, WithoutTracer, WithoutReports, WithoutFloatText, WithoutStartChecks, LargeStacks, WithoutTracebacks)
	without.Shrink, without.Env = true, []string{"GOEXPERIMENT=nogreenteagc"}
	module, err := without.Build()
	if err != nil {
		t.Fatal(err)
	}
	return module
}

// TestShrink_PanicSaysItsMessage: the message is there, the names of functions are not, and
// as a page gets it neither is a stack.
func TestShrink_PanicSaysItsMessage(t *testing.T) {
	small, err := Shrink(linked(t), false)
	if err != nil {
		t.Fatal(err)
	}
	for hasStack, module := range map[bool][]byte{true: small, false: asServed(t)} {
		_, problems, err := runModule(t, module, "panic")
		if err == nil || !strings.Contains(problems, "panic: the message of a panic") || strings.Contains(problems, "main.main") {
			t.Errorf("%v: %s", err, problems)
		}
		if got := strings.Contains(problems, "goroutine 1 [running]"); got != hasStack {
			t.Errorf("a stack: %t, want %t: %s", got, hasStack, problems)
		}
	}
}

// TestSymbols_AreOfTheShrunkModule: a symbol file has each function that the module has,
// with its number.
func TestSymbols_AreOfTheShrunkModule(t *testing.T) {
	named := acts
	named.Flags, named.Shrink = nil, true
	module, symbols, err := named.BuildWithSymbols()
	if err != nil {
		t.Fatal(err)
	}
	if !regexp.MustCompile(`(?m)^\d+ main\.depth$`).Match(symbols) {
		t.Error("the symbols do not name main.depth")
	}
	_, problems, err := runModule(t, module, "trap")
	stack := regexp.MustCompile(`wasm-function\[(\d+)\]`).FindStringSubmatch(problems)
	if err == nil || stack == nil || bytes.Contains([]byte(problems), []byte("main.trap")) {
		t.Fatalf("%v: the stack shows no number: %s", err, problems)
	}
	if want := "\n" + stack[1] + " main.trap\n"; !strings.Contains(string(symbols), want) {
		t.Errorf("the symbols do not have %q", want)
	}
}

// TestShrink_RefusesOtherContent: all but modules of Go's linker are errors.
func TestShrink_RefusesOtherContent(t *testing.T) {
	module := linked(t)
	inputs := map[string][]byte{
		"nothing": nil, "a text": []byte("a text"), "an empty module": []byte(preamble),
		"another version":   append([]byte("\x00asm\x02\x00\x00\x00"), module[8:]...),
		"another magic":     bytes.ReplaceAll(module, []byte(pcHeaderStart[:4]), []byte("\xf2\xff\xff\xff")),
		"two sections more": append(slices.Clone(module), 11, 1),
	}
	for _, part := range []int{2, 3, 5, 100} {
		inputs["the first part"] = module[:len(module)/part]
		for name, input := range inputs {
			if _, err := Shrink(input, false); err == nil {
				t.Errorf("%s was taken", name)
			}
		}
	}
}

// FuzzShrink damages the data of a module.
func FuzzShrink(f *testing.F) {
	f.Add([]byte(pcHeaderStart), uint16(0))
	f.Add(make([]byte, 200), uint16(100))
	f.Fuzz(func(t *testing.T, image []byte, at uint16) {
		table := append([]byte(pcHeaderStart), image...)
		image = append(make([]byte, at), table...)
		body := encodeSegments([]segment{{0, image}})
		module := appendVector(append([]byte(preamble), sectionData), body)
		small, err := Shrink(module, false)
		if err == nil && len(imageOfModule(t, small)) > len(image) {
			t.Error("the memory grew")
		}
	})
}
