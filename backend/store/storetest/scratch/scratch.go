//go:build unix

// Package scratch makes folders for files that tests write a lot: databases, browsers'
// profiles. They lie in memory where there is room, for a durable database waits for its
// disk at every commit.
package scratch

import (
	"os"
	"syscall"
	"testing"
)

const (
	memory = "/dev/shm" // of Linux; containers may give it 64 MB
	room   = 2 << 30
)

// Dir returns a new folder that is removed at the end of the test.
func Dir(t testing.TB) string {
	t.Helper()
	if !roomy() {
		return t.TempDir()
	}
	folder, err := MkdirTemp("tabard-test-")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := os.RemoveAll(folder); err != nil {
			t.Errorf("removing a folder: %v", err)
		}
	})
	return folder
}

// MkdirTemp returns a new folder, which the caller removes.
func MkdirTemp(prefix string) (string, error) {
	parent := ""
	if roomy() {
		parent = memory
	}
	return os.MkdirTemp(parent, prefix)
}

// roomy reports whether files fit in memory.
func roomy() bool {
	var s syscall.Statfs_t
	return syscall.Statfs(memory, &s) == nil && int64(s.Bavail)*int64(s.Bsize) >= room
}
