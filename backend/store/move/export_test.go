package move

import "time"

// SetLockPatience sets how long a move waits for another one, until the test ends.
func SetLockPatience(t interface{ Cleanup(func()) }, patience time.Duration) {
	before := lockPatience
	lockPatience = patience
	t.Cleanup(func() { lockPatience = before })
}

// LockKey is the key of the advisory lock of moves.
const LockKey = lockKey
