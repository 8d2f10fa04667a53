package session

// Row is what the store keeps of a session's rotation: one row per session,
// none per token. Times are Unix seconds of the server's clock.
type Row struct {
	Gen int64
	// Cur is the newest token that was ever presented, Prev the one it came
	// from; zero (NULL in the store) in the first generation.
	Cur, Prev TokenID
	// CurAt is the first use of Cur.
	CurAt int64
	// CurLast is the last use of Cur, as far as any verdict needs it.
	CurLast int64
	// Rolled tells that Cur came into its place by a rollback.
	Rolled bool
	// Rollbacks counts rollbacks in consecutive rotations.
	Rollbacks int64
	// RevokedAt is zero (NULL in the store) while the session lives.
	RevokedAt    int64
	RevokeReason Reason
}

// Reason is stored with a revocation.
type Reason string

// Reasons of a verdict. Both are stored by the statement that revokes.
const (
	ReasonReuse Reason = "reuse"
	ReasonLost  Reason = "lost"
)

// Outcome is what a presented token means to its session.
type Outcome int

// The outcomes. All but Revoked, Reuse and Lost mint an access token.
const (
	// Revoked: the session has ended before.
	Revoked Outcome = iota
	// Current: the ordinary case.
	Current
	// Advance: a successor is presented for the first time, which ends the
	// rotation that issued it.
	Advance
	// Switch: another successor of the same rotation had overwritten the
	// current one in the cookie jar.
	Switch
	// Rollback: a crash threw the jar back.
	Rollback
	// Straggler: a late request of the same browser.
	Straggler
	// Repair: it would be Reuse or Lost, but the device key vouches for the
	// browser. To be audited.
	Repair
	// Reuse: two parties hold the session's tokens. It is revoked; to be
	// audited as theft.
	Reuse
	// Lost: the store has forgotten rotations that it once knew, as after the
	// restore of an old backup. The session is revoked as expired, no alarm.
	Lost
)

var outcomes = [...]string{"revoked", "current", "advance", "switch", "rollback", "straggler", "repair", "reuse", "lost"}

func (o Outcome) String() string { return outcomes[o] }

// Mints reports whether the outcome grants an access token.
func (o Outcome) Mints() bool { return o != Revoked && o != Reuse && o != Lost }

// Verdict is what is to be done about a presented token.
type Verdict struct {
	Outcome Outcome
	// After is the row as the verdict leaves it.
	After Row
	// Writes tells that After differs from the row judged.
	Writes bool
	// Successor tells that the answer carries a fresh [Successor] of After.
	Successor bool
}

// Judge tells what an authentic token means to its session's row. device tells
// that the session has a device key and that the request proved it.
//
// A browser's tabs share one cookie jar, answers get lost or come late, and a
// crash throws the jar back; a thief holds a copy. The successor is first
// *used*, not sent, when a rotation ends, and each answer carries one of its
// own, so thief and victim soon hold different tokens, of which only one can
// agree with a single jar.
//
// Every verdict is idempotent: judged again, the row it leaves stays as it is.
func Judge(row Row, token Token, device bool, limits Limits, now int64) Verdict {
	if row.RevokedAt != 0 {
		return Verdict{Outcome: Revoked, After: row}
	}
	outcome, after := presentation{row, token, limits, now}.judge()
	if device && !outcome.Mints() {
		return Verdict{Outcome: Repair, After: row, Successor: true}
	}
	due := token.ID == after.Cur && now >= after.CurAt+limits.R
	return Verdict{outcome, after, after != row, due && outcome.Mints()}
}

// presentation is one token against one row. C, N, S and P are the names of
// the four tokens that an honest browser can hold: the current one, a new
// successor of it, a sibling of it, and the previous one.
type presentation struct {
	row    Row
	token  Token
	limits Limits
	now    int64
}

func (p presentation) judge() (Outcome, Row) {
	row, token := p.row, p.token
	rotated := row.Prev != TokenID{}
	switch {
	case token.Gen == row.Gen && token.ID == row.Cur:
		return Current, p.used()
	case token.Gen == row.Gen+1 && token.Parent == row.Cur:
		return p.judgeNext()
	case rotated && token.Gen == row.Gen && token.Parent == row.Prev:
		return p.judgeSibling()
	case rotated && token.Gen == row.Gen-1 && token.ID == row.Prev:
		return p.judgePrevious()
	case token.Gen > row.Gen:
		return Lost, p.revoked(ReasonLost)
	}
	return Reuse, p.revoked(ReasonReuse)
}

// judgeNext judges N. Had C been used later than 2D after N was issued, N would
// have been in the jar, or lost, by then.
func (p presentation) judgeNext() (Outcome, Row) {
	switch {
	case p.unusedSinceIssue():
		return Advance, p.advanced()
	case p.mayBeLate():
		return Straggler, p.row
	}
	return Reuse, p.revoked(ReasonReuse)
}

// judgeSibling judges S, issued beside C by the rotation that made both.
func (p presentation) judgeSibling() (Outcome, Row) {
	switch {
	case p.unusedSinceIssue():
		return Switch, p.switched()
	case p.mayBeLate():
		return Straggler, p.row
	case !p.row.Rolled && p.mayBeRolledBack():
		return Rollback, p.rolledTo(p.switched())
	}
	return Reuse, p.revoked(ReasonReuse)
}

// judgePrevious judges P, which C replaced in the jar, though perhaps not yet
// on the disk.
func (p presentation) judgePrevious() (Outcome, Row) {
	switch {
	case p.now <= p.row.CurAt+p.limits.G:
		return Straggler, p.row
	case p.mayBeRolledBack():
		return Rollback, p.rolledTo(p.returned())
	}
	return Reuse, p.revoked(ReasonReuse)
}

func (p presentation) unusedSinceIssue() bool {
	return p.row.CurLast <= p.token.IssuedAt+p.limits.G
}

func (p presentation) mayBeLate() bool {
	return p.now <= max(p.row.CurAt+p.limits.G, p.token.IssuedAt+p.limits.G+p.limits.W)
}

func (p presentation) mayBeRolledBack() bool {
	return p.row.Rollbacks < p.limits.K && p.row.CurLast <= p.row.CurAt+p.limits.G+p.limits.W
}
