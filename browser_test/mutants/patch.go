package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os/exec"
	"path"
	"slices"
	"strings"
)

// patch removes one defense.
type patch struct {
	name string
	text string
	// test is the command that must fail with the patch, and files are the changed
	// files.
	test  []string
	files []string
}

func parse(name, text string) (patch, error) {
	first, rest, _ := strings.Cut(text, "\n")
	test, ok := strings.CutPrefix(first, "# ")
	if !ok {
		return patch{}, errors.New("the first line must name a test: # go test PACKAGE -run NAME")
	}
	p := patch{name: name, text: text, test: strings.Fields(test)}
	for line := range strings.Lines(rest) {
		if file, ok := strings.CutPrefix(line, "+++ b/"); ok {
			p.files = append(p.files, strings.TrimSpace(file))
		}
	}
	return p, nil
}

// red applies the patch, runs its test and reverts the patch. It returns the test's
// output, and an error unless the test failed.
func (p patch) red(ctx context.Context, tree string) (said []byte, err error) {
	if err := p.apply(ctx, tree); err != nil {
		return nil, err
	}
	always := context.WithoutCancel(ctx)
	defer func() { err = errors.Join(err, p.build(always, tree)) }()
	defer p.apply(always, tree, "--reverse")
	if err := errors.Join(p.compiles(ctx, tree), p.build(ctx, tree)); err != nil {
		return nil, err
	}
	said, err = runTest(ctx, tree, p.test)
	switch {
	case bytes.Contains(said, []byte("[no tests to run]")), bytes.Contains(said, []byte("[no test files]")):
		return said, errors.New("the named test does not exist")
	case err == nil:
		return said, errors.New("the test passes without the defense")
	case !bytes.Contains(said, []byte("--- FAIL")) && !bytes.Contains(said, []byte("not ok ")):
		return said, errors.New("the test did not run")
	}
	return said, nil
}

func (p patch) apply(ctx context.Context, tree string, flags ...string) error {
	c := exec.CommandContext(ctx, "git", append([]string{"apply"}, flags...)...)
	c.Dir, c.Stdin = tree, strings.NewReader(p.text)
	if out, err := c.CombinedOutput(); err != nil {
		return fmt.Errorf("the patch does not apply: %s", out)
	}
	return nil
}

// compiles builds the changed files: a test also fails because its page or program does
// not build, and that would prove nothing about the defense.
func (p patch) compiles(ctx context.Context, tree string) error {
	for _, file := range p.files {
		var err error
		switch path.Ext(file) {
		case ".go":
			list := []string{"go", "list", "-export", "./" + path.Dir(file)} // compiles, and does not link
			if strings.HasSuffix(file, "_js.go") {
				list = append([]string{"env", "GOOS=js", "GOARCH=wasm"}, list...)
			}
			err = command(ctx, tree, list[0], list[1:]...)
		case ".js", ".mjs":
			err = command(ctx, tree, "node", "--check", file)
		}
		if err != nil {
			return fmt.Errorf("the patched code does not compile: %w", err)
		}
	}
	return nil
}

// build builds the client and the module anew where a patch changes them and its test takes
// what is built.
func (p patch) build(ctx context.Context, tree string) error {
	served := func(file string) bool { return strings.HasPrefix(file, "js/src/") || strings.HasPrefix(file, "wasm/") }
	if !slices.ContainsFunc(p.files, served) || !slices.ContainsFunc(p.test, func(word string) bool { return strings.HasPrefix(word, "./browser_test/") }) {
		return nil
	}
	return command(ctx, tree, "go", "run", "./js/build")
}

// green runs the tests of all patches on the unpatched tree, each package once. A test
// that fails there proves nothing about its patch.
func green(ctx context.Context, tree string, patches []patch) error {
	for _, test := range together(patches) {
		if said, err := runTest(ctx, tree, test); err != nil {
			return fmt.Errorf("%s must pass without a patch, but fails\n%s", strings.Join(test, " "), said)
		}
	}
	return nil
}

// together joins the tests of each package into one command.
func together(patches []patch) [][]string {
	var all [][]string
	at := make(map[string]int)
	seen := make(map[string]bool)
	for _, p := range patches {
		test := strings.Join(p.test, " ")
		if seen[test] {
			continue
		}
		seen[test] = true
		before, pattern := splitPattern(p.test)
		key := strings.Join(before, " ")
		i, known := at[key]
		switch {
		case !known:
			at[key] = len(all)
			all = append(all, slices.Clone(p.test))
		case pattern == "" || len(all[i]) == len(before):
			all[i] = before // the whole package
		default:
			all[i][len(all[i])-1] += "|" + pattern
		}
	}
	return all
}

// splitPattern separates the pattern of names from a go test command.
func splitPattern(test []string) (before []string, pattern string) {
	if n := len(test); n > 2 && test[n-2] == "-run" {
		return test[:n-2], test[n-1]
	}
	return test, ""
}

// runTest runs a test without vet or debug information, and stops at its first failure.
// A kept result would not count: many tests build what they test in a process of its own,
// whose files the go command does not see.
func runTest(ctx context.Context, tree string, test []string) (said []byte, err error) {
	if test[0] == "go" {
		test = slices.Insert(slices.Clone(test), 2, "-vet=off", "-ldflags=-w", "-failfast", "-count=1")
	} else {
		test = slices.Insert(slices.Clone(test), 1, "--test-reporter=tap")
	}
	c := exec.CommandContext(ctx, test[0], test[1:]...)
	c.Dir = tree
	return c.CombinedOutput()
}
