package postgres

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"slices"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"

	"github.com/tabard-auth/tabard/backend/store/migrate"
)

const (
	// retryPause is the pause between two attempts to reach an unavailable database.
	retryPause = 500 * time.Millisecond
	// logInterval is the interval of log records during a wait.
	logInterval = 10 * time.Second
)

// await waits until the database answers, as long as the opening allows. A permanent
// fault, such as a wrong password, is an error at once.
func await(ctx context.Context, db *sql.DB, config *pgx.ConnConfig, opening migrate.Opening) error {
	log := opening.Log
	if log == nil {
		log = slog.New(slog.DiscardHandler)
	}
	began, told := time.Now(), time.Time{}
	for {
		err := db.PingContext(ctx)
		waited := time.Since(began).Round(time.Second)
		switch {
		case err == nil || !isUnavailable(err) || ctx.Err() != nil || opening.Wait == 0:
			return err
		case waited >= opening.Wait:
			return fmt.Errorf("it did not answer within %v: %w", opening.Wait, err)
		case time.Since(told) >= logInterval:
			told = time.Now()
			log.Warn("waiting for the database", "waited", waited.String(), "at_most", opening.Wait.String(), "cause", withoutPassword(err, config).Error())
		}
		select {
		case <-time.After(retryPause):
		case <-ctx.Done():
		}
	}
}

// unavailableStates are the states of a database that starts, stops, or has no free connection.
var unavailableStates = []string{"57P01", "57P02", "57P03", "53300"}

// isUnavailable reports whether a database may answer later.
func isUnavailable(err error) bool {
	var refused *pgconn.PgError
	if errors.As(err, &refused) {
		return slices.Contains(unavailableStates, refused.Code)
	}
	var network net.Error
	return errors.As(err, &network) || errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) || errors.Is(err, context.DeadlineExceeded)
}
