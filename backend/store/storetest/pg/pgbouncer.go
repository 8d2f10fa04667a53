//go:build unix

package pg

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
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
pool_mode = transaction
default_pool_size = %[3]d
logfile = %[2]s/log
server_round_robin = 1
`

// PgBouncer returns the connection string of a database by way of PgBouncer, which hands
// each transaction to another one of so many connections. It runs until the test ends.
func PgBouncer(tb testing.TB, dsn string, connections int) (pooled string) {
	tb.Helper()
	program, err := exec.LookPath("pgbouncer")
	if err != nil {
		program = "/usr/sbin/pgbouncer" // Debian, where it is not in everybody's path
	}
	directory, err := os.MkdirTemp("", "pgbouncer")
	if err != nil {
		tb.Fatal(err)
	}
	tb.Cleanup(func() { os.RemoveAll(directory) })
	attributes, err := asOrdinaryUser(directory)
	if err != nil {
		tb.Fatal(err)
	}
	host, _, _ := strings.Cut(dsn, " ") // see connection
	conf := filepath.Join(directory, "pgbouncer.ini")
	if err := os.WriteFile(conf, fmt.Appendf(nil, pgbouncerConf, host, directory, connections), 0o644); err != nil {
		tb.Fatal(err)
	}
	command := exec.Command(program, "-q", conf)
	command.SysProcAttr = attributes
	if err := command.Start(); err != nil {
		tb.Fatalf("PgBouncer is needed (Debian: apt install pgbouncer): %v", err)
	}
	tb.Cleanup(func() {
		command.Process.Kill()
		command.Wait()
		if log, err := os.ReadFile(directory + "/log"); tb.Failed() && err == nil {
			tb.Logf("PgBouncer said:\n%s", log)
		}
	})
	pooled = strings.Replace(dsn, host, "host="+directory+" port=6432", 1)
	tick := time.NewTicker(20 * time.Millisecond)
	defer tick.Stop()
	for range 1000 {
		var conn *pgx.Conn
		if conn, err = pgx.Connect(tb.Context(), pooled); err == nil {
			conn.Close(tb.Context())
			return pooled
		}
		<-tick.C
	}
	tb.Fatalf("PgBouncer does not answer: %v", err)
	return ""
}
