//go:build long

package replicas_test

import (
	"context"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/tabard-auth/tabard/backend/api"
	"github.com/tabard-auth/tabard/backend/directory"
	"github.com/tabard-auth/tabard/backend/host"
	"github.com/tabard-auth/tabard/backend/session"
)

// change ends a session's token, and returns when that was answered.
func (w *trial) change(m *member) time.Time {
	switch {
	case w.pausing.Load() && m.by.ofSession:
		w.commitLate(m)
	case w.overtaken.Load() && m.by.ofSession:
		w.mintLate(m, func() { m.by.make(w, m) })
	default:
		m.by.make(w, m)
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
	if answer.Code == http.StatusUnauthorized { // it had a row to write, and saw the end
		return
	}
	w.signedLate.Add(1)
	claims, err := w.verifier.Verify(w.Context(), decoded[api.TokenResponse](w, answer.Body.String()).AccessToken)
	w.must(err)
	m.claims = claims
	w.script.watch(m)
}
