package owner

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"syscall"
)

// Unreadable says why a file could not be read, and what to do. It returns the error's
// text where it knows nothing better.
func Unreadable(err error, path string) string {
	info, missing := os.Stat(path)
	switch {
	case missing == nil && info.IsDir():
		return "it is a folder. A container engine makes one where the file that it mounts is missing: remove it, and put the file there"
	case errors.Is(err, fs.ErrNotExist):
		return "there is no such file: correct its name, or put it there"
	case errors.Is(err, fs.ErrPermission) && missing != nil:
		return current() + " may not enter its folder, or one above it: let the account in (chmod, chown)"
	case errors.Is(err, fs.ErrPermission):
		return fmt.Sprintf("%s may not read it, and it belongs to %s: give it to the account that the server runs as (chown; in the container image that is 65532)", current(), of(info))
	}
	var cause syscall.Errno
	if errors.As(err, &cause) {
		return cause.Error()
	}
	return err.Error()
}
