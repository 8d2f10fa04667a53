package session

// The effects of a verdict on the row.

// used records a use of C, but only if a later verdict can depend on it: up to the
// first use that rules out a rollback, and again once a successor is due. So most
// requests of a steady tab write no row.
func (j judgment) used() Row {
	row := j.Row
	read := j.flushing() || j.Now >= j.CurAt+j.Limits.R
	if read && j.Now > row.CurLast {
		row.CurLast = j.Now
	}
	return row
}

// advanced makes N current. A rotation without a rollback resets the count of
// rollbacks.
func (j judgment) advanced() Row {
	row := j.Row
	row.Gen, row.Cur, row.Prev = row.Gen+1, j.Token.ID, row.Cur
	row.CurAt, row.CurLast = j.Now, j.Now
	if !row.Rolled {
		row.Rollbacks = 0
	}
	row.Rolled = false
	return row
}

// switched replaces C by S.
func (j judgment) switched() Row {
	row := j.Row
	row.Cur, row.CurLast = j.Token.ID, j.Now
	return row
}

// returned makes P current again. The token carries its own parent.
func (j judgment) returned() Row {
	row := j.Row
	row.Gen, row.Cur, row.Prev = row.Gen-1, j.Token.ID, j.Token.Parent
	row.CurAt, row.CurLast = j.Now, j.Now
	return row
}

func (j judgment) revoked(reason Reason) Row {
	row := j.Row
	row.RevokedAt, row.RevokeReason = j.Now, reason
	return row
}

// rolledBack counts the rollback that made the row.
func (r Row) rolledBack() Row {
	r.Rolled = true
	r.Rollbacks++
	return r
}
