// Command breaks proves that the tests of the most important defenses can fail. Each
// patch beside it takes one defense away; its first line says which test must then be
// red:
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
	"os"
	"os/signal"
	"path/filepath"
	"regexp"
	"strings"
	"syscall"
	"time"
)

func main() {
	only := flag.String("only", "", "run only the patches whose name matches this regular expression")
	verbose := flag.Bool("v", false, "print what each test says")
	flag.Parse()
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	if err := run(ctx, *only, *verbose); err != nil {
		fmt.Fprintln(os.Stderr, "breaks:", err)
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

// read reads the patches whose names match.
func read(only string) ([]patch, error) {
	matches, err := regexp.Compile(only)
	if err != nil {
		return nil, err
	}
	paths, err := filepath.Glob("browser_test/breaks/*.patch")
	if err != nil {
		return nil, err
	}
	var all []patch
	for _, path := range paths {
		name := strings.TrimSuffix(filepath.Base(path), ".patch")
		if !matches.MatchString(name) {
			continue
		}
		text, err := os.ReadFile(path)
		if err != nil {
			return nil, err
		}
		p, err := parse(name, string(text))
		if err != nil {
			return nil, fmt.Errorf("%s: %w", path, err)
		}
		all = append(all, p)
	}
	if len(all) == 0 {
		return nil, errors.New("no patches; run it from the project's root")
	}
	return all, nil
}
