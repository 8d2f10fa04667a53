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

// Judge tells what an authentic token means to its session's row.
//
// A browser's tabs share one cookie jar, answers get lost or come late, and a
// crash throws the jar back; a thief holds a copy. A rotation ends when its
// successor is first used, not when it is sent, and each answer carries a
// successor of its own; so thief and victim soon hold different tokens, of which
// only one can agree with a single jar.
//
// Every verdict is idempotent: judged again, the row that it leaves stays as it
// is.
func Judge(row Row, p Presentation) Verdict {
	if row.RevokedAt != 0 {
		return Verdict{Outcome: Revoked, After: row}
	}
	outcome, after := judgement{row, p}.table()
	if p.Device && !outcome.Mints() {
		return Verdict{Outcome: Repair, After: row, Successor: true}
	}
	due := p.Token.ID == after.Cur && p.Now >= after.CurAt+p.Limits.R
	return Verdict{outcome, after, after != row, due && outcome.Mints()}
}

// Settle tells the verdict from the row that [Store.Present] returned: it may
// have been reached on a newer row than was read before. Of the outcomes that
// mint, those that have become Current are told as such.
func Settle(after Row, p Presentation) Verdict {
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

// judgement is a token against its row. An honest browser can hold four: the
// current one (C), a new successor of it (N), a sibling of it (S), and the
// previous one (P).
type judgement struct {
	Row
	Presentation
}

func (j judgement) table() (Outcome, Row) {
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

// next judges N. Had C been used later than 2D after N was issued, N would have
// been in the jar, or lost, by then.
func (j judgement) next() (Outcome, Row) {
	switch {
	case j.unusedSinceIssue():
		return Advance, j.advanced()
	case j.mayBeLate():
		return Straggler, j.Row
	}
	return Reuse, j.revoked(ReasonReuse)
}

// sibling judges S, issued beside C by the rotation that made both.
func (j judgement) sibling() (Outcome, Row) {
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

// previous judges P, which C replaced in the jar, though perhaps not yet on the
// disk.
func (j judgement) previous() (Outcome, Row) {
	switch {
	case j.Now <= j.CurAt+j.Limits.G:
		return Straggler, j.Row
	case j.mayBeRolledBack():
		return Rollback, j.returned().rolledBack()
	}
	return Reuse, j.revoked(ReasonReuse)
}

func (j judgement) unusedSinceIssue() bool {
	return j.CurLast <= j.Token.IssuedAt+j.Limits.G
}

func (j judgement) mayBeLate() bool {
	return j.Now <= max(j.CurAt+j.Limits.G, j.Token.IssuedAt+j.Limits.G+j.Limits.W)
}

func (j judgement) mayBeRolledBack() bool {
	return j.Rollbacks < j.Limits.K && j.flushing()
}

// flushing tells that C has not been seen in use for so long that it must be on
// the disk.
func (j judgement) flushing() bool {
	return j.CurLast <= j.CurAt+j.Limits.G+j.Limits.W
}
