package main

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
)

// checkout makes a copy of the committed tree, with the build output of this one.
func checkout(ctx context.Context) (tree string, remove func(), err error) {
	parent, err := os.MkdirTemp("", "mutants")
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
	for _, folder := range []string{"js/dist", "browser_test/node_modules", "worker/node_modules", "js/node_modules", "js/server/node_modules"} {
		if err := linkFolder(folder, tree); err != nil {
			remove()
			return "", nil, err
		}
	}
	return tree, remove, nil
}

// linkFolder links a folder of this tree into the copy. Files that the compiler embeds
// are copied: it follows no links.
func linkFolder(folder, tree string) error {
	from, err := filepath.Abs(folder)
	if err != nil {
		return err
	}
	if _, err := os.Stat(from); err != nil {
		return nil // not built or installed here; the tests that need it fail
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

func command(ctx context.Context, folder, name string, args ...string) error {
	c := exec.CommandContext(ctx, name, args...)
	c.Dir = folder
	if out, err := c.CombinedOutput(); err != nil {
		return fmt.Errorf("%s: %w\n%s", name, err, out)
	}
	return nil
}
