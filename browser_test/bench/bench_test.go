// Package bench measures the server: the cost of a mint, beside the parts that every
// mint needs, measured in the same run.
//
//	go test -run '^$' -bench Mint ./browser_test/bench            the tables
//	go test -run '^$' -bench Mint ./browser_test/bench -args -quick
//	go test -run '^$' -bench Sessions ./browser_test/bench        1,000 against 1,000,000 sessions
//	go test -run '^$' -bench Apply ./browser_test/bench           10,000 organizations, 1,000,000 memberships
//	go test -run '^$' -bench Sizing ./browser_test/bench          each act of a person, and what it takes for many
//	go test -run '^$' -bench Memory -benchtime 2000x ./browser_test/bench   bytes and allocations of a mint
//	go test -run '^$' -bench Handler -cpuprofile cpu.out ./browser_test/bench
//
// The benchmarks print figures for people to read; none fails because it is slow.
package bench

import (
	"flag"
	"fmt"
	"net/url"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/tabard-auth/tabard/backend/store/storetest/pg"
)

var (
	quick = flag.Bool("quick", false, "measure each row once instead of five times")
	only  = flag.String("only", "", "measure only the rows with a database and mint that contain this text, such as \"SQLite device key\"")
)

// requests is how many requests a figure is made of. A row is of the least of so many
// rounds, for other work on the machine disturbs some.
func requests() int { return 2500 }

func rounds() int {
	if *quick {
		return 1
	}
	return 5
}

func TestMain(m *testing.M) {
	if database := os.Getenv(referenceVariable); database != "" {
		if err := serveReference(database); err != nil {
			fmt.Fprintln(os.Stderr, err)
			os.Exit(1)
		}
		return
	}
	os.Exit(m.Run())
}

// kind is one way to mint.
type kind struct {
	name   string
	device bool // a session with a device key
	due    bool // its rotation is due
}

var kinds = []kind{
	{name: "steady"},
	{name: "device key", device: true},
	{name: "rotating", device: true, due: true},
}

var connections = []int{1, 16, 64}

func wanted(database string, k kind) bool { return strings.Contains(database+" "+k.name, *only) }

// database returns an empty one, as --database names it.
func database(b testing.TB, name string) string {
	if name == sqliteName {
		return "sqlite:" + filepath.Join(b.TempDir(), "tabard.db")
	}
	settings := url.Values{}
	for _, setting := range strings.Fields(pg.Durable(b)) {
		key, value, _ := strings.Cut(setting, "=")
		settings.Set(key, value)
	}
	return "postgres:///?" + settings.Encode()
}

const sqliteName, postgresName = "SQLite", "PostgreSQL"

// BenchmarkMint loads the server's POST /token.
func BenchmarkMint(b *testing.B) {
	for _, name := range []string{sqliteName, postgresName} {
		if !slices.ContainsFunc(kinds, func(k kind) bool { return wanted(name, k) }) {
			continue
		}
		address := database(b, name)
		loaded := startServer(b, address)
		loaded.fill(requests() + warmUp)
		loaded.reference = startReference(b, address)
		heading(b, name)
		for _, k := range kinds {
			if !wanted(name, k) {
				continue
			}
			for _, n := range connections {
				loaded.measureRow(k, n)
			}
		}
		fmt.Printf("memory: server %d MB at most, database %d MB\n", loaded.server.peak(), loaded.database.resident())
	}
}

// BenchmarkHandler mints with a device key from a handler in this process, for
// profiles.
func BenchmarkHandler(b *testing.B) {
	for _, name := range []string{sqliteName, postgresName} {
		b.Run(name, func(b *testing.B) {
			loaded, _ := startHandler(b, database(b, name))
			loaded.fill(requests() + warmUp)
			k := kinds[1]
			loaded.prepare(k)
			for b.Loop() {
				b.StopTimer()
				all := loaded.tokenRequests(k)
				b.StartTimer()
				loaded.load(all, 16)
			}
		})
	}
}

// BenchmarkSessions mints with few and with many sessions in the store.
func BenchmarkSessions(b *testing.B) {
	for _, name := range []string{sqliteName, postgresName} {
		loaded := startServer(b, database(b, name))
		var few time.Duration
		for _, n := range []int{1000, 999_000} {
			loaded.fill(n)
			loaded.prepare(kinds[1])
			r := loaded.load(loaded.tokenRequests(kinds[1]), 1)
			if few == 0 {
				few = r.p50
			}
			fmt.Printf("%-10s %7d sessions more: p50 %.3f ms, %.2f times that of the first\n",
				name, n, milli(r.p50), float64(r.p50)/float64(few))
		}
	}
}
