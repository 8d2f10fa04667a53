package session

// The effects of a verdict on the row.

// used records a use of C, but only where a later verdict can read it: until
// the use that ends the time for rollbacks, and again once a successor is out.
// So most requests of a steady tab write nothing.
func (p presentation) used() Row {
	row := p.row
	read := row.CurLast <= row.CurAt+p.limits.G+p.limits.W || p.now >= row.CurAt+p.limits.R
	if read && p.now > row.CurLast {
		row.CurLast = p.now
	}
	return row
}

// advanced makes N current. A rotation without a rollback ends their row.
func (p presentation) advanced() Row {
	row := p.row
	row.Gen, row.Cur, row.Prev = row.Gen+1, p.token.ID, row.Cur
	row.CurAt, row.CurLast = p.now, p.now
	if !row.Rolled {
		row.Rollbacks = 0
	}
	row.Rolled = false
	return row
}

// switched puts S in the place of C.
func (p presentation) switched() Row {
	row := p.row
	row.Cur, row.CurLast = p.token.ID, p.now
	return row
}

// returned makes P current again; its own parent is in the token.
func (p presentation) returned() Row {
	row := p.row
	row.Gen, row.Cur, row.Prev = row.Gen-1, p.token.ID, p.token.Parent
	row.CurAt, row.CurLast = p.now, p.now
	return row
}

// rolledTo counts a rollback to row.
func (p presentation) rolledTo(row Row) Row {
	row.Rolled = true
	row.Rollbacks++
	return row
}

func (p presentation) revoked(reason Reason) Row {
	row := p.row
	row.RevokedAt, row.RevokeReason = p.now, reason
	return row
}
