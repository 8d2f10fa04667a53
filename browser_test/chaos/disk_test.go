//go:build long

package chaos

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/tabard-auth/tabard/browser_test/kit/deployment"
)

// onSQLite starts one server on a SQLite file.
func onSQLite(t *testing.T) *scene { return ready(t, deployment.PrepareOne(t, *people)) }

// mountSmall mounts a small disk over the folder of the database, for the server alone,
// copies the database there, and runs the server.
const mountSmall = `mount -t tmpfs -o size=24m tmpfs "$1" && cp "$0"/* "$1" && shift && exec "$@"`

// onSmallDisk starts one server on a disk of 24 MB of its own.
func onSmallDisk(t *testing.T) *scene {
	d := deployment.PrepareOne(t, *people)
	d.Apply(*people)
	folder := filepath.Dir(strings.TrimPrefix(d.Database, "sqlite:"))
	disk := t.TempDir()
	d.Database = "sqlite:" + filepath.Join(disk, "tabard.db")
	d.Wrapper = []string{"unshare", "--map-root-user", "--mount", "sh", "-c", mountSmall, folder, disk}
	d.Start(d.Replicas[0])
	return &scene{Deployment: d}
}

// fillDisk fills the disk for a while.
func fillDisk(s *scene, r *deployment.Replica) {
	file := filepath.Join(fmt.Sprintf("/proc/%d/root", r.Process.PID()), filepath.Dir(strings.TrimPrefix(s.Database, "sqlite:")), "filler")
	filler, err := os.Create(file)
	if err != nil {
		s.Fatal(err)
	}
	for size := 1 << 20; size > 0; {
		if _, err := filler.Write(make([]byte, size)); errors.Is(err, syscall.ENOSPC) {
			size /= 2
		} else if err != nil {
			s.Fatal(err)
		}
	}
	filler.Close()
	<-time.After(5 * time.Second)
	if err := os.Remove(file); err != nil {
		s.Fatal(err)
	}
	<-time.After(2 * time.Second)
}
