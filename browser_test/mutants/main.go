// Command mutants proves that the tests of the most important defenses can fail. Each
// patch takes one defense away, and lies in the folder that is called as the package
// it changes; its first line says which test must then be red:
//
//	# go test ./backend/session -run TestX
//
// First it runs all those tests on a copy of the committed tree, where each must pass.
// Then it applies each patch to the copy, runs its test, and fails if one stays green,
// does not apply, or does not compile.
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
	only := flag.String("only", "", "run only the patches whose path or name matches this regular expression")
	verbose := flag.Bool("v", false, "print what each test says")
	flag.Parse()
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	if err := run(ctx, *only, *verbose); err != nil {
		fmt.Fprintln(os.Stderr, "mutants:", err)
		os.Exit(1)
	}
}

func run(ctx context.Context, only string, verbose bool) error {
	patches, err := read(only)
	if err != nil {
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
		return errors.New("a defense is not guarded")
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
		name, ok := strings.CutSuffix(path, ".patch")
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
		return nil, errors.New("no patches; run it from the project's root")
	}
	return all, nil
}

func readPatch(path string) (patch, error) {
	text, err := os.ReadFile(path)
	if err != nil {
		return patch{}, err
	}
	name := strings.TrimSuffix(strings.TrimPrefix(path, folder+"/"), ".patch")
	p, err := parse(name, string(text))
	if err != nil {
		return patch{}, fmt.Errorf("%s: %w", path, err)
	}
	return p, nil
}
