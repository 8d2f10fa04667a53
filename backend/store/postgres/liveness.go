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
	// pingTimeout is how long a connection has to answer before it is used again. A host
	// that is gone says nothing, for as long as TCP has patience.
	pingTimeout = 2 * time.Second
	// trusted is how long a connection is taken to live since it was used.
	trusted = time.Second
)

// liveness judges connections that were idle. The zero value knows of none that was lost.
type liveness struct{ lost atomic.Int64 }

// lose notes that a connection was lost: the others may be, too.
func (l *liveness) lose() { l.lost.Store(time.Now().UnixNano()) }

// doubts tells that a connection is not to be used again; the driver finds so itself
// where it is closed. For stdlib.OptionShouldPing.
func (l *liveness) doubts(ctx context.Context, p stdlib.ShouldPingParams) bool {
	used := time.Now().Add(-p.IdleDuration)
	if p.IdleDuration <= trusted && used.UnixNano() > l.lost.Load() {
		return false
	}
	return !l.alive(ctx, p.Conn)
}

// answers tells that a connection lives.
func (l *liveness) answers(ctx context.Context, conn *sql.Conn) bool {
	alive := false
	err := conn.Raw(func(driver any) error {
		alive = l.alive(ctx, driver.(*stdlib.Conn).Conn())
		return nil
	})
	return err == nil && alive
}

// alive pings. Where no answer comes, that closes the connection.
func (l *liveness) alive(ctx context.Context, conn *pgx.Conn) bool {
	ctx, cancel := context.WithTimeout(ctx, pingTimeout)
	defer cancel()
	err := conn.PgConn().Ping(ctx)
	if err != nil {
		l.lose()
	}
	return err == nil
}
