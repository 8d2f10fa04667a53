//go:build unix

package cli

import (
	"os"
	"syscall"
)

// keepOwner gives a file the owner and the group of the one that it replaces: the
// server may run as another user.
func keepOwner(f *os.File, before os.FileInfo) error {
	was, ok := before.Sys().(*syscall.Stat_t)
	if !ok || int(was.Uid) == os.Geteuid() && int(was.Gid) == os.Getegid() {
		return nil
	}
	return f.Chown(int(was.Uid), int(was.Gid))
}
