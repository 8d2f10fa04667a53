//go:build unix

package owner

import (
	"fmt"
	"os"
	"os/user"
	"path/filepath"
	"strconv"
	"syscall"
)

var errReadOnlyDisk error = syscall.EROFS

// Keep gives a file the owner and the group of the one that it replaces: the server may
// run as another account. A group that the mode keeps from reading is kept where that is
// allowed.
func Keep(f *os.File, before os.FileInfo, mode os.FileMode) error {
	was, ok := before.Sys().(*syscall.Stat_t)
	if !ok || f.Chown(int(was.Uid), int(was.Gid)) == nil {
		return nil
	}
	switch group := nameOfGroup(was.Gid); {
	case int(was.Uid) != os.Geteuid():
		return fmt.Errorf("it belongs to %s, and %s may not give another file to that account: run this as %s or as root", of(before), current(), of(before))
	case mode&0o040 != 0:
		return fmt.Errorf("its group %s may read it, and %s is not in that group: run this as root, add the account to the group, or let only its owner read the file (chmod 600)", group, current())
	}
	return nil
}

// AsFolder gives a file that root has made to the owner of its folder: the server does
// not run as root.
func AsFolder(path string) error {
	if os.Geteuid() != 0 {
		return nil
	}
	path, err := filepath.EvalSymlinks(path)
	if err != nil {
		return err
	}
	info, err := os.Stat(filepath.Dir(path))
	if err != nil {
		return err
	}
	folder, ok := info.Sys().(*syscall.Stat_t)
	if !ok || folder.Uid == 0 {
		return nil
	}
	return os.Lchown(path, int(folder.Uid), int(folder.Gid))
}

// readWrite are the bits of access(2) for both.
const readWrite = 0o6

func writable(path string) error { return syscall.Access(path, readWrite) }

// current is the name of this account.
func current() string { return nameOfUser(uint32(os.Geteuid())) }

// of is the name of a file's owner.
func of(info os.FileInfo) string {
	if s, ok := info.Sys().(*syscall.Stat_t); ok {
		return nameOfUser(s.Uid)
	}
	return "another account"
}

// nameOfUser returns an account's name, or the number of one that has none.
func nameOfUser(id uint32) string {
	number := strconv.FormatUint(uint64(id), 10)
	u, err := user.LookupId(number)
	if err != nil {
		return "the account " + number
	}
	return u.Username
}

func nameOfGroup(id uint32) string {
	number := strconv.FormatUint(uint64(id), 10)
	if g, err := user.LookupGroupId(number); err == nil {
		return g.Name
	}
	return number
}
