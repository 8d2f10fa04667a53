//go:build long

package replicas_test

import (
	"context"
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/tabard-auth/tabard/backend/directory"
	"github.com/tabard-auth/tabard/backend/host"
	"github.com/tabard-auth/tabard/backend/session"
)

// The changes that need a preparation, by their places in changes.
const removed, changed, child = 5, 6, 8

// changes are the ways in which a person's token ends.
var changes = []struct {
	name string
	make func(*trial, *member)
}{
	{"signed out", logout(`{"scope":"session"}`)},
	{"everywhere", logout(`{"scope":"everywhere"}`)},
	{"left the organization", logout(`{"scope":"organization","organization":"acme"}`)},
	{"administrator", func(w *trial, m *member) { w.admin("DELETE", "/sessions/"+m.claims.SessionID, "") }},
	{"administrator of the organization", func(w *trial, m *member) {
		w.admin("DELETE", "/organizations/acme/sessions/"+m.claims.SessionID, "")
	}},
	removed: {"member removed", func(w *trial, m *member) { w.admin("DELETE", "/organizations/umbra/members/"+m.claims.Subject, "") }},
	changed: {"roles changed", func(w *trial, m *member) {
		w.admin("PUT", "/organizations/umbra/members/"+m.claims.Subject, `{"roles":["editor"]}`)
	}},
	{"person disabled", func(w *trial, m *member) { w.admin("POST", "/users/"+m.claims.Subject+"/disable", "") }},
	child: {"parent signed out", logout(`{"scope":"session"}`)},
}

func logout(scope string) func(*trial, *member) {
	return func(w *trial, m *member) {
		w.again(func() (int, string) {
			answer := m.browser.Post("/logout", scope)
			return answer.Status, answer.Body
		})
	}
}

// change ends a session's token, and returns when that was answered.
func (w *trial) change(m *member) time.Time {
	kind := changes[m.kind]
	m.how = kind.name
	switch {
	case w.pausing.Load() && m.kind%2 == 0 && m.kind < removed:
		m.how = "a commit that was paused"
		w.commitLate(m)
	case w.overtaken.Load() && m.kind < removed:
		w.mintLate(m, func() { kind.make(w, m) })
	default:
		kind.make(w, m)
	}
	return time.Now()
}

// commitLate ends a session by a transaction that is paused in its commit.
func (w *trial) commitLate(m *member) {
	ctx := w.Context()
	db, err := pgx.Connect(ctx, w.DSN)
	w.must(err)
	defer db.Close(ctx)
	tx, err := db.Begin(ctx)
	w.must(err)
	_, err = tx.Exec(ctx, "UPDATE sessions SET revoked_at = $2, revoke_reason = 'admin' WHERE id = $1", m.claims.SessionID, time.Now().Unix())
	w.must(err)
	_, err = tx.Exec(ctx, "SET CONSTRAINTS ALL IMMEDIATE") // as the commit does first: it takes the event's number
	w.must(err)
	<-time.After(400 * time.Millisecond)
	w.must(tx.Commit(ctx))
}

// pausingStore pauses the mints of a session after they have read it.
type pausingStore struct {
	host.Store
	mu    sync.Mutex
	pause map[string]pausedMint
}

type pausedMint struct{ read, goOn chan struct{} }

func (s *pausingStore) Subject(ctx context.Context, id session.ID, ref string, now int64) (directory.Subject, error) {
	subject, err := s.Store.Subject(ctx, id, ref, now)
	s.mu.Lock()
	p, paused := s.pause[id.String()]
	delete(s.pause, id.String())
	s.mu.Unlock()
	if paused {
		close(p.read)
		<-p.goOn
	}
	return subject, err
}

// mintLate has a mint read a session before a change and sign its token after it. The
// token takes the place of the earlier one.
func (w *trial) mintLate(m *member, change func()) {
	p := pausedMint{make(chan struct{}), make(chan struct{})}
	w.paused.mu.Lock()
	w.paused.pause[m.claims.SessionID] = p
	w.paused.mu.Unlock()
	r := httptest.NewRequestWithContext(w.Context(), "POST", w.Origin+"/auth/token", strings.NewReader(`{"organization":"acme"}`))
	r.Header = http.Header{
		"Content-Type": {"application/json"}, "Tabard-Client": {"test"}, "Origin": {w.Origin},
		"Sec-Fetch-Site": {"same-origin"}, "Sec-Fetch-Mode": {"cors"}, "Sec-Fetch-Dest": {"empty"},
	}
	for name, value := range m.browser.Cookies() {
		r.AddCookie(&http.Cookie{Name: name, Value: value})
	}
	answer, done := httptest.NewRecorder(), make(chan struct{})
	go func() {
		defer close(done)
		w.fourth.ServeHTTP(answer, r)
	}()
	select {
	case <-p.read:
	case <-done:
		w.Errorf("the mint was not paused: %d %s", answer.Code, answer.Body)
		return
	}
	change()
	close(p.goOn)
	<-done
	var minted struct {
		AccessToken string `json:"access_token"`
	}
	if answer.Code == http.StatusUnauthorized { // it had a row to write, and saw the end
		return
	}
	w.signedLate.Add(1)
	w.must(json.Unmarshal(answer.Body.Bytes(), &minted))
	claims, err := w.verifier.Verify(w.Context(), minted.AccessToken)
	w.must(err)
	m.claims = claims
	w.script.watch(m)
}
