package deployment

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"syscall"
)

// mountSmall mounts a small disk over the folder of the database, for the server alone,
// copies the database there, and runs the server.
const mountSmall = `mount -t tmpfs -o size="$1"m tmpfs "$2" && cp "$0"/* "$2" && shift 2 && exec "$@"`

// OnSmallDisk moves the SQLite file to a disk of that size that the one server alone sees.
// The workspace has to be applied before.
func (d *Deployment) OnSmallDisk(megabytes int) {
	d.Helper()
	folder, disk := filepath.Dir(d.databaseFile()), d.TempDir()
	d.Database = "sqlite:" + filepath.Join(disk, filepath.Base(d.databaseFile()))
	d.Wrapper = []string{"unshare", "--map-root-user", "--mount", "sh", "-c", mountSmall, folder, fmt.Sprint(megabytes), disk}
}

func (d *Deployment) databaseFile() string { return strings.TrimPrefix(d.Database, "sqlite:") }

// OnServersDisks returns the command that lets a program, which is appended, see the disks
// that the server sees.
func (d *Deployment) OnServersDisks() []string {
	return []string{"nsenter", "--target", fmt.Sprint(d.Replicas[0].Process.PID()), "--user", "--preserve-credentials", "--mount"}
}

// FillDisk fills the small disk to the last byte, until empty is called.
func (d *Deployment) FillDisk() (empty func()) {
	d.Helper()
	file := filepath.Join(fmt.Sprintf("/proc/%d/root", d.Replicas[0].Process.PID()), filepath.Dir(d.databaseFile()), "filler")
	filler, err := os.Create(file)
	if err != nil {
		d.Fatal(err)
	}
	defer filler.Close()
	for size := 1 << 20; size > 0; {
		if _, err := filler.Write(make([]byte, size)); errors.Is(err, syscall.ENOSPC) {
			size /= 2
		} else if err != nil {
			d.Fatal(err)
		}
	}
	return func() {
		d.Helper()
		if err := os.Remove(file); err != nil {
			d.Fatal(err)
		}
	}
}
