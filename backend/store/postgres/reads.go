package postgres

import (
	"context"
	"database/sql"
	"errors"
	"net"
	"slices"
	"sync"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
	"github.com/jackc/pgx/v5/stdlib"
)

const (
	// maxRows is the most rows read in one round trip, so that none takes long.
	maxRows = 64
	// readTimeout limits a group's round trips: a connection that hangs is dropped
	// before the callers behind it give up.
	readTimeout = 5 * time.Second
	// maxTries is how often a row is read whose connection is lost.
	maxTries = 3
	// connectionTimeout limits the wait for a connection, since one may have to be
	// made, at one host of several.
	connectionTimeout = 20 * time.Second
)

// reads combines reads of rows that are requested at the same time into one round trip.
// While some are read, others gather, so a busy server pays for waking and waiting once
// a group instead of once a row. A row is read after it was requested, by its own
// statement and in its own snapshot.
type reads struct {
	db    *sql.DB
	live  *liveness
	turns chan struct{} // one for each round trip under way

	mu      sync.Mutex
	waiting []*read
}

// read is a row to read and its result.
type read struct {
	statement    string
	args, fields []any

	err   error
	lost  bool // the connection was lost
	tries int
	done  chan struct{}
}

// newReads returns reads of a database, with at most turns round trips under way.
func newReads(db *sql.DB, live *liveness, turns int) *reads {
	return &reads{db: db, live: live, turns: make(chan struct{}, turns)}
}

// row implements sqlstore.RowReader. A waiting caller may give up.
func (s *reads) row(ctx context.Context, statement string, args, fields []any) error {
	r := &read{statement: statement, args: args, fields: fields, err: errUnfinished, done: make(chan struct{})}
	s.mu.Lock()
	s.waiting = append(s.waiting, r)
	s.mu.Unlock()
	for {
		select {
		case s.turns <- struct{}{}:
			s.readWaiting(ctx) // including r, unless others were before it
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

// withdraw removes a read that has not begun.
func (s *reads) withdraw(r *read) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	i := slices.Index(s.waiting, r)
	if i >= 0 {
		s.waiting = slices.Delete(s.waiting, i, i+1)
	}
	return i >= 0
}

// errUnfinished is the error of reads that a panic interrupted.
var errUnfinished = errors.New("postgres: the read was not finished")

// readWaiting reads the waiting rows and passes the turn on. It waits for a connection
// on behalf of all of them, even if the caller with the turn gives up.
func (s *reads) readWaiting(ctx context.Context) {
	defer func() { <-s.turns }()
	ctx = context.WithoutCancel(ctx)
	conn, err := s.connection(ctx)
	group := s.take()
	defer func() { s.settle(group) }()
	if err != nil {
		fail(group, err)
		return
	}
	defer conn.Close()
	err = conn.Raw(func(driver any) error {
		conn := driver.(*stdlib.Conn).Conn()
		defer func() {
			if conn.IsClosed() {
				s.live.markLost()
			}
		}()
		return readAll(ctx, conn, group)
	})
	if err != nil {
		fail(group, err)
	}
}

// connection returns a connection. If one was just lost, it returns one that answers a
// ping: a new connection has never been checked.
func (s *reads) connection(ctx context.Context) (*sql.Conn, error) {
	ctx, cancel := context.WithTimeout(ctx, connectionTimeout)
	defer cancel()
	for {
		conn, err := s.db.Conn(ctx)
		if err != nil || !s.lostOne() || s.live.answers(ctx, conn) {
			return conn, err
		}
		conn.Close()
	}
}

// lostOne reports whether one of the waiting reads was lost before.
func (s *reads) lostOne() bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return len(s.waiting) > 0 && s.waiting[0].tries > 0
}

// settle delivers the results of a group to its callers. A row whose connection was
// lost is read again on another one, which is safe for reads.
func (s *reads) settle(group []*read) {
	var back []*read
	for _, r := range group {
		if r.tries++; r.lost && r.tries < maxTries {
			r.lost, r.err = false, errUnfinished
			back = append(back, r)
			continue
		}
		close(r.done)
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.waiting = append(back, s.waiting...)
}

func (s *reads) take() []*read {
	s.mu.Lock()
	defer s.mu.Unlock()
	n := min(len(s.waiting), maxRows)
	group := slices.Clone(s.waiting[:n])
	s.waiting = slices.Delete(s.waiting, 0, n)
	return group
}

func fail(group []*read, err error) {
	for _, r := range group {
		r.err = err
	}
}

// readAll reads a group's rows. It does not watch ctx, which would take longer than the
// read. The connection has a deadline instead.
func readAll(ctx context.Context, conn *pgx.Conn, group []*read) error {
	wire := conn.PgConn().Conn()
	if err := wire.SetDeadline(time.Now().Add(readTimeout)); err != nil {
		return err
	}
	defer func() {
		if !conn.IsClosed() { // the driver closes it after a deadline of its own
			wire.SetDeadline(time.Time{})
		}
		for _, r := range group {
			r.lost = lost(conn, r.err)
		}
	}()
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

// lost reports whether a connection was lost during a read. A read that hung is not
// repeated, since it would take as long again.
func lost(conn *pgx.Conn, err error) bool {
	var hung net.Error
	return err != nil && conn.IsClosed() && !errors.Is(err, sql.ErrNoRows) && !(errors.As(err, &hung) && hung.Timeout())
}

// refused reports whether the database refused a statement, or an earlier one in the
// same round trip. Reading each by itself shows which.
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
