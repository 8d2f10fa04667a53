package postgres

import (
	"context"
	"database/sql"
	"errors"
	"slices"
	"sync"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
	"github.com/jackc/pgx/v5/stdlib"
)

const (
	// mostAtOnce is how many rows one round trip reads at most, that none takes long.
	mostAtOnce = 64
	// readTimeout bounds a group's round trips: a connection that hangs is given up,
	// before those who wait behind it are.
	readTimeout = 5 * time.Second
)

// reads reads rows, those that are asked for at the same time in one round trip: while
// some are read others gather, and a busy server spends on waking and waiting once what
// it would spend on each. A row is read after it was asked for, by a statement and in a
// snapshot of its own.
type reads struct {
	db    *sql.DB
	turns chan struct{} // holds one for each round trip under way

	mu      sync.Mutex
	waiting []*read
}

// read is a row to read, and its outcome.
type read struct {
	statement    string
	args, fields []any

	err  error
	done chan struct{}
}

// newReads returns reads of a database, with so many round trips under way at most.
func newReads(db *sql.DB, turns int) *reads {
	return &reads{db: db, turns: make(chan struct{}, turns)}
}

// row implements sqlstore.RowReader. Who waits may give up.
func (s *reads) row(ctx context.Context, statement string, args, fields []any) error {
	r := &read{statement: statement, args: args, fields: fields, err: errUnfinished, done: make(chan struct{})}
	s.mu.Lock()
	s.waiting = append(s.waiting, r)
	s.mu.Unlock()
	for {
		select {
		case s.turns <- struct{}{}:
			s.readWaiting(ctx) // r too, unless others were before it
		case <-r.done:
			return r.err
		case <-ctx.Done():
			if s.withdraw(r) {
				return ctx.Err()
			}
			<-r.done // in microseconds
			return r.err
		}
	}
}

// withdraw takes back a read that nobody has begun.
func (s *reads) withdraw(r *read) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	i := slices.Index(s.waiting, r)
	if i >= 0 {
		s.waiting = slices.Delete(s.waiting, i, i+1)
	}
	return i >= 0
}

// errUnfinished is the error of reads that a panic cut off.
var errUnfinished = errors.New("postgres: the read was not finished")

// readWaiting reads what waits, and gives the turn to the next. Where ctx ends before
// there is a connection, it leaves that to them.
func (s *reads) readWaiting(ctx context.Context) {
	defer func() { <-s.turns }()
	conn, err := s.db.Conn(ctx)
	if err != nil && ctx.Err() != nil {
		return
	}
	group := s.take()
	defer func() {
		for _, r := range group {
			close(r.done)
		}
	}()
	if err != nil {
		fail(group, err)
		return
	}
	defer conn.Close()
	err = conn.Raw(func(driver any) error {
		return readAll(context.WithoutCancel(ctx), driver.(*stdlib.Conn).Conn(), group)
	})
	if err != nil {
		fail(group, err)
	}
}

func (s *reads) take() []*read {
	s.mu.Lock()
	defer s.mu.Unlock()
	n := min(len(s.waiting), mostAtOnce)
	group := slices.Clone(s.waiting[:n])
	s.waiting = slices.Delete(s.waiting, 0, n)
	return group
}

func fail(group []*read, err error) {
	for _, r := range group {
		r.err = err
	}
}

// readAll reads a group's rows. It does not watch over ctx, which would take longer
// than the reading; the connection has a deadline instead.
func readAll(ctx context.Context, conn *pgx.Conn, group []*read) error {
	wire := conn.PgConn().Conn()
	if err := wire.SetDeadline(time.Now().Add(readTimeout)); err != nil {
		return err
	}
	defer wire.SetDeadline(time.Time{})
	if len(group) > 1 {
		readTogether(ctx, conn, group)
	}
	for _, r := range group {
		if len(group) == 1 || refused(r.err) && !conn.IsClosed() {
			rows, err := conn.Query(ctx, r.statement, r.args...)
			r.err = first(conn, rows, err, r.fields)
		}
	}
	return nil
}

// refused tells that the database refused a statement, or one before it in the same
// round trip: which of them it was tells each by itself.
func refused(err error) bool {
	var by *pgconn.PgError
	return errors.As(err, &by)
}

func readTogether(ctx context.Context, conn *pgx.Conn, group []*read) {
	var all pgx.Batch
	for _, r := range group {
		all.Queue(r.statement, r.args...)
	}
	results := conn.SendBatch(ctx, &all)
	defer results.Close()
	for _, r := range group {
		rows, err := results.Query()
		r.err = first(conn, rows, err, r.fields)
	}
}
