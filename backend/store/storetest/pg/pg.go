//go:build unix

// Package pg runs a private PostgreSQL for tests.
package pg

import (
	"bufio"
	"context"
	"fmt"
	"io"
	"os"
	"os/exec"
	"os/user"
	"path/filepath"
	"slices"
	"strconv"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"

	"github.com/jackc/pgx/v5"

	"github.com/tabard-auth/tabard/backend/store/storetest/scratch"
)

// Postgres returns the connection string of a new, empty database. All databases of a
// test binary share one cluster. It listens on a socket in its own directory, does not
// sync to the disk, and is ended and removed when the binary ends, however that
// happens. If PostgreSQL is not installed, the test fails.
func Postgres(tb testing.TB) (dsn string) {
	tb.Helper()
	return database(tb, cluster, "template1")
}

// CopyOf is Postgres with a copy of a database that Postgres returned, to which no
// connection is open.
func CopyOf(tb testing.TB, dsn string) (copied string) {
	tb.Helper()
	config, err := pgx.ParseConfig(dsn)
	if err != nil {
		tb.Fatal(err)
	}
	return database(tb, cluster, config.Database)
}

// PostgresOf is Postgres with a database filled by statements, such as those of a dump.
func PostgresOf(tb testing.TB, statements string) (dsn string) {
	tb.Helper()
	dsn = Postgres(tb)
	Exec(tb, dsn, statements)
	return dsn
}

// Exec executes statements on a database.
func Exec(tb testing.TB, dsn string, statements ...string) {
	tb.Helper()
	conn, err := pgx.Connect(context.Background(), dsn)
	if err != nil {
		tb.Fatal(err)
	}
	defer conn.Close(context.Background())
	for _, statement := range statements {
		if _, err := conn.Exec(context.Background(), statement); err != nil {
			tb.Fatal(err)
		}
	}
}

// Durable is Postgres for benchmarks, on a separate cluster whose commits survive a
// crash of the machine, PostgreSQL's default.
func Durable(tb testing.TB) (dsn string) {
	tb.Helper()
	return database(tb, durable, "template1")
}

func database(tb testing.TB, cluster func() (string, error), template string) string {
	tb.Helper()
	directory, err := cluster()
	if err != nil {
		tb.Fatalf("PostgreSQL is needed (Debian: apt install postgresql): %v", err)
	}
	conn, err := pgx.Connect(context.Background(), connection(directory, "postgres"))
	if err != nil {
		tb.Fatalf("PostgreSQL does not answer: %v", err)
	}
	defer conn.Close(context.Background())
	name := fmt.Sprintf("test%d", databases.Add(1))
	if _, err := conn.Exec(context.Background(), "CREATE DATABASE "+name+" TEMPLATE "+template); err != nil {
		tb.Fatal(err)
	}
	return connection(directory, name)
}

var databases atomic.Int64

func connection(directory, database string) string {
	return fmt.Sprintf("host=%s user=postgres dbname=%s", directory, database)
}

// script runs the cluster until its standard input ends.
const script = `
export PATH="$1:$PATH"; cd "$2"
exec 2>log
initdb --username=postgres --auth=trust --encoding=UTF8 --no-locale --no-sync data >&2 &&
pg_ctl start --wait --silent --pgdata=data --log=log \
	--options="-k '$2' -c listen_addresses= -c fsync=$3 -c max_connections=200" >&2 &&
echo ready && cat >&2 || cat log
pg_ctl stop --silent --pgdata=data --mode=immediate >&2
cd / && rm -rf "$2"
`

var (
	cluster = sync.OnceValues(func() (string, error) { return start("off", scratch.MkdirTemp) })
	durable = sync.OnceValues(func() (string, error) { return start("on", onDisk) })
)

func onDisk(prefix string) (string, error) { return os.MkdirTemp("", prefix) }

// start starts a cluster with that value of fsync in a new directory.
func start(fsync string, mkdir func(prefix string) (string, error)) (directory string, err error) {
	binaries, err := findBinaries()
	if err != nil {
		return "", err
	}
	if directory, err = mkdir("pg"); err != nil {
		return "", err
	}
	command := exec.Command("/bin/sh", "-c", script, "sh", binaries, directory, fsync)
	if command.SysProcAttr, err = asOrdinaryUser(directory); err != nil {
		return "", err
	}
	lifeline, err := command.StdinPipe()
	if err != nil {
		return "", err
	}
	lifelines = append(lifelines, lifeline)
	output, err := command.StdoutPipe()
	if err != nil {
		return "", err
	}
	if err := command.Start(); err != nil {
		return "", err
	}
	lines := bufio.NewReader(output)
	if line, _ := lines.ReadString('\n'); line != "ready\n" {
		rest, _ := io.ReadAll(lines)
		return "", fmt.Errorf("the cluster did not start: %s%s", line, rest)
	}
	return directory, nil
}

// lifelines are the clusters' standard inputs, which stay open until the process ends.
var lifelines []io.Closer

// findBinaries finds the directory of initdb and pg_ctl.
func findBinaries() (string, error) {
	if path, err := exec.LookPath("pg_ctl"); err == nil {
		path, err = filepath.EvalSymlinks(path) // to where the other programs are
		return filepath.Dir(path), err
	}
	found, err := filepath.Glob("/usr/lib/postgresql/*/bin/pg_ctl") // Debian
	if err != nil || len(found) == 0 {
		return "", fmt.Errorf("pg_ctl: %w", exec.ErrNotFound)
	}
	return filepath.Dir(slices.Max(found)), nil
}

// asOrdinaryUser makes the process run as the account postgres if the test runs as
// root, since PostgreSQL refuses root. It also shields the process from the terminal's
// signals: it ends by its standard input.
func asOrdinaryUser(directory string) (*syscall.SysProcAttr, error) {
	if os.Geteuid() != 0 {
		return &syscall.SysProcAttr{Setpgid: true}, nil
	}
	account, err := user.Lookup("postgres")
	if err != nil {
		return nil, err
	}
	uid, err := strconv.Atoi(account.Uid)
	if err != nil {
		return nil, err
	}
	gid, err := strconv.Atoi(account.Gid)
	if err != nil {
		return nil, err
	}
	credential := &syscall.Credential{Uid: uint32(uid), Gid: uint32(gid)}
	return &syscall.SysProcAttr{Setpgid: true, Credential: credential}, os.Chown(directory, uid, gid)
}
