package main

import "sync"

// A session that an app's server holds: its processes share one refresh token in their
// database and work around the clock. They either never abort a call, or do so as a
// browser's module does.
var (
	held        = conditions{"5 processes of a server, 1 % loss", 5, 0.01, 0, true}
	heldBriefly = conditions{"the same, calls given up after 20 s", 5, 0.01, 0, false}
)

// heldDays is the simulated length of such a session.
const heldDays = 10

// liveHeld simulates sessions that a server holds, rotating at most every r seconds, on
// two cores, and returns how many were ended falsely.
func liveHeld(c conditions, r int64, sessions int) (ended int) {
	const cores = 2
	var counts [cores]int
	var running sync.WaitGroup
	for core := range cores {
		running.Go(func() {
			all := schemes(r)
			ours, life := &browser{scheme: all[len(all)-1].scheme}, generator{conditions: c}
			for n := core; n < sessions; n += cores {
				if ours.live(life.aroundTheClock(uint64(n), heldDays)) > 0 {
					counts[core]++
				}
			}
		})
	}
	running.Wait()
	for _, count := range counts {
		ended += count
	}
	return ended
}
