package main

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"slices"
	"strings"
)

// results is a file with a line for each patch whose test failed as it must: the commit
// that it ran on, and the patch's name. Without a path nothing is kept.
type results struct{ path, commit string }

func newResults(ctx context.Context, path string) (results, error) {
	commit, err := exec.CommandContext(ctx, "git", "rev-parse", "HEAD").Output()
	return results{path, strings.TrimSpace(string(commit))}, err
}

func (r results) line(p patch) string { return r.commit + " " + p.name }

// remaining returns the patches that have no result on this commit.
func (r results) remaining(patches []patch) ([]patch, error) {
	if r.path == "" {
		return patches, nil
	}
	text, err := os.ReadFile(r.path)
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return nil, err
	}
	known := strings.Split(string(text), "\n")
	return slices.DeleteFunc(slices.Clone(patches), func(p patch) bool { return slices.Contains(known, r.line(p)) }), nil
}

// add records that a patch's test failed.
func (r results) add(p patch) error {
	if r.path == "" {
		return nil
	}
	file, err := os.OpenFile(r.path, os.O_APPEND|os.O_CREATE|os.O_WRONLY, 0o644)
	if err != nil {
		return err
	}
	_, err = fmt.Fprintln(file, r.line(p))
	return errors.Join(err, file.Close())
}
