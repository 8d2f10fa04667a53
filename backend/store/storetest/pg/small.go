//go:build unix

package pg

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"syscall"
	"testing"
	"time"
)

// SmallCluster is a PostgreSQL of one test's own, whose data stand on a small disk that
// the server alone sees.
type SmallCluster struct {
	*Cluster
	server *exec.Cmd
}

// runSmall copies the data to a small disk and runs the server there, again where it
// ends, as a supervisor does. In its namespace the account is root, which may mount; in
// the next one it is an ordinary account again, as PostgreSQL demands.
const runSmall = `mount -t tmpfs -o size="$1"m,mode=700 tmpfs small && cp -a data/. small &&
while sleep 0.2; do unshare --user --map-user=1000 --map-group=1000 "$0/postgres" -D small -k "$PWD" -c listen_addresses= -c fsync=off \
	-c min_wal_size=2MB -c max_wal_size=8MB; done`

// NewSmallCluster starts a cluster on a disk of that size. It ends with the test.
func NewSmallCluster(tb testing.TB, megabytes int) *SmallCluster {
	tb.Helper()
	c := &SmallCluster{Cluster: newCluster(tb)}
	c.run("initdb", "--username=postgres", "--auth=trust", "--encoding=UTF8", "--no-locale", "--no-sync", "--wal-segsize=1", c.data())
	c.run("/bin/mkdir", filepath.Join(c.directory, "small"))
	log, err := os.OpenFile(c.directory+"/log", os.O_CREATE|os.O_WRONLY|os.O_APPEND, 0o666)
	if err != nil {
		tb.Fatal(err)
	}
	defer log.Close()
	c.server = exec.Command("unshare", "--map-root-user", "--mount", "sh", "-c", runSmall, c.binaries, fmt.Sprint(megabytes))
	c.server.Dir, c.server.SysProcAttr, c.server.Stdout, c.server.Stderr = c.directory, c.command, log, log
	if err := c.server.Start(); err != nil {
		tb.Fatal(err)
	}
	tb.Cleanup(func() {
		syscall.Kill(-c.server.Process.Pid, syscall.SIGKILL) // the server's children end with it
		c.server.Wait()
	})
	for begun := time.Now(); ; <-time.After(50 * time.Millisecond) {
		said, err := c.try("pg_isready", "--host="+c.directory, "--quiet")
		switch {
		case err == nil:
			return c
		case time.Since(begun) > time.Minute:
			log, _ := os.ReadFile(c.directory + "/log")
			tb.Fatalf("the cluster did not start: %v %s\n%s", err, said, log)
		}
	}
}

// FillDisk fills the small disk to the last byte, until empty is called.
func (c *SmallCluster) FillDisk() (empty func()) {
	c.tb.Helper()
	file := fmt.Sprintf("/proc/%d/root%s/small/filler", c.server.Process.Pid, c.directory)
	c.try("/bin/dd", "if=/dev/zero", "of="+file, "bs=4k") // fails, because the disk is full
	if info, err := os.Stat(file); err != nil || info.Size() == 0 {
		c.tb.Fatalf("the disk was not filled: %v", err)
	}
	return func() {
		c.tb.Helper()
		c.run("/bin/rm", file)
	}
}
