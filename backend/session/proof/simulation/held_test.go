package main

import "testing"

// TestASessionThatAServerHoldsIsNotEndedFalsely. Its token must not rotate as often as
// a browser's: with those limits some of the sessions end, which shows that the
// simulated days are hard.
func TestASessionThatAServerHoldsIsNotEndedFalsely(t *testing.T) {
	const sessions = 300
	if ended := liveHeld(held, 3600, sessions); ended != 0 {
		t.Errorf("R = 3600: %d of %d sessions ended falsely", ended, sessions)
	}
	if ended := liveHeld(held, 240, sessions); ended == 0 {
		t.Errorf("R = 240: none of %d sessions ended falsely, want some", sessions)
	}
	if ended := liveHeld(heldBriefly, 3600, sessions); ended != 0 {
		t.Errorf("R = 3600, calls given up: %d of %d sessions ended falsely", ended, sessions)
	}
}
