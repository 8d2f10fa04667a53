package sqlstore

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"sync"
)

// embedded is for a database in this process. Its statements are prepared once on each
// connection, and concurrent writes are committed together.
type embedded struct {
	db    *sql.DB
	reads sync.Map // statement → *sql.Stmt

	mu      sync.Mutex
	waiting []*write
	turn    chan struct{} // its holder may use the following fields
	conn    *sql.Conn     // all writes take this one; nil until the first
	writes  map[string]*sql.Stmt
}

// write is a statement that changes rows, and its result.
type write struct {
	ctx       context.Context
	statement string
	args      []any
	fields    []any // receives the row that the statement returns; nil if it returns none

	result sql.Result
	err    error
	done   chan struct{}
}

func newEmbedded(db *sql.DB) *embedded {
	return &embedded{db: db, turn: make(chan struct{}, 1)}
}

// row reads one row. It takes microseconds, less than watching ctx would.
func (e *embedded) row(ctx context.Context, statement string, args ...any) *sql.Row {
	ctx = context.WithoutCancel(ctx)
	prepared, ok := e.reads.Load(statement)
	if !ok {
		p, err := e.db.PrepareContext(ctx, statement)
		if err != nil {
			return e.db.QueryRowContext(ctx, statement, args...) // which returns the error
		}
		if prepared, ok = e.reads.LoadOrStore(statement, p); ok {
			p.Close()
		}
	}
	return prepared.(*sql.Stmt).QueryRowContext(ctx, args...)
}

// write runs a statement and returns when it is durable. The first waiting caller runs
// all waiting writes in one transaction, in which each has its own result. If the
// transaction fails, the result of each is unknown.
func (e *embedded) write(w *write) error {
	w.done = make(chan struct{})
	e.mu.Lock()
	e.waiting = append(e.waiting, w)
	e.mu.Unlock()
	select {
	case <-w.done:
	case e.turn <- struct{}{}:
		e.runWaiting() // including w, unless an earlier caller ran it
	}
	return w.err
}

// runWaiting runs all waiting writes and passes the turn on.
func (e *embedded) runWaiting() {
	defer func() { <-e.turn }()
	e.mu.Lock()
	group := e.waiting
	e.waiting = nil
	e.mu.Unlock()
	if len(group) == 0 {
		return
	}
	err := errUnfinished
	defer func() {
		for _, w := range group {
			if err != nil {
				w.err = err
			}
			close(w.done)
		}
	}()
	err = e.transaction(group)
}

// errUnfinished is the error of writes that a panic interrupted.
var errUnfinished = errors.New("sqlstore: the write was not finished")

// transaction runs a group on the connection for writes.
func (e *embedded) transaction(group []*write) (err error) {
	err = errUnfinished
	defer func() {
		if err != nil && e.conn != nil {
			e.conn.ExecContext(context.Background(), "ROLLBACK") // fails if the transaction has ended already
		}
	}()
	if e.conn == nil {
		conn, err := e.db.Conn(context.Background())
		if err != nil {
			return err
		}
		e.conn, e.writes = conn, map[string]*sql.Stmt{}
	}
	if err := e.run(&write{statement: "BEGIN IMMEDIATE"}); err != nil {
		return fmt.Errorf("begin: %w", err)
	}
	for _, w := range group {
		if w.err = w.ctx.Err(); w.err == nil { // skip writes that no caller waits for any more
			w.err = e.run(w)
		}
	}
	if err := e.run(&write{statement: "COMMIT"}); err != nil {
		return fmt.Errorf("commit: %w", err)
	}
	return nil
}

// run runs one statement, even if its caller gives up: an interruption would end the
// transaction of the others.
func (e *embedded) run(w *write) (err error) {
	prepared := e.writes[w.statement]
	if prepared == nil {
		if prepared, err = e.conn.PrepareContext(context.Background(), w.statement); err != nil {
			return err
		}
		e.writes[w.statement] = prepared
	}
	if w.fields != nil {
		return prepared.QueryRow(w.args...).Scan(w.fields...)
	}
	w.result, err = prepared.Exec(w.args...)
	return err
}

func (e *embedded) close() {
	e.turn <- struct{}{}
	defer func() { <-e.turn }()
	for _, prepared := range e.writes { // otherwise the connection would stay open
		prepared.Close()
	}
	if e.conn != nil {
		e.conn.Close()
	}
}
