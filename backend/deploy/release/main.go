// Command release builds what a release consists of, the same bytes each time:
// binaries, a container image for each Linux architecture, the npm tarballs, the browser
// module's symbols, a software bill of materials, and checksums.
//
// It needs go and npm, the module and client in js/dist (make build), and no container
// engine.
package main

import (
	"context"
	"crypto/sha256"
	"encoding/json"
	"flag"
	"fmt"
	"io"
	"os"
	"os/exec"
	"os/signal"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
)

// target is a platform that the release has a binary for.
type target struct{ os, arch string }

func (t target) String() string { return t.os + "/" + t.arch }

var targets = []target{
	{"linux", "amd64"}, {"linux", "arm64"}, {"darwin", "amd64"}, {"darwin", "arm64"}, {"windows", "amd64"}, {"windows", "arm64"},
}

func main() {
	out := flag.String("out", "dist", "folder to write the release to")
	only := flag.String("only", "", "build for these platforms only, such as linux/amd64,linux/arm64")
	flag.Parse()
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	if err := build(ctx, *out, *only); err != nil {
		fmt.Fprintln(os.Stderr, "release:", err)
		os.Exit(1)
	}
}

func build(ctx context.Context, out, only string) error {
	version, err := version()
	if err != nil {
		return err
	}
	if err := os.MkdirAll(out, 0o755); err != nil {
		return err
	}
	chosen := targets
	if only != "" {
		names := strings.Split(only, ",")
		chosen = slices.DeleteFunc(slices.Clone(targets), func(t target) bool { return !slices.Contains(names, t.String()) })
		if len(chosen) != len(names) {
			return fmt.Errorf("%s: platforms are of %v", only, targets)
		}
	}
	for _, t := range chosen {
		binary, err := t.binary(ctx, out, version)
		if err != nil {
			return err
		}
		if t.os == "linux" {
			if err := t.image(binary, filepath.Join(out, fmt.Sprintf("tabard-%s-image-%s.tar", version, t.arch)), version); err != nil {
				return err
			}
		}
	}
	for _, folder := range packages {
		if err := npmTarball(ctx, folder, out); err != nil {
			return err
		}
	}
	if err := copySymbols(out); err != nil {
		return err
	}
	if err := billOfMaterials(filepath.Join(out, fileName(version, chosen[0])), filepath.Join(out, "tabard-"+version+".cdx.json"), version); err != nil {
		return err
	}
	return checksums(out)
}

// copySymbols copies the names of the browser module's functions, which decode the stack
// of a module that died in a page.
func copySymbols(out string) error {
	found, err := filepath.Glob("bin/module.*.symbols")
	if err != nil || len(found) != 1 {
		return fmt.Errorf("bin has %d files of the module's symbols; run make build first: %w", len(found), err)
	}
	text, err := os.ReadFile(found[0])
	if err != nil {
		return err
	}
	return os.WriteFile(filepath.Join(out, filepath.Base(found[0])), text, 0o644)
}

// version is the release's, which stands in the client's package.json.
func version() (string, error) {
	text, err := os.ReadFile("js/package.json")
	if err != nil {
		return "", fmt.Errorf("%w; run it from the root of the repository", err)
	}
	var manifest struct{ Version string }
	err = json.Unmarshal(text, &manifest)
	return manifest.Version, err
}

// fileName is the file name of a binary.
func fileName(version string, t target) string {
	extension := ""
	if t.os == "windows" {
		extension = ".exe"
	}
	return fmt.Sprintf("tabard-%s-%s-%s%s", version, t.os, t.arch, extension)
}

// binary builds a static binary and returns its path.
func (t target) binary(ctx context.Context, out, version string) (string, error) {
	path := filepath.Join(out, fileName(version, t))
	command := exec.CommandContext(ctx, "go", "build", "-trimpath", "-buildvcs=false",
		"-ldflags", "-s -w -buildid= -X github.com/tabard-auth/tabard/backend/cli.release="+version, "-o", path, "./backend")
	command.Env = append(os.Environ(), "CGO_ENABLED=0", "GOOS="+t.os, "GOARCH="+t.arch, "GOFLAGS=", "GOAMD64=v1", "GOARM64=v8.0")
	command.Stderr = os.Stderr
	fmt.Println(path)
	if err := command.Run(); err != nil {
		return "", fmt.Errorf("build for %s: %w", t, err)
	}
	return path, nil
}

// checksums writes SHA256SUMS, as sha256sum -c reads it.
func checksums(out string) error {
	files, err := filepath.Glob(filepath.Join(out, "*"))
	if err != nil {
		return err
	}
	var sums strings.Builder
	for _, path := range files {
		if filepath.Base(path) == "SHA256SUMS" {
			continue
		}
		sum, err := checksum(path)
		if err != nil {
			return err
		}
		fmt.Fprintf(&sums, "%x  %s\n", sum, filepath.Base(path))
	}
	return os.WriteFile(filepath.Join(out, "SHA256SUMS"), []byte(sums.String()), 0o644)
}

func checksum(path string) ([]byte, error) {
	file, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	defer file.Close()
	hash := sha256.New()
	_, err = io.Copy(hash, file)
	return hash.Sum(nil), err
}
