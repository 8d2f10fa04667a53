//go:build unix

package sqlite

import (
	"path/filepath"
	"syscall"
)

// room returns the bytes that the disk of a file has left for this account.
func room(path string) *uint64 {
	var s syscall.Statfs_t
	if syscall.Statfs(filepath.Dir(path), &s) != nil {
		return nil
	}
	free := uint64(s.Bavail) * uint64(s.Bsize)
	return &free
}
