package grant

import (
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
		if err != nil {
			return verdict, err
		}
		verdict = session.Settle(row, p)
	} else if verdict.Outcome == session.Current && s.UseDue(g.Workspace.Policy.SessionIdle, g.Now) {
		if err := g.Store.Use(ctx, s.ID, t.ID, g.Now); err != nil {
			return verdict, err
		}
	}
	if verdict.Outcome == session.Reuse && g.Workspace.OnReuse == directory.EndUser && s.Holder == session.Browser {
		if err := g.Store.RevokeUser(ctx, s.UserID, s.TheftWithin(), session.ReasonReuseElsewhere, g.Now); err != nil {
			return verdict, err
		}
	}
	g.auditVerdict(s, verdict)
	return verdict, nil
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
