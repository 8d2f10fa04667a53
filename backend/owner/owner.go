// Package owner keeps the owners of files, and says why an account cannot use a file.
package owner

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
)

// Obstacle is why this account cannot use a file, and what to do.
type Obstacle struct {
	why string
	error
}

func (o *Obstacle) Error() string { return o.why }
func (o *Obstacle) Unwrap() error { return o.error }

// Explain returns an [Obstacle] in the place of the error of a database that could not be
// kept in the file at path, beside which files with these suffixes come and go. It returns
// the error itself if nothing stands in the way.
func Explain(err error, path string, suffixes ...string) error {
	if full, err := filepath.Abs(path); err == nil {
		path = full
	}
	if why := obstacle(path, suffixes); why != "" {
		return &Obstacle{why, err}
	}
	return err
}

func obstacle(path string, suffixes []string) string {
	folder := filepath.Dir(path)
	info, err := os.Stat(folder)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return fmt.Sprintf("there is no folder %s: make it, for the account that the server runs as", folder)
	case err != nil:
		return fmt.Sprintf("%s may not enter the folder %s, or one above it: let the account in (chmod, chown)", current(), folder)
	case !info.IsDir():
		return fmt.Sprintf("%s is not a folder", folder)
	}
	if info, err := os.Stat(path); err == nil && info.IsDir() {
		return fmt.Sprintf("%s is a folder: name a file in it", path)
	}
	for _, suffix := range append([]string{""}, suffixes...) {
		if why := unwritable(path+suffix, "%[1]s may not read and change %[2]s, which belongs to %[3]s: give the file to the account that the server runs as (chown), or run this as that account"); why != "" {
			return why
		}
	}
	return unwritable(folder, "%[1]s may not make files in the folder %[2]s, which belongs to %[3]s: name a file in a folder of the account's own, or run this as %[3]s")
}

// unwritable returns why this account may not write a file or folder, or "". The form says
// so of an account, the path, and its owner.
func unwritable(path, form string) string {
	info, err := os.Stat(path)
	if err != nil {
		return ""
	}
	switch err := writable(path); {
	case errors.Is(err, errReadOnlyDisk):
		return fmt.Sprintf("%s is on a disk that is mounted read-only: mount it for writing, or name a file elsewhere", path)
	case errors.Is(err, fs.ErrPermission):
		return fmt.Sprintf(form, current(), path, of(info))
	}
	return ""
}
