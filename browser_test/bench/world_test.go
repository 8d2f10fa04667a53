package bench

import (
	"bytes"
	"context"
	"database/sql"
	"fmt"
	"net/http"
	"net/url"
	"os"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/tabard-auth/tabard/backend/session"
	"github.com/tabard-auth/tabard/backend/signingkey"
	"github.com/tabard-auth/tabard/backend/store/postgres"
	"github.com/tabard-auth/tabard/backend/store/sqlite"
	"github.com/tabard-auth/tabard/backend/store/sqlstore"
	"github.com/tabard-auth/tabard/browser_test/contract"
	"github.com/tabard-auth/tabard/browser_test/kit/httpbrowser"
)

// warmUp is how many requests a load begins with that do not count.
const warmUp = 300

// world is a server under load, its database, and sessions: copies of one that a
// person signed in to and entered an organization with.
type world struct {
	b testing.TB
	contract.Target
	secret           signingkey.Secret
	server, database processes
	reference        reference
	store            *sqlstore.Store
	db               *sql.DB
	postgres         bool

	device *httpbrowser.Device
	model  session.Session
	cookie string // the model's, by name
	ids    []string
}

func startServer(b testing.TB, database string) *world {
	s := contract.StartServerOn(b, database)
	w := newWorld(b, s.Target, s.Secret, database)
	w.server = processes{id: s.PID()}
	return w
}

// newWorld signs in to the backend of a target and gives it an end.
func newWorld(b testing.TB, target contract.Target, secret signingkey.Secret, database string) *world {
	w := &world{b: b, Target: target, secret: secret, device: httpbrowser.NewDevice(b)}
	w.open(database)
	browser := httpbrowser.New(b, target.Origin, target.PublicURL).On(w.device)
	browser.SignIn("alice")
	if answer := browser.Post("/token", `{"organization":"acme","enter":true}`); answer.Status != http.StatusOK {
		b.Fatalf("no token: %d %s", answer.Status, answer.Body)
	}
	for name, value := range browser.Cookies() {
		if unverified, err := session.ParseToken(value); err == nil {
			w.cookie = name
			w.model, err = w.store.Session(b.Context(), unverified.Session())
			w.check(err)
		}
	}
	return w
}

func (w *world) open(database string) {
	var err error
	w.postgres = !strings.HasPrefix(database, "sqlite:")
	w.store, err = openStore(w.b.Context(), database)
	w.check(err)
	w.db, err = openDatabase(database)
	w.check(err)
	w.b.Cleanup(func() {
		w.db.Close()
		w.store.Close()
	})
	if w.postgres {
		w.database = processes{id: w.postmaster(), family: true}
	}
}

func openStore(ctx context.Context, database string) (*sqlstore.Store, error) {
	if path, embedded := strings.CutPrefix(database, "sqlite:"); embedded {
		return sqlite.Open(ctx, path)
	}
	return postgres.Open(ctx, database)
}

// postmaster is the id of the database's first process.
func (w *world) postmaster() int {
	var directory string
	w.check(w.db.QueryRow("SHOW data_directory").Scan(&directory))
	text, err := os.ReadFile(directory + "/postmaster.pid")
	w.check(err)
	first, _, _ := strings.Cut(string(text), "\n")
	return number(first)
}

func (w *world) check(err error) {
	if err != nil {
		w.b.Helper()
		w.b.Fatal(err)
	}
}

func (w *world) exec(statement string) {
	w.b.Helper()
	_, err := w.db.Exec(statement)
	w.check(err)
}

// columns are a table's columns, without those named.
func (w *world) columns(table string, without ...string) []string {
	all, err := columnsOf(w.db, table)
	w.check(err)
	return slices.DeleteFunc(all, func(c string) bool { return slices.Contains(without, c) })
}

// fill makes n copies of the model, and takes a random sample of all sessions, for as
// many requests as a figure is made of.
func (w *world) fill(n int) {
	// 26 characters of lower-case base32; the last holds three bits.
	random := "lower(hex(randomblob(13)))"
	if w.postgres {
		random = "md5(random()::text || i)"
	}
	id := fmt.Sprintf("'ses_' || substr(%s, 1, 25) || 'a'", random)
	for _, digits := range []string{"0g", "1h", "8i", "9j"} {
		id = fmt.Sprintf("replace(%s, '%c', '%c')", id, digits[0], digits[1])
	}
	own := strings.Join(w.columns("sessions", "id", "attempt"), ", ")
	w.exec(fmt.Sprintf(`INSERT INTO sessions (id, attempt, %[1]s)
		WITH RECURSIVE n (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < %[2]d), ids AS (SELECT %[3]s AS new FROM n)
		SELECT new, new, %[1]s FROM ids, sessions WHERE id = '%[4]s'`, own, n, id, w.model.ID))
	theirs := strings.Join(w.columns("organization_sessions", "session_id"), ", ")
	w.exec(fmt.Sprintf(`INSERT INTO organization_sessions (session_id, %[1]s)
		SELECT id, %[1]s FROM (SELECT id FROM sessions WHERE id NOT IN (SELECT session_id FROM organization_sessions)) new,
			(SELECT %[1]s FROM organization_sessions WHERE session_id = '%[2]s') model`, theirs, w.model.ID))
	if w.postgres { // as its autovacuum does
		w.exec("ANALYZE")
	}
	var err error
	w.ids, err = sessionIDs(w.db, w.model.ID.String(), requests()+warmUp)
	w.check(err)
}

// prepare brings the sample's sessions into the state of a kind.
func (w *world) prepare(k kind) {
	jkt, now := "", time.Now().Unix()
	if k.device {
		jkt = w.device.Thumbprint()
	}
	limits := session.LimitsFor(k.device)
	first := now - limits.G - limits.W - 1 // too late for a rollback: no write until the next rotation
	if k.due {
		first = now - limits.R
	}
	w.exec(fmt.Sprintf("UPDATE sessions SET created_at = %d, jkt = '%s', cur_at = %d, cur_last = %d WHERE id IN ('%s')",
		first, jkt, first, max(now-limits.R/2, first+limits.G+limits.W+1), strings.Join(w.ids, "', '")))
	if !w.postgres {
		w.exec("PRAGMA wal_checkpoint(TRUNCATE)")
	}
}

// tokenRequests are requests for tokens, a session's each, as they go over the wire.
func (w *world) tokenRequests(k kind) [][]byte {
	ring, err := session.NewMACKeys(w.secret.Derive(signingkey.ForRefreshTokens)...)
	w.check(err)
	all := make([][]byte, len(w.ids))
	for i, id := range w.ids {
		all[i] = w.tokenRequest(k, ring, id)
	}
	return all
}

func (w *world) tokenRequest(k kind, ring *session.MACKeys, text string) []byte {
	id, err := session.ParseID(text)
	w.check(err)
	token := session.Token{Session: id, Gen: w.model.Gen, ID: w.model.Cur, IssuedAt: w.model.CreatedAt}
	ending := len(w.cookie) - strings.LastIndexByte(w.cookie, '.') - 1
	name := w.cookie[:len(w.cookie)-ending] + strings.TrimPrefix(text, "ses_")[:ending]

	address := w.PublicURL + "/token"
	r, err := http.NewRequestWithContext(context.Background(), http.MethodPost, address, strings.NewReader(`{"organization":"acme"}`))
	w.check(err)
	for _, h := range [][2]string{
		{"User-Agent", "bench"}, {"Accept", "*/*"}, {"Content-Type", "application/json"}, {"Tabard-Client", "bench"},
		{"Origin", w.Origin}, {"Sec-Fetch-Site", "same-origin"}, {"Sec-Fetch-Mode", "cors"}, {"Sec-Fetch-Dest", "empty"},
		{"Cookie", name + "=" + ring.Sign(token, w.model.Secret)},
	} {
		r.Header.Set(h[0], h[1])
	}
	if k.device {
		r.Header.Set("DPoP", w.device.Proof(w.b, r.Method, address, time.Now()))
	}
	var wire bytes.Buffer
	w.check(r.Write(&wire))
	return wire.Bytes()
}

// load sends requests, after some that do not count.
func (w *world) load(requests [][]byte, connections int) result {
	at, err := url.Parse(w.PublicURL)
	w.check(err)
	if len(requests) > warmUp {
		_, _, err = send(at.Host, requests[:warmUp], connections)
		w.check(err)
		requests = requests[warmUp:]
	}
	server, database := w.server.cpu(), w.database.cpu()
	wall, took, err := send(at.Host, requests, connections)
	w.check(err)
	n := len(requests)
	return result{
		perSecond: float64(n) / wall.Seconds(), p50: took[n/2], p99: took[n*99/100],
		server: (w.server.cpu() - server) / time.Duration(n), database: (w.database.cpu() - database) / time.Duration(n),
	}
}
