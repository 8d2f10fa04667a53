//go:build unix

package pg

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
)

const pgbouncerConf = `
[databases]
* = %[1]s user=postgres
[pgbouncer]
unix_socket_dir = %[2]s
unix_socket_mode = 0777
listen_port = 6432
auth_type = any
pool_mode = %[4]s
default_pool_size = %[3]d
logfile = %[2]s/log
server_round_robin = 1
`

// PgBouncer returns the connection string of a database by way of PgBouncer, which hands
// each transaction to another one of so many connections. It runs until the test ends.
func PgBouncer(tb testing.TB, dsn string, connections int) (pooled string) {
	tb.Helper()
	return NewBouncer(tb, dsn, "transaction", connections).DSN
}

// Bouncer is a running PgBouncer.
type Bouncer struct {
	DSN string // of the database by way of it

	tb         testing.TB
	directory  string
	attributes *syscall.SysProcAttr
	command    *exec.Cmd
}

// NewBouncer starts PgBouncer before a database, in a mode (session or transaction) and
// with so many connections, until the test ends.
func NewBouncer(tb testing.TB, dsn, mode string, connections int) *Bouncer {
	tb.Helper()
	b := &Bouncer{tb: tb}
	var err error
	if b.directory, err = os.MkdirTemp("", "pgbouncer"); err != nil {
		tb.Fatal(err)
	}
	tb.Cleanup(func() { os.RemoveAll(b.directory) })
	if b.attributes, err = asOrdinaryUser(b.directory); err != nil {
		tb.Fatal(err)
	}
	server, _, _ := strings.Cut(dsn, " ") // see connection
	if err := os.WriteFile(b.conf(), fmt.Appendf(nil, pgbouncerConf, server, b.directory, connections, mode), 0o644); err != nil {
		tb.Fatal(err)
	}
	b.DSN = strings.Replace(dsn, server, "host="+b.directory+" port=6432", 1)
	b.start()
	tb.Cleanup(func() {
		b.stop()
		if log, err := os.ReadFile(b.directory + "/log"); tb.Failed() && err == nil {
			tb.Logf("PgBouncer said:\n%s", log)
		}
	})
	return b
}

// Restart kills PgBouncer and starts it again.
func (b *Bouncer) Restart() {
	b.tb.Helper()
	b.stop()
	b.start()
}

func (b *Bouncer) conf() string { return filepath.Join(b.directory, "pgbouncer.ini") }

func (b *Bouncer) stop() {
	b.command.Process.Kill()
	b.command.Wait()
}

// start starts PgBouncer, and waits until it answers.
func (b *Bouncer) start() {
	b.tb.Helper()
	program, err := exec.LookPath("pgbouncer")
	if err != nil {
		program = "/usr/sbin/pgbouncer" // Debian, where it is not in everybody's path
	}
	b.command = exec.Command(program, "-q", b.conf())
	b.command.SysProcAttr = b.attributes
	if err := b.command.Start(); err != nil {
		b.tb.Fatalf("PgBouncer is needed (Debian: apt install pgbouncer): %v", err)
	}
	tick := time.NewTicker(20 * time.Millisecond)
	defer tick.Stop()
	for range 1000 {
		var conn *pgx.Conn
		if conn, err = pgx.Connect(b.tb.Context(), b.DSN); err == nil {
			conn.Close(b.tb.Context())
			return
		}
		<-tick.C
	}
	b.tb.Fatalf("PgBouncer does not answer: %v", err)
}
