package main

import "github.com/tabard-auth/tabard/backend/session"

// The variants of session.Judge that the negative controls run.

// withoutSiblings omits the table's rows of S.
func withoutSiblings(row session.Row, p session.Redemption) session.Verdict {
	if p.Token.Gen == row.Gen && p.Token.ID != row.Cur {
		return session.Verdict{Outcome: session.Reuse, After: row}
	}
	return session.Judge(row, p)
}

// withoutRollbacks omits the table's rows of rollbacks.
func withoutRollbacks(row session.Row, p session.Redemption) session.Verdict {
	verdict := session.Judge(row, p)
	if verdict.Outcome == session.Rollback {
		return session.Verdict{Outcome: session.Reuse, After: row}
	}
	return verdict
}

// eagerly records every use of the current token, not only those that a later verdict
// depends on.
func eagerly(row session.Row, p session.Redemption) session.Verdict {
	verdict := session.Judge(row, p)
	if verdict.Outcome == session.Current {
		verdict.After.CurLast = max(row.CurLast, p.Now)
	}
	return verdict
}

// withoutLimit counts no rollbacks.
func withoutLimit(row session.Row, p session.Redemption) session.Verdict {
	verdict := session.Judge(row, p)
	verdict.After.Rollbacks = 0
	return verdict
}
