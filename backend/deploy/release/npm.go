package main

import (
	"archive/tar"
	"bytes"
	"compress/gzip"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
)

// packages are the folders of the npm packages: the client, and the one for APIs.
var packages = []string{"js", "js/server"}

// npmTarball packs a package for npm.
func npmTarball(ctx context.Context, folder, out string) error {
	out, err := filepath.Abs(out)
	if err != nil {
		return err
	}
	command := exec.CommandContext(ctx, "npm", "pack", "--silent", "--pack-destination", out)
	command.Dir, command.Stderr = folder, os.Stderr
	name, err := command.Output()
	if err == nil {
		err = normalizeModes(filepath.Join(out, strings.TrimSpace(string(name))))
	}
	if err != nil {
		return fmt.Errorf("npm pack in %s: %w", folder, err)
	}
	return nil
}

// normalizeModes gives the files of a tarball modes that do not depend on the umask of
// whoever checked the sources out.
func normalizeModes(path string) error {
	packed, err := os.ReadFile(path)
	if err != nil {
		return err
	}
	unzipped, err := gzip.NewReader(bytes.NewReader(packed))
	if err != nil {
		return err
	}
	var again bytes.Buffer
	zipped := gzip.NewWriter(&again)
	from, to := tar.NewReader(unzipped), tar.NewWriter(zipped)
	for {
		header, err := from.Next()
		if errors.Is(err, io.EOF) {
			break
		} else if err != nil {
			return err
		}
		executable := header.Mode & 0o100 >> 6
		header.Mode = 0o644 | executable*0o111
		if err := to.WriteHeader(header); err != nil {
			return err
		}
		if _, err := io.Copy(to, from); err != nil {
			return err
		}
	}
	if err := errors.Join(to.Close(), zipped.Close()); err != nil {
		return err
	}
	return os.WriteFile(path, again.Bytes(), 0o644)
}
