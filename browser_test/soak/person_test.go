//go:build long

package main

import (
	"context"
	"math/rand/v2"
	"strconv"
	"sync"
	"sync/atomic"
	"time"

	"github.com/tabard-auth/tabard/browser_test/kit/chrome"
)

// person is alice in her browser, with her tabs.
type person struct {
	*environment
	profile string
	life    time.Duration
	keeper  context.Context // the browser's first tab, which stays
	tabs    []*tab
	random  *rand.Rand
	over    atomic.Bool // acts no longer count: the browser was killed, or the round ends
	round   sync.WaitGroup

	mu     sync.Mutex
	done   map[string]int // acts
	memory []memory
}

func newPerson(env *environment, tabs int) *person {
	p := &person{
		environment: env, profile: env.t.TempDir(), life: *duration + time.Hour, done: map[string]int{},
		random: rand.New(rand.NewPCG(*seed, 2)),
	}
	for i := range tabs {
		p.tabs = append(p.tabs, &tab{
			environment: env, name: strconv.Itoa(i + 1), organization: organizations[i%len(organizations)], stays: i%5 == 0,
			random: rand.New(rand.NewPCG(*seed, uint64(i+10))),
		})
	}
	return p
}

// signIn signs the person in, in a browser that is then closed: it writes its profile
// to the disk first.
func (p *person) signIn() {
	p.t.Helper()
	tab := chrome.OpenFor(p.t, p.profile, p.life)
	chrome.Go(p.t, tab, p.origin+"/t/0")
	chrome.Await(p.t, tab, `globalThis.tabard?.state.status === "signed_out"`)
	chrome.Eval[any](p.t, tab, `void tabard.signIn()`)
	chrome.Press(p.t, tab, "#person-alice")
	chrome.Await(p.t, tab, `globalThis.tabard?.state.status === "choose"`)
	if bound := p.session().bound; bound == p.keyless {
		p.t.Fatalf("the session is bound to a device key: %t", bound)
	}
	chrome.Close(p.t, tab)
	p.events.guard(true)
}

// start starts the browser and opens all tabs at once, as a browser does after a crash.
func (p *person) start() {
	p.t.Helper()
	p.over.Store(false)
	p.keeper = chrome.OpenFor(p.t, p.profile, p.life)
	var opened sync.WaitGroup
	for _, t := range p.tabs {
		t.keeper = p.keeper
		opened.Go(func() { p.note(t, "open", t.open()) })
	}
	opened.Wait()
}

// note counts an act of a tab, or records its fault, unless the browser was killed.
func (p *person) note(t *tab, act string, err error) {
	if p.over.Load() {
		return
	}
	p.mu.Lock()
	p.done[act]++
	p.mu.Unlock()
	if err != nil {
		p.events.fault(t.name, act+": "+err.Error())
	} else {
		p.events.note(t.name, "did "+act+", wears "+t.organization)
	}
}

// act has every tab act at random until the round is over.
func (p *person) act() {
	for _, t := range p.tabs {
		p.round.Go(func() {
			for !p.over.Load() {
				<-time.After(time.Duration(t.random.ExpFloat64() * float64(pause)))
				if a := t.draw(); !p.over.Load() {
					p.events.note(t.name, "does "+a.name)
					p.note(t, a.name, a.do(t))
				}
			}
		})
	}
}

// pause is the mean pause between two acts of a tab.
const pause = 3 * time.Second

// rest lets every tab finish its acts, on a network without delays.
func (p *person) rest() {
	p.over.Store(true)
	p.network.whileIdle(func() {})
	p.round.Wait()
	p.over.Store(false)
}

// crash kills the browser.
func (p *person) crash() {
	p.t.Helper()
	p.over.Store(true)
	chrome.Kill(p.t, p.keeper)
	p.round.Wait()
}

// checkAll makes every tab check once whose token it has.
func (p *person) checkAll() {
	for _, t := range p.tabs {
		p.note(t, "check", t.checkActive("whoami"))
	}
}
