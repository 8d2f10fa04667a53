package sqlstore

import (
	"context"
	"database/sql"
	"errors"
	"fmt"

	"github.com/tabard-auth/tabard/backend/session"
)

// The parameters of redeemToken and its constants. The casts tell PostgreSQL the
// types, and turn the floats that D1 binds into integers.
const (
	sessionID = `CAST(?1 AS TEXT)`
	now       = `CAST(?2 AS BIGINT)`

	tokenGen    = `CAST(?3 AS BIGINT)`
	tokenID     = `CAST(?4 AS TEXT)`
	tokenParent = `CAST(?5 AS TEXT)` // NULL in the first generation
	tokenIssued = `CAST(?6 AS BIGINT)`

	device = `(CAST(?7 AS BIGINT) = 1)`

	limitG = `CAST(?8 AS BIGINT)`
	limitW = `CAST(?9 AS BIGINT)`
	limitR = `CAST(?10 AS BIGINT)`
	limitK = `CAST(?11 AS BIGINT)`

	reuse = `'` + string(session.ReasonReuse) + `'`
	lost  = `'` + string(session.ReasonLost) + `'`
)

// The table of session.Judge as conditions on the row, each in parentheses. At most one
// outcome is true. NULL does not match and counts as false.
const (
	isCurrent  = `(gen = ` + tokenGen + ` AND cur = ` + tokenID + `)`
	isNext     = `(gen + 1 = ` + tokenGen + ` AND cur = ` + tokenParent + `)`
	isSibling  = `(gen = ` + tokenGen + ` AND prev = ` + tokenParent + ` AND cur <> ` + tokenID + `)`
	isPrevious = `(gen - 1 = ` + tokenGen + ` AND prev = ` + tokenID + `)`
	isNewer    = `(gen < ` + tokenGen + `)` // besides isNext

	unusedSinceIssue = `(cur_last <= ` + tokenIssued + ` + ` + limitG + `)`
	soonAfterFirst   = `(` + now + ` <= cur_at + ` + limitG + `)`
	soonAfterIssue   = `(` + now + ` <= ` + tokenIssued + ` + ` + limitG + ` + ` + limitW + `)`
	mayBeLate        = `(` + soonAfterFirst + ` OR ` + soonAfterIssue + `)`
	flushing         = `(cur_last <= cur_at + ` + limitG + ` + ` + limitW + `)`
	mayBeRolledBack  = `(rollbacks < ` + limitK + ` AND ` + flushing + `)`
	successorDue     = `(` + now + ` >= cur_at + ` + limitR + `)`

	uses       = `(` + isCurrent + ` AND cur_last < ` + now + ` AND (` + flushing + ` OR ` + successorDue + `))`
	advances   = `(` + isNext + ` AND ` + unusedSinceIssue + `)`
	switches   = `(` + isSibling + ` AND ` + unusedSinceIssue + `)`
	straggles  = `(((` + isNext + ` OR ` + isSibling + `) AND ` + mayBeLate + `) OR (` + isPrevious + ` AND ` + soonAfterFirst + `))`
	rollsAside = `(` + isSibling + ` AND NOT ` + unusedSinceIssue + ` AND NOT ` + mayBeLate + ` AND rolled = 0 AND ` + mayBeRolledBack + `)`
	rollsBack  = `(` + isPrevious + ` AND NOT ` + soonAfterFirst + ` AND ` + mayBeRolledBack + `)`
	rolls      = `(` + rollsAside + ` OR ` + rollsBack + `)`
	lives      = `(` + device + ` OR ` + isCurrent + ` OR ` + advances + ` OR ` + switches + ` OR ` + straggles + ` OR ` + rolls + `)`
)

// redeemToken has the effect of session.Judge on a live session's row, in one
// statement. Every right side reads only the row's own columns, so that each of several
// concurrent presentations is judged on the row that the previous one left, and a
// second run changes nothing. It returns no row if the session does not exist or has
// ended.
const redeemToken = `UPDATE sessions SET
	gen = CASE WHEN ` + advances + ` THEN gen + 1 WHEN ` + rollsBack + ` THEN gen - 1 ELSE gen END,
	cur = CASE WHEN ` + advances + ` OR ` + switches + ` OR ` + rolls + ` THEN ` + tokenID + ` ELSE cur END,
	prev = CASE WHEN ` + advances + ` THEN cur WHEN ` + rollsBack + ` THEN ` + tokenParent + ` ELSE prev END,
	cur_at = CASE WHEN ` + advances + ` OR ` + rollsBack + ` THEN ` + now + ` ELSE cur_at END,
	cur_last = CASE WHEN ` + uses + ` OR ` + advances + ` OR ` + switches + ` OR ` + rolls + ` THEN ` + now + ` ELSE cur_last END,
	rolled = CASE WHEN ` + rolls + ` THEN 1 WHEN ` + advances + ` THEN 0 ELSE rolled END,
	rollbacks = CASE WHEN ` + rolls + ` THEN rollbacks + 1 WHEN ` + advances + ` AND rolled = 0 THEN 0 ELSE rollbacks END,
	revoked_at = CASE WHEN ` + lives + ` THEN NULL ELSE ` + now + ` END,
	revoke_reason = CASE WHEN ` + lives + ` THEN NULL WHEN ` + isNext + ` THEN ` + reuse + ` WHEN ` + isNewer + ` THEN ` + lost + ` ELSE ` + reuse + ` END
WHERE id = ` + sessionID + ` AND revoked_at IS NULL
	AND (parent_id IS NULL OR EXISTS (SELECT 1 FROM sessions p WHERE p.id = sessions.parent_id AND p.revoked_at IS NULL))
RETURNING gen, cur, prev, cur_at, cur_last, rolled, rollbacks, revoked_at, revoke_reason`

const useToken = `
UPDATE sessions SET cur_last = ?3 WHERE id = ?1 AND cur = ?2 AND cur_last < ?3 AND revoked_at IS NULL`

// Use implements session.Store.
func (s sessions) Use(ctx context.Context, id session.ID, current session.TokenID, now int64) error {
	return s.change(ctx, "use", useToken, id.String(), current.String(), now)
}

func presentArgs(p session.Redemption) []any {
	device := 0
	if p.Device {
		device = 1
	}
	return []any{
		p.Token.Session.String(), p.Now,
		p.Token.Gen, p.Token.ID.String(), tokenIDOrNull(p.Token.Parent), p.Token.IssuedAt,
		device,
		p.Limits.G, p.Limits.W, p.Limits.R, p.Limits.K,
	}
}

func tokenIDOrNull(id session.TokenID) any {
	if id == (session.TokenID{}) {
		return nil
	}
	return id.String()
}

// Redeem implements session.Store. The token must be authentic.
func (s sessions) Redeem(ctx context.Context, p session.Redemption) (session.Row, error) {
	var row rotationRow
	err := s.returning(ctx, row.fields(), redeemToken, presentArgs(p)...)
	if errors.Is(err, sql.ErrNoRows) {
		ended, err := s.Session(ctx, p.Token.Session)
		return ended.Row, err
	}
	if err != nil {
		return session.Row{}, fmt.Errorf("sqlstore: present: %w", err)
	}
	return row.row()
}
