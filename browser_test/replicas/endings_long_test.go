//go:build long

package replicas_test

import (
	"fmt"
	"slices"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"time"
)

const (
	trialPeople  = 1000
	trialWorkers = 8
)

// phases are what happens while a share of the sessions ends. A fault begins when its
// share does, and returns what ends it.
var phases = []struct {
	name  string
	fault func(*trial) (over func())
	first bool // the sessions end after the fault has begun, not while it begins
}{
	{name: "nothing", fault: func(w *trial) func() {
		w.calm.Store(true)
		return func() { w.calm.Store(false) }
	}, first: true},
	{name: "a replica is killed", fault: func(w *trial) func() {
		w.Replicas[0].Process.Kill()
		return func() { w.Start(w.Replicas[0]) }
	}},
	{name: "the database is killed", fault: func(w *trial) func() {
		w.cluster.Stop("immediate")
		w.cluster.Start()
		return func() {}
	}},
	{name: "one of the Go followers is killed", fault: func(w *trial) func() {
		w.stopSecond()
		return w.startSecond
	}},
	{name: "the follower in TypeScript is killed", fault: func(w *trial) func() {
		w.script.stop()
		return w.startScript
	}},
	{name: "commits are paused", fault: func(w *trial) func() {
		w.pausing.Store(true)
		return func() { w.pausing.Store(false) }
	}},
	{name: "mints are paused between read and signature", fault: func(w *trial) func() {
		w.overtaken.Store(true)
		return func() { w.overtaken.Store(false) }
	}},
	{name: "a follower is away for longer than the feed keeps", fault: func(w *trial) func() {
		w.script.signal(syscall.SIGSTOP)
		w.outlive()
		return func() { w.script.signal(syscall.SIGCONT) }
	}, first: true},
}

// TestP13_EndingsUnderFaults ends 1,000 sessions in every way that an API can see, on
// three replicas, with two followers of one API in Go and one in TypeScript, under one
// fault after the other. Each ending reaches each follower, and 99 of 100 within a second
// of the answer to the change.
func TestP13_EndingsUnderFaults(t *testing.T) {
	w := newTrial(t)
	all := w.enterAll()
	for i := range 2 {
		w.spare = append(w.spare, w.enter(trialPeople+2+i, "acme"))
	}
	share := (len(all) + len(phases) - 1) / len(phases)
	var took []time.Duration
	for i, p := range phases {
		part := all[min(i*share, len(all)):min((i+1)*share, len(all))]
		w.missed.Store(0)
		heard := w.end(part, p.fault, p.first)
		slices.Sort(heard)
		t.Logf("while %s: %d endings, p50 %v, p99 %v, all %v, missed %d", p.name, len(part), at(heard, 50), at(heard, 99), at(heard, 100), w.missed.Load())
		took = append(took, heard...)
		if w.missed.Load() > 0 {
			t.Errorf("while %s, %d endings were not heard", p.name, w.missed.Load())
		}
	}
	if w.signedLate.Load() == 0 {
		t.Error("no token was signed after its session had ended")
	}
	w.endOrganization()
	slices.Sort(took)
	t.Logf("%d endings at followers that ran: p50 %v, p99 %v, all %v", len(took), at(took, 50), at(took, 99), at(took, 100))
	if p99 := at(took, 99); p99 > time.Second {
		t.Errorf("p99 is %v", p99)
	}
}

// at returns a percentile of sorted times.
func at(sorted []time.Duration, percent int) time.Duration {
	if len(sorted) == 0 {
		return 0
	}
	return sorted[(len(sorted)-1)*percent/100]
}

// end ends the sessions of people while a fault lasts. It returns how long each ending took
// at each follower that ran, and then awaits them at those that did not.
func (w *trial) end(part []*member, fault func(*trial) func(), first bool) (heard []time.Duration) {
	for _, m := range part {
		w.script.watch(m)
	}
	var (
		next  atomic.Int64
		mu    sync.Mutex
		group sync.WaitGroup
		over  func()
	)
	begin := func() { over = fault(w) }
	if first {
		begin()
	} else {
		group.Go(begin)
	}
	for range trialWorkers {
		group.Go(func() {
			for i := int(next.Add(1)) - 1; i < len(part); i = int(next.Add(1)) - 1 {
				took := w.endOne(part[i])
				mu.Lock()
				heard = append(heard, took...)
				mu.Unlock()
			}
		})
	}
	group.Wait()
	over()
	for _, m := range part {
		w.awaitAll(m)
	}
	return heard
}

// endOne makes the change of a session and awaits it at the followers that run.
func (w *trial) endOne(m *member) (took []time.Duration) {
	begun := w.change(m)
	for _, f := range w.followers() {
		if f.ready() {
			if d, ok := awaitEnd(f, m, begun); ok {
				took = append(took, d)
			} else if f.ready() {
				w.missedBy(f, m)
			}
		}
	}
	if m.kind == changed && w.calm.Load() {
		w.goesOn(m)
	}
	return took
}

// goesOn mints anew, within a second of the change: that token is not refused.
func (w *trial) goesOn(m *member) {
	anew := &member{claims: w.mint(m.browser, "umbra")}
	for _, f := range []apiFollower{w.first, w.second} {
		if f.ended(anew) {
			w.Errorf("%s refuses a token of after the change", f.name())
		}
	}
}

// patience is how long an ending may take before it counts as missed.
const patience = 15 * time.Second

// awaitEnd waits until a follower refuses a session's token.
func awaitEnd(f apiFollower, m *member, since time.Time) (time.Duration, bool) {
	tick := time.NewTicker(3 * time.Millisecond)
	defer tick.Stop()
	for deadline := time.Now().Add(patience); time.Now().Before(deadline); <-tick.C {
		if f.ended(m) {
			return time.Since(since), true
		}
		if !f.ready() {
			return 0, false
		}
	}
	return 0, false
}

// awaitAll awaits an ending at every follower, also at those that were away.
func (w *trial) awaitAll(m *member) {
	for _, f := range w.followers() {
		if _, ok := awaitEnd(f, m, time.Now()); !ok {
			w.missedBy(f, m)
		}
	}
}

func (w *trial) missedBy(f apiFollower, m *member) {
	w.missed.Add(1)
	w.Errorf("%s did not hear that %s ended by %q", f.name(), m.claims.SessionID, m.how)
}

// endOrganization tightens an organization's rules, and then disables it: tokens of people
// whose sessions go on are refused.
func (w *trial) endOrganization() {
	for i, change := range []func(){
		func() { w.admin("PUT", "/organizations/acme/policy", `{"organization_session_age":28800}`) },
		func() { w.admin("POST", "/organizations/acme/disable", "") },
	} {
		m := w.enter(trialPeople+i, "acme")
		w.script.watch(m)
		change()
		m.how = fmt.Sprint("organization ", i)
		w.awaitAll(m)
	}
}
