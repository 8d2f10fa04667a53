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

// phase is what happens while a share of the sessions ends. A fault begins when its share
// does, and returns what ends it.
type phase struct {
	name  string
	fault func(*trial) (over func())
	first bool // the sessions end after the fault has begun, not while it begins
	twice bool // the fault is over by itself, and comes again while many tokens end at once
}

var phases = []phase{
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
	}, twice: true},
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
	w := newTrial(t, trialPeople+4)
	for i := range 2 {
		w.spare = append(w.spare, w.enter(trialPeople+2+i, "acme"))
	}
	kinds := slices.Concat(changes, wideChanges)
	share := (trialPeople + len(phases) - 1) / len(phases)
	var took []time.Duration
	for i, p := range phases {
		part := make([]*member, min(share, trialPeople-i*share))
		w.enterAll(part, i*share, kinds)
		w.missed.Store(0)
		heard := w.endAll(part, p)
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

// endAll ends the sessions of people while a fault lasts: first each by itself, and then
// those that one change ends together. It returns how long each ending took at each
// follower that ran, and awaits them at those that did not.
func (w *trial) endAll(part []*member, p phase) (heard []time.Duration) {
	together := map[string][]*member{}
	var alone []*member
	for _, m := range part {
		w.script.watch(m)
		if wide := slices.ContainsFunc(wideChanges, func(c change) bool { return c.name == m.by.name }); wide {
			together[m.by.name] = append(together[m.by.name], m)
		} else {
			alone = append(alone, m)
		}
	}
	var over func()
	w.during(p, func() { over = p.fault(w) }, func() { heard = w.endEach(alone) })
	again := func() {}
	if p.twice {
		again = func() { p.fault(w) }
	}
	w.during(p, again, func() {
		for i := range wideChanges {
			heard = append(heard, w.endTogether(&wideChanges[i], together[wideChanges[i].name])...)
		}
	})
	over()
	for _, m := range part {
		w.awaitAll(m)
	}
	w.applyApps(false, "notes:read", "notes:write")
	return heard
}

// during works while a fault begins, or after it has begun.
func (w *trial) during(p phase, begin, work func()) {
	var group sync.WaitGroup
	if group.Go(begin); p.first {
		group.Wait()
	}
	work()
	group.Wait()
}

// endEach makes the change of each session, several at once.
func (w *trial) endEach(all []*member) (heard []time.Duration) {
	var (
		next  atomic.Int64
		mu    sync.Mutex
		group sync.WaitGroup
	)
	for range trialWorkers {
		group.Go(func() {
			for i := int(next.Add(1)) - 1; i < len(all); i = int(next.Add(1)) - 1 {
				took := w.endOne(all[i])
				mu.Lock()
				heard = append(heard, took...)
				mu.Unlock()
			}
		})
	}
	group.Wait()
	return heard
}

// endTogether makes a change that ends all these sessions' tokens.
func (w *trial) endTogether(c *change, all []*member) (took []time.Duration) {
	c.make(w, nil)
	begun := time.Now()
	for _, m := range all {
		took = append(took, w.await(m, begun)...)
	}
	return took
}

// endOne makes the change of a session and awaits it at the followers that run.
func (w *trial) endOne(m *member) (took []time.Duration) {
	took = w.await(m, w.change(m))
	if m.by.goesOn && w.calm.Load() {
		w.goesOn(m)
	}
	return took
}

// await awaits an ending at the followers that run.
func (w *trial) await(m *member, begun time.Time) (took []time.Duration) {
	for _, f := range w.followers() {
		if !f.ready() {
			continue
		}
		if d, ok := awaitEnd(f, m, begun); ok {
			took = append(took, d)
		} else if f.ready() {
			w.missedBy(f, m)
		}
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
	w.Errorf("%s did not hear that %s ended by %q", f.name(), m.claims.SessionID, m.by.name)
}

// endOrganization tightens an organization's rules, and then disables it: tokens of people
// whose sessions go on are refused.
func (w *trial) endOrganization() {
	for i, end := range []func(){
		func() { w.admin("PUT", "/organizations/acme/policy", `{"organization_session_age":28800}`) },
		func() { w.admin("POST", "/organizations/acme/disable", "") },
	} {
		m := w.enter(trialPeople+i, "acme")
		m.by = &change{name: fmt.Sprint("organization ", i)}
		w.script.watch(m)
		end()
		w.awaitAll(m)
	}
}
