package postgres

import (
	"errors"
	"fmt"
	"net/url"
	"os"
	"path/filepath"
	"strings"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"

	"github.com/tabard-auth/tabard/backend/owner"
)

// badPassword is PostgreSQL's code for one that is wrong or missing.
const badPassword = "28P01"

// explain returns an error that has no password in its text, and says what a password file
// lacks if there was no password.
func explain(err error, address string, config *pgx.ConnConfig) error {
	var refused *pgconn.PgError
	if config.Password != "" || !errors.As(err, &refused) || refused.Code != badPassword {
		return withoutPassword(err, config)
	}
	file := passFile(address)
	if file == "" {
		return fmt.Errorf("%w; there is no password in the address, and neither PGPASSFILE nor passfile= names a file with one", err)
	}
	if _, failed := os.ReadFile(file); failed != nil {
		return fmt.Errorf("%w; the password file %s cannot be used: %s", err, file, owner.Unreadable(failed, file))
	}
	return fmt.Errorf("%w; the password file %s has no line for %s, such as %[3]s:PASSWORD", err, file, passLine(config))
}

// passFile returns the path of the file in which the driver looks for a password, or "".
func passFile(address string) string {
	if u, err := url.Parse(address); err == nil && u.Query().Get("passfile") != "" {
		return u.Query().Get("passfile")
	}
	return os.Getenv("PGPASSFILE")
}

// passLine returns what the line of a password file begins with.
func passLine(c *pgx.ConnConfig) string {
	host := c.Host
	if filepath.IsAbs(host) {
		host = "localhost" // for every socket
	}
	return strings.Join([]string{host, fmt.Sprint(c.Port), c.Database, c.User}, ":")
}
