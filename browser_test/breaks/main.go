// Command breaks proves that the tests of the most important defences can fail. Each
// patch beside it takes one defence away; its first lines say which test must then
// be red:
//
//	# go test ./backend/session -run TestX
//
// It applies each patch to a copy of the committed tree, runs the test, and fails if
// one stays green, does not apply, or does not compile.
package main

import (
	"bytes"
	"context"
	"errors"
	"flag"
	"fmt"
	"os"
	"os/exec"
	"os/signal"
	"path/filepath"
	"strings"
)

func main() {
	only := flag.String("only", "", "run only the patches whose name contains this")
	flag.Parse()
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	defer stop()
	if err := run(ctx, *only); err != nil {
		fmt.Fprintln(os.Stderr, "breaks:", err)
		os.Exit(1)
	}
}

func run(ctx context.Context, only string) error {
	patches, err := filepath.Glob("browser_test/breaks/*.patch")
	if err != nil || len(patches) == 0 {
		return errors.New("no patches; run it from the project's root")
	}
	tree, remove, err := checkout(ctx)
	if err != nil {
		return err
	}
	defer remove()
	passed, failed := 0, 0
	for _, patch := range patches {
		if !strings.Contains(patch, only) {
			continue
		}
		name := strings.TrimSuffix(filepath.Base(patch), ".patch")
		if err := red(ctx, tree, patch); err != nil {
			failed++
			fmt.Printf("STAYS GREEN  %s: %v\n", name, err)
			continue
		}
		passed++
		fmt.Printf("red          %s\n", name)
	}
	fmt.Printf("%d passed, %d failed\n", passed, failed)
	if failed > 0 {
		return errors.New("a defence is not guarded")
	}
	return nil
}

// checkout makes a copy of the committed tree, with what was built in this one.
func checkout(ctx context.Context) (tree string, remove func(), err error) {
	parent, err := os.MkdirTemp("", "breaks")
	if err != nil {
		return "", nil, err
	}
	tree = filepath.Join(parent, "tree")
	remove = func() {
		exec.Command("git", "worktree", "remove", "--force", tree).Run()
		os.RemoveAll(parent)
	}
	if err := command(ctx, ".", "git", "worktree", "add", "--quiet", "--detach", tree); err != nil {
		remove()
		return "", nil, err
	}
	for _, folder := range []string{"js/dist", "browser_test/node_modules", "worker/node_modules", "js/node_modules"} {
		if err := link(folder, tree); err != nil {
			remove()
			return "", nil, err
		}
	}
	return tree, remove, nil
}

// link lends a folder of this tree to the copy: files are copied where the compiler
// embeds them, which follows no links.
func link(folder, tree string) error {
	from, err := filepath.Abs(folder)
	if err != nil {
		return err
	}
	if _, err := os.Stat(from); err != nil {
		return nil // not built or installed here: what needs it says so
	}
	to := filepath.Join(tree, folder)
	if filepath.Base(folder) == "node_modules" {
		return os.Symlink(from, to)
	}
	if err := os.RemoveAll(to); err != nil {
		return err
	}
	return os.CopyFS(to, os.DirFS(from))
}

// red applies a patch, sees its test red, and takes it back.
func red(ctx context.Context, tree, patch string) error {
	text, err := os.ReadFile(patch)
	if err != nil {
		return err
	}
	first, _, _ := strings.Cut(string(text), "\n")
	test, ok := strings.CutPrefix(first, "# ")
	if !ok {
		return errors.New("its first line does not name a test")
	}
	path, err := filepath.Abs(patch)
	if err != nil {
		return err
	}
	if err := command(ctx, tree, "git", "apply", path); err != nil {
		return err
	}
	defer command(ctx, tree, "git", "apply", "--reverse", path)
	args := strings.Fields(test)
	c := exec.CommandContext(ctx, args[0], args[1:]...)
	c.Dir = tree
	out, err := c.CombinedOutput()
	switch {
	case err == nil:
		return fmt.Errorf("%s passes without it", test)
	case !bytes.Contains(out, []byte("--- FAIL")) && !bytes.Contains(out, []byte("not ok ")):
		return fmt.Errorf("%s does not run:\n%s", test, out)
	}
	return nil
}

func command(ctx context.Context, folder, name string, args ...string) error {
	c := exec.CommandContext(ctx, name, args...)
	c.Dir = folder
	if out, err := c.CombinedOutput(); err != nil {
		return fmt.Errorf("%s: %w\n%s", name, err, out)
	}
	return nil
}
