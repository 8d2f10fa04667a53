package session

// Row is the stored state of a session's rotation: one row per session, none per token.
// Times are Unix seconds of the server's clock.
type Row struct {
	Gen int64
	// Cur is the newest token that was ever presented. Prev is the one that it came
	// from; it is zero (NULL in the store) in the first generation.
	Cur, Prev TokenID
	// CurAt is the first use of Cur.
	CurAt int64
	// CurLast is the last use of Cur, as far as a verdict depends on it.
	CurLast int64
	// Rolled reports whether Cur became current by a rollback.
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

// Outcome is the kind of a verdict on a presented token.
type Outcome int

// The outcomes. All but Revoked, Reuse and Lost mint an access token.
const (
	// Revoked: the session has ended before.
	Revoked Outcome = iota
	// Current: the ordinary case.
	Current
	// Advance: a successor is presented for the first time. That ends the rotation that
	// issued it.
	Advance
	// Switch: another successor of the same rotation had overwritten the
	// current one in the cookie jar.
	Switch
	// Rollback: a crash restored an older state of the jar.
	Rollback
	// Straggler: a late request of the same browser.
	Straggler
	// Repair: it would be Reuse or Lost, but the device key proves that it is the same
	// browser. To be audited.
	Repair
	// Reuse: two parties hold the session's tokens. The session is revoked. To be
	// audited as theft.
	Reuse
	// Lost: the store has lost rotations that it once had, as after the restore of an
	// old backup. The session is revoked as expired, without an alarm.
	Lost
)

var outcomes = [...]string{"revoked", "current", "advance", "switch", "rollback", "straggler", "repair", "reuse", "lost"}

func (o Outcome) String() string { return outcomes[o] }

// Mints reports whether the outcome grants an access token.
func (o Outcome) Mints() bool { return o != Revoked && o != Reuse && o != Lost }

// Verdict is the result of judging a presented token.
type Verdict struct {
	Outcome Outcome
	// After is the row after the verdict.
	After Row
	// Writes reports whether After differs from the row judged.
	Writes bool
	// Successor reports whether the answer carries a fresh [Successor] of After.
	Successor bool
}

// Judge returns the verdict on an authentic token, given its session's row.
//
// A browser's tabs share one cookie jar, responses get lost or arrive late, and a crash
// restores an older state of the jar. A thief holds a copy. A rotation ends when its
// successor is first used, not when it is sent, and each response carries a different
// successor. Thief and victim therefore soon hold different tokens, and a single jar
// can only hold one of them.
//
// Every verdict is idempotent: judging the token again does not change the row.
func Judge(row Row, p Redemption) Verdict {
	if row.RevokedAt != 0 {
		return Verdict{Outcome: Revoked, After: row}
	}
	outcome, after := judgment{row, p}.table()
	if p.Device && !outcome.Mints() {
		return Verdict{Outcome: Repair, After: row, Successor: true}
	}
	due := p.Token.ID == after.Cur && p.Now >= after.CurAt+p.Limits.R
	return Verdict{outcome, after, after != row, due && outcome.Mints()}
}

// Settle returns the verdict for the row that [Store.Redeem] returned, which may come
// from a newer row than was read before. An outcome that mints and has become Current
// is returned as Current.
func Settle(after Row, p Redemption) Verdict {
	verdict := Judge(after, p)
	if verdict.Outcome != Revoked || after.RevokedAt != p.Now {
		return verdict
	}
	switch after.RevokeReason {
	case ReasonReuse:
		verdict.Outcome = Reuse
	case ReasonLost:
		verdict.Outcome = Lost
	}
	return verdict
}

// judgment is a token and its row. An honest browser can hold four tokens: the current
// one (C), a new successor of it (N), a sibling of it (S), and the previous one (P).
type judgment struct {
	Row
	Redemption
}

func (j judgment) table() (Outcome, Row) {
	rotated := j.Prev != TokenID{}
	switch {
	case j.Token.Gen == j.Gen && j.Token.ID == j.Cur:
		return Current, j.used()
	case j.Token.Gen == j.Gen+1 && j.Token.Parent == j.Cur:
		return j.next()
	case rotated && j.Token.Gen == j.Gen && j.Token.Parent == j.Prev:
		return j.sibling()
	case rotated && j.Token.Gen == j.Gen-1 && j.Token.ID == j.Prev:
		return j.previous()
	case j.Token.Gen > j.Gen:
		return Lost, j.revoked(ReasonLost)
	}
	return Reuse, j.revoked(ReasonReuse)
}

// next judges N. If C was used later than G after N was issued, N would have been in
// the jar, or lost, by then.
func (j judgment) next() (Outcome, Row) {
	switch {
	case j.unusedSinceIssue():
		return Advance, j.advanced()
	case j.mayBeLate():
		return Straggler, j.Row
	}
	return Reuse, j.revoked(ReasonReuse)
}

// sibling judges S, issued by the same rotation as C.
func (j judgment) sibling() (Outcome, Row) {
	switch {
	case j.unusedSinceIssue():
		return Switch, j.switched()
	case j.mayBeLate():
		return Straggler, j.Row
	case !j.Rolled && j.mayBeRolledBack():
		return Rollback, j.switched().rolledBack()
	}
	return Reuse, j.revoked(ReasonReuse)
}

// previous judges P, which C replaced in the jar, but perhaps not yet on the disk.
func (j judgment) previous() (Outcome, Row) {
	switch {
	case j.Now <= j.CurAt+j.Limits.G:
		return Straggler, j.Row
	case j.mayBeRolledBack():
		return Rollback, j.returned().rolledBack()
	}
	return Reuse, j.revoked(ReasonReuse)
}

func (j judgment) unusedSinceIssue() bool {
	return j.CurLast <= j.Token.IssuedAt+j.Limits.G
}

func (j judgment) mayBeLate() bool {
	return j.Now <= max(j.CurAt+j.Limits.G, j.Token.IssuedAt+j.Limits.G+j.Limits.W)
}

func (j judgment) mayBeRolledBack() bool {
	return j.Rollbacks < j.Limits.K && j.flushing()
}

// flushing reports whether C has been out of use for so long that it must be on the
// disk.
func (j judgment) flushing() bool {
	return j.CurLast <= j.CurAt+j.Limits.G+j.Limits.W
}
