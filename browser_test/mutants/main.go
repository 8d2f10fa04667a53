// Command mutants proves that the tests of the most important defenses can fail. Each
// patch removes one defense, and is in the folder named after the package that it
// changes; its first line names the test that must fail:
//
//	# go test ./backend/session -run TestX
//
// First it runs all those tests on a copy of the committed tree, where each must pass.
// Then it applies each patch to the copy and runs its test. It fails if one passes, or
// if a patch does not apply or compile.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io/fs"
	"os"
	"os/signal"
	"path/filepath"
	"regexp"
	"strings"
	"syscall"
	"time"
)

func main() {
	only := flag.String("only", "", "run only the patches with a path or name that matches this `REGEXP`")
	verbose := flag.Bool("v", false, "print the output of each test")
	kept := flag.String("results", "", "keep in `FILE` which patches are done, and leave those out on the same commit")
	flag.Parse()
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	if err := run(ctx, *only, *kept, *verbose); err != nil {
		fmt.Fprintln(os.Stderr, "mutants:", err)
		os.Exit(1)
	}
}

func run(ctx context.Context, only, kept string, verbose bool) error {
	patches, err := read(only)
	if err != nil {
		return err
	}
	results, err := newResults(ctx, kept)
	if err != nil {
		return err
	}
	if patches, err = results.remaining(patches); err != nil {
		return err
	}
	tree, remove, err := checkout(ctx)
	if err != nil {
		return err
	}
	defer remove()
	if err := green(ctx, tree, patches); err != nil {
		return err
	}
	failed := 0
	for _, p := range patches {
		began := time.Now()
		said, err := p.red(ctx, tree)
		if ctx.Err() != nil {
			return ctx.Err()
		}
		verdict := "red        "
		if err != nil {
			failed++
			verdict = "NOT GUARDED"
		} else if err := results.add(p); err != nil {
			return err
		}
		fmt.Printf("%s %6.1f s  %s\n", verdict, time.Since(began).Seconds(), p.name)
		if err != nil {
			fmt.Println(err)
		}
		if err != nil || verbose {
			fmt.Printf("%s\n", said)
		}
	}
	fmt.Printf("%d passed, %d failed\n", len(patches)-failed, failed)
	if failed > 0 {
		return errors.New("the tests of a defense did not fail without it")
	}
	return nil
}

const folder = "browser_test/mutants"

// read reads the patches with a path or a name that matches.
func read(only string) ([]patch, error) {
	matches, err := regexp.Compile(only)
	if err != nil {
		return nil, err
	}
	var all []patch
	err = filepath.WalkDir(folder, func(path string, _ fs.DirEntry, err error) error {
		name, ok := patchName(path)
		if err != nil || !ok || !matches.MatchString(name) && !matches.MatchString(filepath.Base(name)) {
			return err
		}
		p, err := readPatch(path)
		all = append(all, p)
		return err
	})
	if err != nil {
		return nil, err
	}
	if len(all) == 0 {
		return nil, errors.New("no patches found: run the command from the root of the repository")
	}
	return all, nil
}

func readPatch(path string) (patch, error) {
	text, err := os.ReadFile(path)
	if err != nil {
		return patch{}, err
	}
	name, _ := patchName(path)
	p, err := parse(name, string(text))
	if err != nil {
		return patch{}, fmt.Errorf("%s: %w", path, err)
	}
	return p, nil
}

// patchName returns the name of the patch that a file is: its path below folder.
func patchName(path string) (name string, ok bool) {
	return strings.CutSuffix(strings.TrimPrefix(path, folder+"/"), ".patch")
}
