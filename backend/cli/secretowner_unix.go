//go:build unix

package cli

import (
	"fmt"
	"os"
	"os/user"
	"strconv"
	"syscall"
)

// keepOwner gives a file the owner and the group of the one that it replaces: the
// server may run as another user. A group that may not read the file is kept where that
// is allowed.
func keepOwner(f *os.File, before os.FileInfo, mode os.FileMode) error {
	was, ok := before.Sys().(*syscall.Stat_t)
	if !ok {
		return nil
	}
	uid, gid := int(was.Uid), int(was.Gid)
	err := f.Chown(uid, gid)
	switch {
	case err == nil:
		return nil
	case uid != os.Geteuid():
		return fmt.Errorf("it belongs to %s, and %s may not replace it: run this as %s or as root", nameOfUser(uid), nameOfUser(os.Geteuid()), nameOfUser(uid))
	case mode&0o040 != 0:
		return fmt.Errorf("its group %s may read it, and %s is not in that group: run this as root, or add %s to the group", nameOfGroup(gid), nameOfUser(uid), nameOfUser(uid))
	}
	return nil
}

// nameOfUser returns a user's name, or the number of one that has none.
func nameOfUser(uid int) string {
	if u, err := user.LookupId(strconv.Itoa(uid)); err == nil {
		return u.Username
	}
	return "user " + strconv.Itoa(uid)
}

func nameOfGroup(gid int) string {
	if g, err := user.LookupGroupId(strconv.Itoa(gid)); err == nil {
		return g.Name
	}
	return strconv.Itoa(gid)
}
