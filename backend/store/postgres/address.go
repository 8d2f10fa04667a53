package postgres

import (
	"errors"
	"fmt"
	"net"
	"strconv"
	"strings"

	"github.com/jackc/pgx/v5"
)

// errAddress is the error for an invalid address. It does not quote the address: the
// driver's own error does, and only removes a password that it recognizes.
var errAddress = errors.New("postgres: the address is invalid: use postgres://USER:PASSWORD@HOST:PORT/DATABASE, " +
	"with %40 for @, %2F for / and %23 for # in the password, and check that the files it names exist")

// parse reads an address.
func parse(address string) (*pgx.ConnConfig, error) {
	config, err := pgx.ParseConfig(address)
	if err != nil || passwordInPath(address) {
		return nil, errAddress
	}
	return config, nil
}

// Describe says which database an address, and the driver's variables of the environment,
// name. It has no password.
func Describe(address string) string {
	config, err := parse(address)
	if err != nil {
		return "unknown"
	}
	where := net.JoinHostPort(config.Host, strconv.Itoa(int(config.Port)))
	if strings.HasPrefix(config.Host, "/") {
		where = "the socket in " + config.Host + ", port " + strconv.Itoa(int(config.Port))
	}
	name := config.Database
	if name == "" {
		name = config.User // PostgreSQL's default
	}
	return fmt.Sprintf("%q at %s, as %q", name, where, config.User)
}

// passwordInPath reports whether an unescaped / or # ends the part of an address before
// its @. The rest would be parsed as the database's name and shown in errors.
func passwordInPath(address string) bool {
	_, rest, _ := strings.Cut(address, "://")
	rest, _, _ = strings.Cut(rest, "?")
	_, path, _ := strings.Cut(rest, "/")
	return strings.Contains(rest, "#") || strings.Contains(path, "@")
}

// withoutPassword returns an error whose text does not contain the password of the
// configuration.
func withoutPassword(err error, c *pgx.ConnConfig) error {
	if err == nil || c.Password == "" || !strings.Contains(err.Error(), c.Password) {
		return err
	}
	return redacted{err, c.Password}
}

// redacted is an error with a password removed from its text.
type redacted struct {
	error
	password string
}

func (r redacted) Error() string { return strings.ReplaceAll(r.error.Error(), r.password, "…") }
func (r redacted) Unwrap() error { return r.error }
