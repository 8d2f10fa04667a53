package postgres

import (
	"database/sql"
	"fmt"
	"runtime"
	"strconv"
	"time"

	"github.com/jackc/pgx/v5"
)

// pool is how many connections there are, and for how long. An address may say so by the
// settings that pgxpool has.
type pool struct {
	most     int
	lifetime time.Duration // 0 is without end
	idle     time.Duration
}

// minConnections leaves one to those who read and one to those who write.
const minConnections = 2

// takePool takes the settings of the pool out of a configuration: the database, which all
// others are sent to, has none of them.
func takePool(config *pgx.ConnConfig) (p pool, err error) {
	p = pool{most: perProcessor * runtime.GOMAXPROCS(0), idle: connectionIdle}
	take := func(name string, read func(string) error) {
		text, given := config.RuntimeParams[name]
		delete(config.RuntimeParams, name)
		if given && err == nil && read(text) != nil {
			err = fmt.Errorf("postgres: the address has %[1]s=%[2]q; write it as in pool_max_conns=20 (at least %[3]d), "+
				"pool_max_conn_lifetime=1h or pool_max_conn_idle_time=5m", name, text, minConnections)
		}
	}
	take("pool_max_conns", func(text string) (err error) {
		if p.most, err = strconv.Atoi(text); err == nil && p.most < minConnections {
			err = strconv.ErrRange
		}
		return err
	})
	duration := func(into *time.Duration) func(string) error {
		return func(text string) (err error) {
			if *into, err = time.ParseDuration(text); err == nil && *into <= 0 {
				err = strconv.ErrRange
			}
			return err
		}
	}
	take("pool_max_conn_lifetime", duration(&p.lifetime))
	take("pool_max_conn_idle_time", duration(&p.idle))
	return p, err
}

// apply makes a database keep to the pool.
func (p pool) apply(db *sql.DB) {
	db.SetMaxOpenConns(p.most)
	db.SetMaxIdleConns(p.most)
	db.SetConnMaxLifetime(p.lifetime)
	db.SetConnMaxIdleTime(p.idle)
}
