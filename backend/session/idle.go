package session

// idleShares is in how many parts a limit on unused time is divided: a use is written down
// at the latest when the one that is known is a part of the limit old. Of the limit that a
// new workspace has, a part is as long as R of a session with a key, at which a use is
// written down anyway.
const idleShares = 8

// Idle reports whether nobody has redeemed a refresh token of the session for longer than
// limit seconds, 0 being no limit. A use that was not written down counts as the latest
// that it can have been: nobody is signed out who was there.
func (s *Session) Idle(limit, now int64) bool {
	return limit > 0 && now > s.lastUse(limit)+limit
}

// lastUse returns when a refresh token was last redeemed, at the latest. Between the first
// uses of the current token and the time at which a successor is due, the verdict writes
// nothing (see judgment.used).
func (s *Session) lastUse(limit int64) int64 {
	limits := LimitsFor(s.Keyed())
	due := s.CurAt + limits.R
	if s.CurLast <= s.CurAt+limits.G+limits.W || s.CurLast >= due {
		return s.CurLast
	}
	return min(due, s.CurLast+limit/idleShares)
}

// UseDue reports whether a use of the current token has to be written down that the
// verdict leaves out, so that Idle knows of it.
func (s *Session) UseDue(limit, now int64) bool {
	return limit > 0 && now-s.CurLast > limit/idleShares
}
