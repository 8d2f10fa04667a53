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

// loadedServer is a server under load, its database, and sessions: copies of one that a
// person signed in to and entered an organization with.
type loadedServer struct {
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

func startServer(b testing.TB, database string) *loadedServer {
	s := contract.StartServerOn(b, database)
	loaded := newLoadedServer(b, s.Target, s.Secret, database)
	loaded.server = processes{id: s.PID()}
	return loaded
}

// newLoadedServer signs in to the backend of a target and gives it an end.
func newLoadedServer(b testing.TB, target contract.Target, secret signingkey.Secret, database string) *loadedServer {
	loaded := &loadedServer{b: b, Target: target, secret: secret, device: httpbrowser.NewDevice(b)}
	loaded.open(database)
	browser := httpbrowser.New(b, target.Origin, target.PublicURL).On(loaded.device)
	browser.SignIn("alice")
	if answer := browser.Post("/token", `{"organization":"acme","enter":true}`); answer.Status != http.StatusOK {
		b.Fatalf("no token: %d %s", answer.Status, answer.Body)
	}
	for name, value := range browser.Cookies() {
		if unverified, err := session.ParseToken(value); err == nil {
			loaded.cookie = name
			loaded.model, err = loaded.store.Session(b.Context(), unverified.Session())
			loaded.check(err)
		}
	}
	return loaded
}

func (loaded *loadedServer) open(database string) {
	var err error
	loaded.postgres = !strings.HasPrefix(database, "sqlite:")
	loaded.store, err = openStore(loaded.b.Context(), database)
	loaded.check(err)
	loaded.db, err = openDatabase(database)
	loaded.check(err)
	loaded.b.Cleanup(func() {
		loaded.db.Close()
		loaded.store.Close()
	})
	if loaded.postgres {
		loaded.database = processes{id: loaded.postmaster(), family: true}
	}
}

func openStore(ctx context.Context, database string) (*sqlstore.Store, error) {
	if path, embedded := strings.CutPrefix(database, "sqlite:"); embedded {
		return sqlite.Open(ctx, path)
	}
	return postgres.Open(ctx, database)
}

// postmaster is the id of the database's first process.
func (loaded *loadedServer) postmaster() int {
	var directory string
	loaded.check(loaded.db.QueryRow("SHOW data_directory").Scan(&directory))
	text, err := os.ReadFile(directory + "/postmaster.pid")
	loaded.check(err)
	first, _, _ := strings.Cut(string(text), "\n")
	return number(first)
}

func (loaded *loadedServer) check(err error) {
	if err != nil {
		loaded.b.Helper()
		loaded.b.Fatal(err)
	}
}

func (loaded *loadedServer) exec(statement string) {
	loaded.b.Helper()
	_, err := loaded.db.Exec(statement)
	loaded.check(err)
}

// columns are a table's columns, without those named.
func (loaded *loadedServer) columns(table string, without ...string) []string {
	all, err := columnsOf(loaded.db, table)
	loaded.check(err)
	return slices.DeleteFunc(all, func(c string) bool { return slices.Contains(without, c) })
}

// fill makes n copies of the model, and takes a random sample of all sessions, for as
// many requests as a figure is made of.
func (loaded *loadedServer) fill(n int) {
	// 26 characters of lower-case base32; the last holds three bits.
	random := "lower(hex(randomblob(13)))"
	if loaded.postgres {
		random = "md5(random()::text || i)"
	}
	id := fmt.Sprintf("'ses_' || substr(%s, 1, 25) || 'a'", random)
	for _, digits := range []string{"0g", "1h", "8i", "9j"} {
		id = fmt.Sprintf("replace(%s, '%c', '%c')", id, digits[0], digits[1])
	}
	own := strings.Join(loaded.columns("sessions", "id", "attempt"), ", ")
	loaded.exec(fmt.Sprintf(`INSERT INTO sessions (id, attempt, %[1]s)
		WITH RECURSIVE n (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < %[2]d), ids AS (SELECT %[3]s AS new FROM n)
		SELECT new, new, %[1]s FROM ids, sessions WHERE id = '%[4]s'`, own, n, id, loaded.model.ID))
	theirs := strings.Join(loaded.columns("organization_sessions", "session_id"), ", ")
	loaded.exec(fmt.Sprintf(`INSERT INTO organization_sessions (session_id, %[1]s)
		SELECT id, %[1]s FROM (SELECT id FROM sessions WHERE id NOT IN (SELECT session_id FROM organization_sessions)) new,
			(SELECT %[1]s FROM organization_sessions WHERE session_id = '%[2]s') model`, theirs, loaded.model.ID))
	if loaded.postgres { // as its autovacuum does
		loaded.exec("ANALYZE")
	}
	var err error
	loaded.ids, err = sessionIDs(loaded.db, loaded.model.ID.String(), requests()+warmUp)
	loaded.check(err)
}

// prepare brings the sample's sessions into the state of a kind.
func (loaded *loadedServer) prepare(k kind) {
	jkt, now := "", time.Now().Unix()
	if k.device {
		jkt = loaded.device.Thumbprint()
	}
	limits := session.LimitsFor(k.device)
	first := now - limits.G - limits.W - 1 // too late for a rollback: no write until the next rotation
	if k.due {
		first = now - limits.R
	}
	loaded.exec(fmt.Sprintf("UPDATE sessions SET created_at = %d, jkt = '%s', cur_at = %d, cur_last = %d WHERE id IN ('%s')",
		first, jkt, first, max(now-limits.R/2, first+limits.G+limits.W+1), strings.Join(loaded.ids, "', '")))
	if !loaded.postgres {
		loaded.exec("PRAGMA wal_checkpoint(TRUNCATE)")
	}
}

// tokenRequests are requests for tokens, a session's each, as they go over the wire.
func (loaded *loadedServer) tokenRequests(k kind) [][]byte {
	ring, err := session.NewMACKeys(loaded.secret.Derive(signingkey.ForRefreshTokens)...)
	loaded.check(err)
	all := make([][]byte, len(loaded.ids))
	for i, id := range loaded.ids {
		all[i] = loaded.tokenRequest(k, ring, id)
	}
	return all
}

func (loaded *loadedServer) tokenRequest(k kind, ring *session.MACKeys, text string) []byte {
	id, err := session.ParseID(text)
	loaded.check(err)
	token := session.Token{Session: id, Gen: loaded.model.Gen, ID: loaded.model.Cur, IssuedAt: loaded.model.CreatedAt}
	ending := len(loaded.cookie) - strings.LastIndexByte(loaded.cookie, '.') - 1
	name := loaded.cookie[:len(loaded.cookie)-ending] + strings.TrimPrefix(text, "ses_")[:ending]

	address := loaded.PublicURL + "/token"
	r, err := http.NewRequestWithContext(context.Background(), http.MethodPost, address, strings.NewReader(`{"organization":"acme"}`))
	loaded.check(err)
	for _, h := range [][2]string{
		{"User-Agent", "bench"}, {"Accept", "*/*"}, {"Content-Type", "application/json"}, {"Tabard-Client", "bench"},
		{"Origin", loaded.Origin}, {"Sec-Fetch-Site", "same-origin"}, {"Sec-Fetch-Mode", "cors"}, {"Sec-Fetch-Dest", "empty"},
		{"Cookie", name + "=" + ring.Sign(token, loaded.model.Secret)},
	} {
		r.Header.Set(h[0], h[1])
	}
	if k.device {
		r.Header.Set("DPoP", loaded.device.Proof(loaded.b, r.Method, address, time.Now()))
	}
	var wire bytes.Buffer
	loaded.check(r.Write(&wire))
	return wire.Bytes()
}

// load sends requests, after some that do not count.
func (loaded *loadedServer) load(requests [][]byte, connections int) result {
	at, err := url.Parse(loaded.PublicURL)
	loaded.check(err)
	if len(requests) > warmUp {
		_, _, err = send(at.Host, requests[:warmUp], connections)
		loaded.check(err)
		requests = requests[warmUp:]
	}
	server, database := loaded.server.cpu(), loaded.database.cpu()
	wall, took, err := send(at.Host, requests, connections)
	loaded.check(err)
	n := len(requests)
	return result{
		perSecond: float64(n) / wall.Seconds(), p50: took[n/2], p99: took[n*99/100],
		server: (loaded.server.cpu() - server) / time.Duration(n), database: (loaded.database.cpu() - database) / time.Duration(n),
	}
}
