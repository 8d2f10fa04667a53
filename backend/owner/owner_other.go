//go:build !unix

package owner

import (
	"errors"
	"os"
)

var errReadOnlyDisk = errors.New("read-only disk")

// Keep does nothing where files have no owner of that kind.
func Keep(*os.File, os.FileInfo, os.FileMode) error { return nil }

// AsFolder does nothing where files have no owner of that kind.
func AsFolder(string) error { return nil }

func writable(string) error { return nil }

func current() string { return "this account" }

func of(os.FileInfo) string { return "another account" }
