package postgres

import (
	"context"
	"database/sql"
	"fmt"
	"net"
	"strings"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
	"github.com/jackc/pgx/v5/stdlib"

	"github.com/tabard-auth/tabard/backend/store/inspect"
	"github.com/tabard-auth/tabard/backend/store/sqlstore"
)

// Inspect examines the database at address without changing it.
func Inspect(ctx context.Context, address string) (*inspect.Database, error) {
	config, err := parse(address)
	if err != nil {
		return nil, err
	}
	if _, err := takePool(config); err != nil {
		return nil, err
	}
	open := func() *sql.DB { return stdlib.OpenDB(*config) }
	db := open()
	pooler, err := pooled(ctx, db)
	if err == nil {
		db, err = withoutNames(ctx, db, address, config, open)
	}
	if err != nil {
		db.Close()
		return nil, fmt.Errorf("postgres: %w", explain(err, address, config))
	}
	notOff := func(v string) bool { return v != "off" }
	found, err := inspect.Look(ctx, db, inspect.Queries{
		Dialect: sqlstore.Postgres,
		Durability: []inspect.Question{
			{Name: "synchronous_commit", Query: "SHOW synchronous_commit", Durable: notOff},
			{Name: "fsync", Query: "SHOW fsync", Durable: notOff},
			{Name: "full_page_writes", Query: "SHOW full_page_writes", Durable: notOff},
		},
		Clock: "SELECT extract(epoch FROM clock_timestamp())::float8",
	})
	if err != nil {
		db.Close()
		return nil, fmt.Errorf("postgres: %w", explain(err, address, config))
	}
	found.Exposed, found.Holding = exposure(config), holding(ctx, db, usual)
	found.Pooler, found.Named = pooler, pooler && namesStatements(config)
	return found, nil
}

// exposure returns what the connections of a configuration lack.
func exposure(c *pgx.ConnConfig) (found inspect.Exposure) {
	targets := []*pgconn.FallbackConfig{{Host: c.Host, TLSConfig: c.TLSConfig}}
	for _, t := range append(targets, c.Fallbacks...) {
		ip := net.ParseIP(t.Host)
		switch local := strings.HasPrefix(t.Host, "/") || t.Host == "localhost" || ip != nil && ip.IsLoopback(); {
		case local:
		case t.TLSConfig == nil:
			return inspect.Unencrypted
		case t.TLSConfig.InsecureSkipVerify && t.TLSConfig.VerifyPeerCertificate == nil:
			found = inspect.Unverified
		}
	}
	return found
}

// namesStatements reports whether statements are prepared under names, which is what pgx
// does unless it is told otherwise.
func namesStatements(config *pgx.ConnConfig) bool {
	return config.DefaultQueryExecMode == pgx.QueryExecModeCacheStatement
}
