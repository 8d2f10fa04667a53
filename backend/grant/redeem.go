package grant

import (
	"cmp"
	"context"
	"strconv"

	"github.com/tabard-auth/tabard/backend/api"
	"github.com/tabard-auth/tabard/backend/audit"
	"github.com/tabard-auth/tabard/backend/directory"
	"github.com/tabard-auth/tabard/backend/session"
)

// Redemption returns the redemption of an authentic refresh token now. For a
// session with a device key, the caller has verified the key's proof.
func (g *Grant) Redemption(t session.Token, s *session.Session) session.Redemption {
	return session.Redemption{Token: t, Device: s.JKT != "", Limits: session.LimitsFor(s.Keyed()), Now: g.Now}
}

// redeem judges an authentic refresh token against its session and applies the verdict.
// Usually it writes no row.
func (g *Grant) redeem(ctx context.Context, t session.Token, s *session.Session) (session.Verdict, error) {
	p := g.Redemption(t, s)
	verdict := session.Judge(s.Row, p)
	if verdict.Writes {
		row, err := g.Store.Redeem(ctx, p)
		return g.settle(ctx, p, s, row, err)
	}
	if verdict.Outcome == session.Current && s.UseDue(g.Workspace.Policy.SessionIdle, g.Now) {
		if err := g.Store.Use(ctx, s.ID, t.ID, g.Now); err != nil {
			return verdict, err
		}
	}
	return g.apply(ctx, s, verdict)
}

// settle applies the verdict for the row that the store returned for a redemption.
func (g *Grant) settle(ctx context.Context, p session.Redemption, s *session.Session, row session.Row, err error) (session.Verdict, error) {
	if err != nil {
		return session.Verdict{}, err
	}
	return g.apply(ctx, s, session.Settle(row, p))
}

// apply records a verdict and applies what it means for the person's other sessions.
func (g *Grant) apply(ctx context.Context, s *session.Session, verdict session.Verdict) (session.Verdict, error) {
	if verdict.Outcome == session.Reuse && g.Workspace.OnReuse == directory.EndUser && s.Holder == session.Browser {
		if err := g.Store.RevokeUser(ctx, s.UserID, s.TheftWithin(), session.ReasonReuseElsewhere, g.Now); err != nil {
			return verdict, err
		}
	}
	g.auditVerdict(s, verdict)
	return verdict, nil
}

// usesOnly reports whether the redemption of a token only writes down that the session's
// current token was used: no verdict but of later requests depends on that.
func (g *Grant) usesOnly(t session.Token, s *session.Session) bool {
	verdict := session.Judge(s.Row, g.Redemption(t, s))
	return verdict.Outcome == session.Current && verdict.Writes
}

// mintWithUse is Mint for a token whose redemption only writes its use down. What the mint
// writes shares a round trip with that. The verdict on the newest row comes before any
// other refusal.
func (g *Grant) mintWithUse(ctx context.Context, t session.Token, s *directory.Subject, request Request) (m Minted, err error) {
	p, judged, store := g.Redemption(t, &s.Session), s.Session, g.Store
	redeemed := g.Begin(func() (session.Row, error) { return store.Redeem(ctx, p) })
	refused := g.mint(ctx, s, request, &m)
	row, err := redeemed()
	verdict, err := g.settle(ctx, p, &judged, row, err)
	if err != nil {
		return Minted{}, err
	}
	return m, cmp.Or(g.succeed(&m, s, verdict), refused)
}

// auditVerdict records an unusual verdict on a presented token. The end of a session is
// recorded under a fixed id, so that the clean-up, which records events lost in a
// crash, does not record it twice.
func (g *Grant) auditVerdict(s *session.Session, v session.Verdict) {
	e := audit.Event{Actor: audit.Server, UserID: s.UserID, SessionID: s.ID.String()}
	switch v.Outcome {
	case session.Reuse:
		e.ID, e.Action = "reused:"+s.ID.String(), audit.RefreshTokenReused
	case session.Lost:
		e.ID, e.Action = "lost:"+s.ID.String(), audit.SessionLost
	case session.Repair:
		e.Action = audit.SessionRepaired
	default:
		return
	}
	g.Audit(e)
}

// EndedCode returns the error code for a session that was ended.
func EndedCode(reason session.Reason) api.Code {
	switch reason {
	case session.ReasonReuse:
		return api.RefreshTokenReused
	case session.ReasonLost:
		return api.SessionExpired
	}
	return api.SessionRevoked
}

// TooOld reports whether a request was sent longer ago than rotation tolerates, given
// its time of sending in Unix seconds of the server's clock (api.HeaderTime).
func TooOld(sent string, now int64) (bool, error) {
	at, err := strconv.ParseInt(sent, 10, 64)
	return now-at > session.LimitsFor(false).D, err
}
