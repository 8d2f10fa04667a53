package postgres

import (
	"context"
	"database/sql"
	"sync/atomic"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/stdlib"
)

const (
	// pingTimeout is how long a connection has to answer before it is used again.
	// Without it, a host that is gone would block until TCP gives up.
	pingTimeout = 2 * time.Second
	// trusted is how long after its last use a connection is assumed to be alive.
	trusted = time.Second
)

// liveness decides whether idle connections are still usable. The zero value has seen
// no lost connection.
type liveness struct{ lost atomic.Int64 }

// markLost records that a connection was lost: the others may be lost too.
func (l *liveness) markLost() { l.lost.Store(time.Now().UnixNano()) }

// suspects reports whether a connection must not be used again. The driver detects a
// closed connection itself. It is for stdlib.OptionShouldPing.
func (l *liveness) suspects(ctx context.Context, p stdlib.ShouldPingParams) bool {
	used := time.Now().Add(-p.IdleDuration)
	if p.IdleDuration <= trusted && used.UnixNano() > l.lost.Load() {
		return false
	}
	return !l.alive(ctx, p.Conn)
}

// answers reports whether a connection is alive.
func (l *liveness) answers(ctx context.Context, conn *sql.Conn) bool {
	alive := false
	err := conn.Raw(func(driver any) error {
		alive = l.alive(ctx, driver.(*stdlib.Conn).Conn())
		return nil
	})
	return err == nil && alive
}

// alive pings. Without an answer, that closes the connection.
func (l *liveness) alive(ctx context.Context, conn *pgx.Conn) bool {
	ctx, cancel := context.WithTimeout(ctx, pingTimeout)
	defer cancel()
	err := conn.PgConn().Ping(ctx)
	if err != nil {
		l.markLost()
	}
	return err == nil
}
