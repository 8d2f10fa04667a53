package lite

import (
	"context"
	"database/sql"
	"database/sql/driver"
	"errors"
	"io"
	"net/url"
	"runtime"
	"slices"
	"strings"
	"sync"
	"testing"

	"modernc.org/sqlite"

	"github.com/tabard-auth/tabard/backend/store/sqlstore"
)

// ErrFault is the error of a statement that Faulty makes fail.
var ErrFault = errors.New("lite: the storage failed")

// Faulty is a store in which one statement fails, to test the consequences. Other
// stores in the same file see its writes.
type Faulty struct {
	*sqlstore.Store
	faults *faults
}

// OpenFaulty opens the store in the file at path, whose schema is up to date.
func OpenFaulty(t testing.TB, path string) *Faulty {
	t.Helper()
	f := &faults{path: path}
	store := sqlstore.NewEmbedded(sql.OpenDB(f), sqlstore.SQLite)
	t.Cleanup(func() { store.Close() })
	return &Faulty{store, f}
}

// Fail makes the statement with a number fail, counted from 1 and from now. 0 makes
// none fail. If lost is set, the statement takes effect and only its reply is lost.
// With pieces, only statements that contain one of them are counted; without, all
// except those that begin and end transactions.
func (f *Faulty) Fail(at int, lost bool, pieces ...string) {
	f.faults.mu.Lock()
	defer f.faults.mu.Unlock()
	f.faults.at, f.faults.lost, f.faults.pieces, f.faults.methods = at, lost, pieces, nil
}

// Calls returns the methods of the store that ran the statements counted since Fail. A
// method that runs several occurs several times.
func (f *Faulty) Calls() []string {
	f.faults.mu.Lock()
	defer f.faults.mu.Unlock()
	return f.faults.methods
}

// faults is a connector for the file that sits between its connections and
// database/sql.
type faults struct {
	path string

	mu      sync.Mutex
	at      int
	lost    bool
	pieces  []string
	methods []string
}

// bounds begin and end transactions.
var bounds = []string{"BEGIN IMMEDIATE", "COMMIT", "ROLLBACK"}

// fails counts a statement and reports whether it fails and whether its effect is kept.
func (f *faults) fails(statement string) (fails, lost bool) {
	f.mu.Lock()
	defer f.mu.Unlock()
	has := func(piece string) bool { return strings.Contains(statement, piece) }
	if counted := slices.ContainsFunc(f.pieces, has); !counted && (len(f.pieces) > 0 || slices.ContainsFunc(bounds, has)) {
		return false, false
	}
	f.methods = append(f.methods, method())
	return len(f.methods) == f.at, f.lost
}

// method returns the store's method on the caller's stack, by the name that the caller
// used.
func method() (name string) {
	stack := make([]uintptr, 64)
	frames := runtime.CallersFrames(stack[:runtime.Callers(2, stack)])
	for {
		frame, more := frames.Next()
		_, inStore, ok := strings.Cut(frame.Function, "/store/sqlstore.")
		if called := inStore[strings.LastIndexByte(inStore, '.')+1:]; ok && called[0] >= 'A' && called[0] <= 'Z' {
			name = called
		}
		if !more {
			return name
		}
	}
}

// run runs a statement, unless it is to fail before its effect.
func run[T any](f *faults, statement string, run func() (T, error)) (got T, err error) {
	fails, lost := f.fails(statement)
	if fails && !lost {
		return got, ErrFault
	}
	got, err = run()
	if !fails || err != nil {
		return got, err
	}
	if rows, ok := any(got).(driver.Rows); ok {
		defer rows.Close()
		for row := make([]driver.Value, len(rows.Columns())); err == nil; {
			err = rows.Next(row)
		}
		if !errors.Is(err, io.EOF) {
			return got, err
		}
	}
	return *new(T), ErrFault
}

// Driver implements driver.Connector.
func (f *faults) Driver() driver.Driver { return &sqlite.Driver{} }

// Connect implements driver.Connector.
func (f *faults) Connect(context.Context) (driver.Conn, error) {
	c, err := f.Driver().Open("file:" + (&url.URL{Path: f.path}).EscapedPath() + "?_pragma=busy_timeout(10000)&_pragma=foreign_keys(1)&_txlock=immediate")
	return conn{c, f}, err
}

// conn prepares all statements that it runs.
type conn struct {
	driver.Conn
	faults *faults
}

func (c conn) PrepareContext(ctx context.Context, statement string) (driver.Stmt, error) {
	s, err := c.Conn.(driver.ConnPrepareContext).PrepareContext(ctx, statement)
	return stmt{s, statement, c.faults}, err
}

type stmt struct {
	driver.Stmt
	text   string
	faults *faults
}

func (s stmt) ExecContext(ctx context.Context, args []driver.NamedValue) (driver.Result, error) {
	return run(s.faults, s.text, func() (driver.Result, error) { return s.Stmt.(driver.StmtExecContext).ExecContext(ctx, args) })
}

func (s stmt) QueryContext(ctx context.Context, args []driver.NamedValue) (driver.Rows, error) {
	return run(s.faults, s.text, func() (driver.Rows, error) { return s.Stmt.(driver.StmtQueryContext).QueryContext(ctx, args) })
}
