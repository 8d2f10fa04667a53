package postgres

import (
	"runtime"
	"testing"
	"time"

	"github.com/tabard-auth/tabard/backend/store/storetest/pg"
)

func TestPool_OfTheAddress(t *testing.T) {
	usual := pool{4 * runtime.GOMAXPROCS(0), 0, 5 * time.Minute}
	for query, want := range map[string]pool{
		"":                 usual,
		"?sslmode=disable": usual,
		"?pool_max_conns=7&pool_max_conn_lifetime=1h&pool_max_conn_idle_time=90s": {7, time.Hour, 90 * time.Second},
	} {
		config, err := parse("postgres://tabard:pw@localhost/tabard" + query)
		if err != nil {
			t.Fatal(err)
		}
		got, err := takePool(config)
		if err != nil || got != want {
			t.Errorf("%q: %+v, %v", query, got, err)
		}
		for name := range config.RuntimeParams {
			if name[:4] == "pool" {
				t.Errorf("%q: the database is sent %s", query, name)
			}
		}
	}
	for _, wrong := range []string{"pool_max_conns=1", "pool_max_conns=many", "pool_max_conn_lifetime=1", "pool_max_conn_idle_time=-1s"} {
		config, err := parse("postgres://tabard:pw@localhost/tabard?" + wrong)
		if err != nil {
			t.Fatal(err)
		}
		if got, err := takePool(config); err == nil {
			t.Errorf("%s: %+v", wrong, got)
		}
	}
}

// The database itself is sent no setting of the pool, which it would refuse.
func TestPool_OpensAndInspects(t *testing.T) {
	dsn := pg.Postgres(t) + " pool_max_conns=2 pool_max_conn_lifetime=1h"
	store, err := Open(t.Context(), dsn)
	if err != nil {
		t.Fatal(err)
	}
	defer store.Close()
	if err := store.Ping(t.Context()); err != nil {
		t.Error(err)
	}
	if _, err := Inspect(t.Context(), dsn); err != nil {
		t.Error(err)
	}
}
