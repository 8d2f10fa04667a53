//go:build unix

package pg

import (
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"
)

// Cluster is a PostgreSQL of one test's own, whose server the test stops, freezes and
// fails over.
type Cluster struct {
	tb        testing.TB
	binaries  string
	directory string // its socket, its data and its log
	command   *syscall.SysProcAttr
	options   string
}

// NewCluster starts a cluster that ends with the test.
func NewCluster(tb testing.TB) *Cluster {
	tb.Helper()
	c := newCluster(tb)
	c.run("initdb", "--username=postgres", "--auth=trust", "--encoding=UTF8", "--no-locale", "--no-sync", c.data())
	c.Start()
	return c
}

// NewPasswordCluster is NewCluster with a password, which every connection needs.
func NewPasswordCluster(tb testing.TB, password string) *Cluster {
	tb.Helper()
	c := newCluster(tb)
	file := filepath.Join(c.directory, "password")
	if err := os.WriteFile(file, []byte(password+"\n"), 0o644); err != nil { // of another account
		tb.Fatal(err)
	}
	c.run("initdb", "--username=postgres", "--auth=scram-sha-256", "--pwfile="+file, "--encoding=UTF8", "--no-locale", "--no-sync", c.data())
	c.Start()
	return c
}

func newCluster(tb testing.TB) *Cluster {
	tb.Helper()
	c := &Cluster{tb: tb}
	var err error
	if c.binaries, err = findBinaries(); err != nil {
		tb.Fatalf("PostgreSQL is needed (Debian: apt install postgresql): %v", err)
	}
	if c.directory, err = os.MkdirTemp("", "pg"); err != nil {
		tb.Fatal(err)
	}
	tb.Cleanup(func() { os.RemoveAll(c.directory) })
	if c.command, err = asOrdinaryUser(c.directory); err != nil {
		tb.Fatal(err)
	}
	return c
}

// Standby starts a second cluster, which every commit waits for from now on, and which
// Promote makes the primary. It connects again soon after the primary was restarted, and
// finds there what it lacks: otherwise no commit would ever end.
func (c *Cluster) Standby() *Cluster {
	c.tb.Helper()
	s := newCluster(c.tb)
	s.run("pg_basebackup", "--write-recovery-conf", "--checkpoint=fast", "--no-sync", "--username=postgres", "--host="+c.directory, "--pgdata="+s.data())
	s.options = " -c wal_retrieve_retry_interval=500ms"
	s.Start()
	c.options = " -c synchronous_standby_names=* -c wal_keep_size=1GB"
	c.Stop("fast")
	c.Start()
	return s
}

// Promote makes a standby the primary.
func (c *Cluster) Promote() {
	c.tb.Helper()
	c.run("pg_ctl", "promote", "--wait", "--silent", "--pgdata="+c.data())
}

// DSN returns the connection string of the database postgres; with standbys, that of
// whichever cluster takes writes.
func (c *Cluster) DSN(standbys ...*Cluster) string {
	if len(standbys) == 0 {
		return connection(c.directory, "postgres")
	}
	directories := []string{c.directory}
	for _, s := range standbys {
		directories = append(directories, s.directory)
	}
	return connection(strings.Join(directories, ","), "postgres") + " target_session_attrs=read-write"
}

// Start starts the server after Stop.
func (c *Cluster) Start() {
	c.tb.Helper()
	c.run("pg_ctl", "start", "--wait", "--silent", "--pgdata="+c.data(), "--log="+c.directory+"/log",
		"--options=-k '"+c.directory+"' -c listen_addresses= -c fsync=off -c max_connections=200"+c.options)
	c.tb.Cleanup(func() { c.try("pg_ctl", "stop", "--silent", "--mode=immediate", "--pgdata="+c.data()) })
}

// Stop stops the server: fast, or immediate, as a crash does.
func (c *Cluster) Stop(mode string) {
	c.tb.Helper()
	c.run("pg_ctl", "stop", "--wait", "--silent", "--mode="+mode, "--pgdata="+c.data())
}

// Freeze stops every process of the server where it stands, until thaw is called.
func (c *Cluster) Freeze() (thaw func()) {
	c.tb.Helper()
	frozen := c.processes()
	for _, id := range frozen {
		syscall.Kill(id, syscall.SIGSTOP)
	}
	return func() {
		for _, id := range frozen {
			syscall.Kill(id, syscall.SIGCONT)
		}
	}
}

// processes are the ids of the server and of its children.
func (c *Cluster) processes() []int {
	c.tb.Helper()
	text, err := os.ReadFile(c.data() + "/postmaster.pid")
	if err != nil {
		c.tb.Fatal(err)
	}
	first, _, _ := strings.Cut(string(text), "\n")
	ids := []int{number(first)}
	children, err := fs.Glob(os.DirFS("/proc"), first+"/task/*/children")
	if err != nil {
		c.tb.Fatal(err)
	}
	for _, file := range children {
		text, _ := os.ReadFile("/proc/" + file)
		for id := range strings.FieldsSeq(string(text)) {
			ids = append(ids, number(id))
		}
	}
	return ids
}

func number(text string) int {
	n, _ := strconv.Atoi(text)
	return n
}

func (c *Cluster) data() string { return filepath.Join(c.directory, "data") }

func (c *Cluster) run(program string, args ...string) {
	c.tb.Helper()
	if out, err := c.try(program, args...); err != nil {
		log, _ := os.ReadFile(c.directory + "/log")
		c.tb.Fatalf("%s: %v\n%s%s", program, err, out, log)
	}
}

// try runs one of PostgreSQL's programs, or another one by its path. Its output goes to a file, for a server that it
// starts would hold a pipe open.
func (c *Cluster) try(program string, args ...string) (string, error) {
	out, err := os.CreateTemp("", "pg")
	if err != nil {
		return "", err
	}
	defer os.Remove(out.Name())
	defer out.Close()
	if !filepath.IsAbs(program) {
		program = filepath.Join(c.binaries, program)
	}
	command := exec.Command(program, args...)
	command.Dir, command.SysProcAttr, command.Stdout, command.Stderr = c.directory, c.command, out, out
	err = command.Run()
	text, _ := os.ReadFile(out.Name())
	return string(text), err
}
