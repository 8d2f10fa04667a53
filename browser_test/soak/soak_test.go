//go:build long

package main

import (
	"flag"
	"fmt"
	"maps"
	"math/rand/v2"
	"os"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/tabard-auth/tabard/backend/session"
)

var (
	duration = flag.Duration("duration", 3*time.Minute, "wall time of the acts, all runs together")
	tabs     = flag.Int("tabs", 20, "tabs of the person")
	seed     = flag.Uint64("seed", 0, "of what happens; 0 draws one")
)

const (
	runs      = 4
	fastScale = 8
	looks     = 100 * time.Millisecond // between two reads of the row
)

func TestMain(m *testing.M) {
	flag.Parse()
	if *seed == 0 {
		*seed = rand.Uint64()
	}
	os.Exit(m.Run())
}

// modes runs a test with a session without a device key, and with one.
func modes(t *testing.T, run func(t *testing.T, keyless bool)) {
	t.Run("without a device key", func(t *testing.T) { run(t, true) })
	t.Run("with a device key", func(t *testing.T) { run(t, false) })
}

// TestSoak_LongSession: hours of a session in minutes, on a bad network. At
// the end a thief copies the cookie.
func TestSoak_LongSession(t *testing.T) {
	modes(t, func(t *testing.T, keyless bool) {
		env := fastEnvironment(t, keyless, fastScale)
		p := newPerson(env, *tabs)
		p.signIn()
		p.start()
		rotations := 0
		soak(p, func(end time.Time) {
			before := env.session().gen
			wait(min(max(time.Until(end)/3, 5*time.Second), time.Minute/2))
			env.pass(rotateAfter(keyless))
			rotations += p.rotates(before, end)
			p.rest()
			p.measure()
			p.act()
		})
		p.finish(rotations, 0)
		theft(p)
	})
}

// TestSoak_Crashes: the browser is killed within seconds of a rotation
// and started again on its profile, which has the cookie from before; the server is
// killed too.
func TestSoak_Crashes(t *testing.T) {
	modes(t, func(t *testing.T, keyless bool) {
		env := realEnvironment(t, keyless)
		p := newPerson(env, *tabs)
		p.signIn()
		p.start()
		c := &crashes{person: p, limits: session.LimitsFor(!keyless)}
		soak(p, c.cycle)
		p.finish(c.rotations, c.kills)
	})
}

// soak runs cycles of acts for a run's share of the time.
func soak(p *person, cycle func(end time.Time)) {
	p.t.Helper()
	p.network.setBad(true)
	p.measure()
	p.act()
	end := time.Now().Add(*duration / runs)
	for first := true; first || time.Now().Before(end); first = false {
		cycle(end)
		if p.t.Failed() || p.events.verdict() != "" {
			break
		}
	}
	p.network.setBad(false)
	p.rest()
	p.measure()
	p.checkAll()
}

func wait(d time.Duration) { <-time.After(d) }

// rotateAfter returns the age at which a session's token rotates.
func rotateAfter(keyless bool) time.Duration {
	return time.Duration(session.LimitsFor(!keyless).R) * time.Second
}

// rotates waits until the row's generation differs from before, and returns the number
// of rotations between.
func (p *person) rotates(before int64, end time.Time) int {
	for limit := time.Now().Add(p.wallTime(patience)); time.Now().Before(limit); wait(looks) {
		if gen := p.session().gen; gen > before {
			return int(gen - before)
		}
		if time.Now().After(end.Add(p.wallTime(time.Minute))) {
			break
		}
	}
	return 0
}

// crashes drives the run in which the browser is killed.
type crashes struct {
	*person
	limits           session.Limits
	cycles           int
	rotations, kills int
	rotated          time.Time // the last rotation
}

// cycle ages the session until its token is due, waits until a successor is in use, and
// kills the browser seconds later: three times in a row, as often as rotation
// tolerates, then once without. The browser writes cookies to the disk every 30
// seconds, so rotations are at least W apart: its profile is never two of them behind.
// Every other time it stays off for longer than G, so that its old cookie is no longer
// within the grace period.
func (c *crashes) cycle(end time.Time) {
	apart := time.Duration(c.limits.W+c.limits.Slack) * time.Second
	wait(max(time.Until(c.rotated.Add(apart)), 2*time.Second))
	for rotated := 0; rotated == 0; {
		before := c.session().gen
		c.pass(time.Duration(c.limits.R) * time.Second)
		rotated = c.rotates(before, time.Now().Add(10*time.Second))
		c.rotations += rotated
		if c.events.verdict() != "" {
			return
		}
	}
	c.rotated = time.Now()
	c.cycles++
	if c.cycles%int(c.limits.K+1) == 0 {
		c.restartServer()
		return
	}
	wait(time.Duration(c.random.Int64N(int64(5 * time.Second))))
	c.crash()
	c.kills++
	if c.cycles%2 == 1 {
		c.pass(time.Duration(c.limits.G+1) * time.Second)
	}
	c.start()
	c.person.act()
}

// restartServer kills the server under load and starts it again.
func (c *crashes) restartServer() {
	c.server.Kill()
	wait(time.Second)
	c.server.Restart(c.t)
}

// notLoaded matches the console output of a tab in which the network, or a navigation
// meanwhile, kept the module from loading.
var notLoaded = regexp.MustCompile(`^\d+: tabard: (Error: \S+/auth/client/\S+ answered \d{3}|no data arrives|SyntaxError: |AbortError: |TypeError: (Failed to fetch|network error|Failed to execute 'compile|WebAssembly compilation aborted: Network error))`)

// finish reports the run and its verdict.
func (p *person) finish(rotations, kills int) {
	p.t.Helper()
	r, n := p.session(), &p.network.counts
	acts, total, said := []string{}, 0, p.events.consoleOutput()
	for _, act := range slices.Sorted(maps.Keys(p.done)) {
		acts = append(acts, fmt.Sprintf("%d %s", p.done[act], act))
		total += p.done[act]
	}
	p.t.Logf("soak: seed %d, %v, %d tabs at %g× time, device key %t: %d acts (%s), %d times hidden, %d times from the back/forward cache; %d API calls; "+
		"%d requests to the backend, %d lost, %d answers lost, %d hung, %d delays, %d falsified; "+
		"%d rotations (%d successors sent, generation %d), %d kills, %d rollbacks; audit: %d reused, %d lost, %d repaired, proofs refused %v; memory %s; "+
		"%d console lines",
		*seed, time.Since(p.events.began).Round(time.Second), len(p.tabs), p.scale, r.bound, total, strings.Join(acts, ", "), p.events.count("hidden"), p.events.count("restored"), p.events.calls.Load(),
		n.requests.Load(), n.lost.Load(), n.answersLost.Load(), n.hung.Load(), n.delayed.Load(), n.falsified.Load(),
		rotations, n.successors.Load(), r.gen, kills, p.back,
		p.audited("session.reused"), p.audited("session.lost"), p.audited("session.repaired"), p.refusals(), p.memories(),
		len(said))
	if wrong := p.events.verdict(); wrong != "" {
		p.t.Errorf("seed %d: faults:\n%s", *seed, wrong)
	}
	if r.revoked.Valid {
		p.t.Errorf("the session was revoked: %s", r.reason.String)
	}
	if rotations == 0 {
		p.t.Error("no token was rotated: the run is not conclusive")
	}
	if kills > 0 && p.back == 0 {
		p.t.Error("no crash brought an old cookie back: the run is not conclusive")
	}
	for _, line := range said {
		if !notLoaded.MatchString(line) {
			p.t.Errorf("the console has output that no network fault explains: %s", line)
		}
	}
	for _, what := range grown(p.memory) {
		p.t.Errorf("the memory grows: %s", what)
	}
}
