package storetest

import (
	"context"
	"fmt"
	"math/rand/v2"
	"sync"
	"testing"

	"github.com/tabard-auth/tabard/backend/directory"
	"github.com/tabard-auth/tabard/backend/session"
)

// Histories compares Store.Redeem with session.Judge: n sessions are presented tokens
// of all kinds, each twice, because a second run must change nothing.
func Histories(t *testing.T, store Store, n int) {
	t.Helper()
	seen := map[session.Outcome]int{}
	for seed := range uint64(n) {
		h := &history{rand: rand.New(rand.NewPCG(seed, 0))}
		h.run(t, store, seen)
	}
	for outcome := session.Current; outcome <= session.Lost; outcome++ {
		if seen[outcome] < n/20 {
			t.Errorf("%v was seen %d times only", outcome, seen[outcome])
		}
	}
	t.Logf("%d histories: %v", n, seen)
}

// begin creates a session and returns its first token and row.
func begin(t *testing.T, store Store, now int64) (session.Token, session.Row) {
	t.Helper()
	user, err := store.SignIn(t.Context(), directory.User{ID: "usr_1", Issuer: "iss", Subject: "sub"}, now)
	if err != nil {
		t.Fatal(err)
	}
	token, row := session.First(session.NewID(), session.NewTokenID(), now)
	err = store.Create(context.Background(), session.Session{
		ID: token.Session, UserID: user.ID, Row: row, Attempt: token.Session.String(), ExpiresAt: 1 << 40,
	})
	if err != nil {
		t.Fatal(err)
	}
	return token, row
}

// history is a session that tokens of all kinds are presented to, at times near those
// at which the verdict changes.
type history struct {
	rand   *rand.Rand
	row    session.Row
	issued []session.Token
	limits session.Limits
	now    int64
}

func (h *history) run(t *testing.T, store Store, seen map[session.Outcome]int) {
	h.limits = session.LimitsFor(h.rand.IntN(2) == 0)
	if h.rand.IntN(2) == 0 {
		h.limits = session.Limits{D: 1, G: 2 + h.rand.Int64N(2), W: 1 + h.rand.Int64N(2), R: 4 + h.rand.Int64N(3), K: h.rand.Int64N(4)}
	}
	h.now = 1000
	first, row := begin(t, store, h.now)
	h.row, h.issued = row, []session.Token{first}
	for range 12 {
		h.now = h.soon()
		p := session.Redemption{Token: h.anyToken(), Device: h.rand.IntN(8) == 0, Limits: h.limits, Now: h.now}
		want := session.Judge(h.row, p)
		seen[want.Outcome]++
		for again := range 2 {
			after, err := store.Redeem(context.Background(), p)
			if err != nil || after != want.After {
				t.Fatalf("run %d of %+v on\n%+v: %v left\n%+v (%v), want\n%+v", again+1, p, h.row, want.Outcome, after, err, want.After)
			}
		}
		if h.row = want.After; h.row.RevokedAt != 0 {
			return
		}
		h.issued = append(h.issued, session.Successor(first.Session, h.row, session.NewTokenID(), h.now))
	}
}

// soon returns a time not long after now, often one at which a condition changes.
func (h *history) soon() int64 {
	token, l := h.anyToken(), h.limits
	edges := []int64{
		h.now, h.now + 1 + h.rand.Int64N(l.R), h.row.CurAt + l.G, h.row.CurAt + l.G + l.W, h.row.CurAt + l.R,
		token.IssuedAt + l.G, token.IssuedAt + l.G + l.W, h.row.CurLast + l.G,
	}
	return max(h.now-1, edges[h.rand.IntN(len(edges))]+h.rand.Int64N(3)-1)
}

// anyToken returns a token of the session, mostly one issued lately, sometimes one that
// only a store with lost rotations can meet.
func (h *history) anyToken() session.Token {
	recent := h.issued[max(0, len(h.issued)-4):]
	token := recent[h.rand.IntN(len(recent))]
	switch h.rand.IntN(24) {
	case 0:
		token.ID = session.NewTokenID()
	case 1:
		token.Gen += h.rand.Int64N(5) - 2
	case 2:
		token.Parent = session.TokenID{}
	case 3:
		token.Parent = session.NewTokenID()
	case 4:
		token = h.issued[h.rand.IntN(len(h.issued))]
	}
	return token
}

// OneSuccessorAtOnce makes sixteen callers present the same token of the second
// generation concurrently, rounds times: the row advances once.
func OneSuccessorAtOnce(t *testing.T, store Store, rounds int) {
	t.Helper()
	race(t, store, rounds, func(parent session.Row, first session.Token) func(int) session.Token {
		next := session.Successor(first.Session, parent, session.NewTokenID(), 1240)
		return func(int) session.Token { return next }
	})
}

// SuccessorsAtOnce is OneSuccessorAtOnce with a different successor for each caller.
func SuccessorsAtOnce(t *testing.T, store Store, rounds int) {
	t.Helper()
	race(t, store, rounds, func(parent session.Row, first session.Token) func(int) session.Token {
		return func(int) session.Token {
			return session.Successor(first.Session, parent, session.NewTokenID(), 1240)
		}
	})
}

// race presents sixteen tokens of the second generation concurrently. One of them
// advances the row; the others find it advanced.
func race(t *testing.T, store Store, rounds int, tokens func(session.Row, session.Token) func(int) session.Token) {
	t.Helper()
	const callers = 16
	limits := session.LimitsFor(false)
	for range rounds {
		first, row := begin(t, store, 1000)
		token := tokens(row, first)
		after := [callers]session.Row{}
		errs := [callers]error{}
		var callersDone sync.WaitGroup
		for i := range callers {
			p := session.Redemption{Token: token(i), Limits: limits, Now: 1241 + int64(i)}
			callersDone.Go(func() { after[i], errs[i] = store.Redeem(context.Background(), p) })
		}
		callersDone.Wait()
		for i, got := range after {
			one := got.Gen == 2 && got.Prev == first.ID && got.CurAt == after[0].CurAt && got.RevokedAt == 0
			if errs[i] != nil || !one {
				t.Fatalf("caller %d: %v, row %s; caller 0: row %s", i, errs[i], fmt.Sprint(got), fmt.Sprint(after[0]))
			}
		}
	}
}
