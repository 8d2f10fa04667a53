package bench

import (
	"fmt"
	"net/http"
	"strings"
	"sync"
	"testing"

	"github.com/tabard-auth/tabard/backend/session"
	"github.com/tabard-auth/tabard/browser_test/kit/httpbrowser"
)

// atOnce is how many people act at once.
const atOnce = 8

// sizing is people who do one thing after the other, all the same.
type sizing struct {
	*loadedServer
	people []*httpbrowser.Browser
	costs  map[string]cost    // of the acts
	bytes  map[string]float64 // of a row, by table
	// counted is how many transactions of an act write.
	counted map[string]float64
}

// cost is what an act costs.
type cost struct{ server, database, writes, events, written float64 }

// BenchmarkSizing prints what each act of a person costs: CPU of server and database,
// transactions that write, and bytes that are written; then the bytes of each row with its
// indexes. backend/deploy/SIZING.md says what follows.
func BenchmarkSizing(b *testing.B) {
	n := 1000
	if *quick {
		n = 200
	}
	writes := map[string]float64{} // both databases get the same statements, and PostgreSQL counts
	for _, name := range []string{postgresName, sqliteName} {
		if !strings.Contains(name, *only) {
			continue
		}
		s := &sizing{loadedServer: startServer(b, database(b, name)), costs: map[string]cost{}, bytes: map[string]float64{}, counted: writes}
		transport := &http.Transport{MaxIdleConnsPerHost: atOnce} // as a proxy keeps connections
		for range n + 2*atOnce {                                  // the first ones do not count
			p := httpbrowser.New(b, s.Origin, s.PublicURL).On(httpbrowser.NewDevice(b))
			p.Transport = transport
			s.people = append(s.people, p)
		}
		fmt.Printf("\n%s; of %d people, %d at once: CPU in µs, transactions that write, audit events, and bytes written, each\n", name, n, atOnce)
		fmt.Println("act                      server  database   writes   events     bytes")
		s.act("sign-in", func(p *httpbrowser.Browser) { p.SignIn("alice") })
		s.act("enter", s.token(`{"organization":"acme","enter":true}`))
		s.act("enter", s.token(`{"organization":"globex","enter":true}`))
		s.act("switch", s.token(`{"organization":"acme","enter":true}`))
		s.later(session.LimitsFor(true).G + session.LimitsFor(true).W + 1)
		s.act("renew, the first time", s.token(`{"organization":"acme"}`)) // the last use that is written until the rotation
		s.act("renew", s.token(`{"organization":"acme"}`))
		s.later(session.LimitsFor(true).R)
		s.act("renew, rotation due", s.token(`{"organization":"acme"}`))
		s.act("renew, rotated", s.token(`{"organization":"acme"}`))
		s.act("list", func(p *httpbrowser.Browser) { s.answered(p.Get("/session")) })
		s.act("sign-out", func(p *httpbrowser.Browser) { s.answered(p.Post("/logout", `{"scope":"session"}`)) })
		s.rows()
		fmt.Printf("memory: server %d MB at most\n", s.server.peak())
		for _, people := range []float64{1_000, 100_000, 1_000_000} {
			s.size(people)
		}
	}
}

func (s *sizing) token(body string) func(*httpbrowser.Browser) {
	return func(p *httpbrowser.Browser) { s.answered(p.Post("/token", body)) }
}

func (s *sizing) answered(got httpbrowser.Response) {
	if got.Status != http.StatusOK {
		s.b.Errorf("%d %s", got.Status, got.Body)
	}
}

// act has everybody do something and prints its cost.
func (s *sizing) act(name string, do func(*httpbrowser.Browser)) {
	together(s.people[:2*atOnce], do)
	people := s.people[2*atOnce:]
	const events = "SELECT COUNT(*) FROM audit"
	before, writes, written := s.number(events), s.writes(), s.written()
	server, db := s.server.cpu(), s.database.cpu()
	together(people, do)
	server, db = s.server.cpu()-server, s.database.cpu()-db
	n := float64(len(people))
	c := cost{micro(server) / n, micro(db) / n, (s.writes() - writes - 1) / n, (s.number(events) - before) / n, (s.written() - written) / n}
	if s.postgres {
		s.counted[name] = c.writes
	} else {
		c.writes = s.counted[name]
	}
	s.costs[name] = c // of two acts with one name the last
	fmt.Printf("%-22s %8.0f %9.0f %8.2f %8.2f %9.0f\n", name, c.server, c.database, c.writes, c.events, c.written)
}

// together has people act, some at once.
func together(people []*httpbrowser.Browser, do func(*httpbrowser.Browser)) {
	next := make(chan *httpbrowser.Browser)
	var group sync.WaitGroup
	for range atOnce {
		group.Go(func() {
			for p := range next {
				do(p)
			}
		})
	}
	for _, p := range people {
		next <- p
	}
	close(next)
	group.Wait()
}

// later moves what the database knows of rotations into the past.
func (s *sizing) later(seconds int64) {
	s.exec(fmt.Sprintf("UPDATE sessions SET created_at = created_at - %[1]d, cur_at = cur_at - %[1]d, cur_last = cur_last - %[1]d", seconds))
}

// writes is how many transactions have written, as PostgreSQL counts them.
func (s *sizing) writes() float64 {
	if !s.postgres {
		return 0
	}
	return s.number("SELECT CAST(CAST(pg_current_xact_id() AS TEXT) AS BIGINT)")
}

// written is how many bytes were written: to PostgreSQL's log, or to SQLite's files.
func (s *sizing) written() float64 {
	if !s.postgres {
		return float64(s.server.read("io", "write_bytes:"))
	}
	return s.number("SELECT CAST(pg_current_wal_insert_lsn() - '0/0'::pg_lsn AS BIGINT)")
}

func (s *sizing) number(query string) (n float64) {
	s.b.Helper()
	s.check(s.db.QueryRow(query).Scan(&n))
	return n
}

// copies is how many rows a row's size is taken of.
const copies = 100_000

// rows prints the bytes of a row of each table that grows, with its indexes.
func (s *sizing) rows() {
	s.fill(copies)
	id := "lower(hex(randomblob(13)))"
	if s.postgres {
		id = "substr(md5(random()::text || i), 1, 26)"
	}
	own := strings.Join(s.columns("audit", "id"), ", ")
	s.exec(fmt.Sprintf(`INSERT INTO audit (id, %[1]s) WITH RECURSIVE n (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < %[2]d)
		SELECT 'evt_' || %[3]s, %[1]s FROM n, (SELECT * FROM audit WHERE action = 'sign_in' LIMIT 1) model`, own, copies, id))
	if s.postgres {
		s.exec("ANALYZE")
	}
	for _, table := range []string{"sessions", "organization_sessions", "audit"} {
		size := "SELECT SUM(pgsize) FROM dbstat WHERE name IN (SELECT name FROM sqlite_schema WHERE tbl_name = '" + table + "')"
		if s.postgres {
			size = "SELECT pg_total_relation_size('" + table + "')"
		}
		s.bytes[table] = s.number(size) / s.number("SELECT COUNT(*) FROM "+table)
		fmt.Printf("%-22s %5.0f bytes a row\n", table, s.bytes[table])
	}
}

// day is how often a person with an app open for eight hours does something. Renewals are
// those of the tabs of a browser together (BENCHMARKS.md).
var day = []struct {
	act     string
	times   float64
	morning bool // in one hour of the day
}{
	{"sign-in", 1, true}, {"enter", 2, true}, {"list", 1, true}, {"switch", 10, false},
	{"renew", 8*16 - 24, false}, {"renew, the first time", 8, false}, {"renew, rotation due", 8, false}, {"renew, rotated", 8, false}, {"sign-out", 1, false},
}

const (
	hours = 8   // of work
	burst = 2   // the busiest minute's requests, by the average of the hour
	busy  = 0.5 // of a processor, at most
)

// size prints what so many people a day need.
func (s *sizing) size(people float64) {
	var peak, whole cost
	var requests float64
	for _, d := range day {
		c := s.costs[d.act]
		rate := people * d.times / 3600 * burst
		if !d.morning {
			rate /= hours
		}
		requests += rate
		peak.server, peak.database, peak.writes = peak.server+rate*c.server, peak.database+rate*c.database, peak.writes+rate*c.writes
		whole.events, whole.written, whole.writes = whole.events+d.times*c.events, whole.written+d.times*c.written, whole.writes+d.times*c.writes
	}
	const gigabyte = 1 << 30
	fmt.Printf("%9.0f people a day: %.0f requests a second in the busiest minute, processors %.2f server, %.2f database, %.1f writes a second; "+
		"%.2f GB written a day; rows: sessions %.0f (%.3f GB with what belongs to them), events %.0f a day (%.2f GB a year)\n",
		people, requests, peak.server/1e6/busy, peak.database/1e6/busy, peak.writes, people*whole.written/gigabyte,
		2*people, 2*people*(s.bytes["sessions"]+2*s.bytes["organization_sessions"])/gigabyte, people*whole.events, 365*people*whole.events*s.bytes["audit"]/gigabyte)
}
