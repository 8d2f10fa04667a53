//go:build long

package main

import (
	"context"
	"encoding/json"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/tabard-auth/tabard/backend/session"
	"github.com/tabard-auth/tabard/browser_test/kit/chrome"
)

const (
	// flushed is how long after a sign-in a browser has its cookie on the disk.
	flushed = 40 * time.Second
	// killAfter is the time from one crash of the browser to the next, and killWithin what
	// chance adds to it.
	killAfter, killWithin = 40 * time.Second, 10 * time.Second
)

// The two ways on after a crash, as the report counts them.
const (
	restored = "crashes whose tabs were restored"
	afresh   = "crashes with new tabs after"
)

// starts starts the browser. One that was never closed has no preferences and restores no tabs.
func (w *homePeople) starts() context.Context {
	w.Helper()
	chrome.Close(w, chrome.Open(w, w.profile))
	return w.opens()
}

func (w *homePeople) opens() context.Context {
	w.Helper()
	return chrome.OpenFor(w, w.profile, *peopleFor+time.Hour, chrome.WithProxy(w.proxy))
}

// schedules draws when the browser is killed next.
func (w *homePeople) schedules() {
	w.crash = time.Now().Add(killAfter + time.Duration(w.random.Int64N(int64(killWithin))))
}

// passes makes the refresh tokens of all sessions older, so that the next mints rotate them,
// unless they are due already.
func (w *homePeople) passes(d time.Duration) {
	w.Helper()
	if _, err := w.db.Exec("UPDATE sessions SET cur_at = cur_at - ?1, cur_last = cur_last - ?1 WHERE cur_at > unixepoch() - ?2",
		int64(d/time.Second), int64(rotateAfter(false)/time.Second)); err != nil {
		w.Error(err)
	}
}

// rotates has the next mints of everybody rotate their refresh tokens.
func (w *homePeople) rotates(*personsTab) { w.passes(rotateAfter(false)) }

// crashes kills the browser while its tabs ask for tokens that rotate their cookies. Then the person restores the tabs,
// or does not and opens new ones.
func (w *homePeople) crashes() {
	w.Helper()
	w.rotates(nil)
	for _, p := range w.tabs {
		chrome.Eval[any](w, p.tab, `void tabard.getToken({ forceRefresh: true }).catch(() => {})`)
	}
	killed := time.Now()
	chrome.Kill(w, w.tabs[0].tab)
	number := len(w.tabs)
	w.tabs = nil
	if w.done[restored] <= w.done[afresh] {
		w.done[restored]++
		for _, tab := range chrome.Restore(w, w.profile, w.demo.Origin, number, chrome.WithProxy(w.proxy)) {
			w.returns(tab)
		}
	} else {
		w.passes(time.Duration(session.LimitsFor(true).G+1) * time.Second) // the old cookie is no straggler's
		w.done[afresh]++
		for first := w.opens(); len(w.tabs) < number; {
			tab := first
			if len(w.tabs) > 0 {
				tab = chrome.Tab(w, first)
			}
			chrome.Go(w, tab, w.demo.Origin)
			w.returns(tab)
		}
	}
	w.survive(killed)
	w.schedules()
}

// returns has a person look at a tab after a crash, and choose an account where it asks.
func (w *homePeople) returns(tab context.Context) {
	w.Helper()
	chrome.Show(w, tab) // a tab that is restored out of sight waits for that
	w.settled(tab)
	p := &personsTab{tab: tab}
	w.tabs = append(w.tabs, p)
	mark := chrome.Eval[string](w, tab, `sessionStorage.soak ?? ""`)
	seen := w.sees(p)
	w.require(mark == "" || strings.Contains(mark, seen.User), "a tab of %s came back as %s's", mark, seen.User)
	w.require(mark == "" || seen.Status != "choose_account", "a tab of %s came back and asks whose it is", mark)
	switch {
	case seen.Status == "choose_account":
		p.person = w.people[seen.Accounts[w.random.IntN(len(seen.Accounts))].ID]
		got := w.says(p, `tabard.switchAccount("`+p.person.id+`")`)
		w.require(got == "switched", "%s chooses their account: %s", p.person.subject, got)
		w.done["accounts chosen"]++
	case seen.User != "":
		p.person = w.people[seen.User]
		p.alone = mark == ""
	case mark != "":
		id, _, _ := strings.Cut(mark, " ")
		p.person = w.people[id]
	default:
		return // a tab of nobody
	}
	w.marks(p, p.person.id)
}

// survive compares who is signed in after a crash with who was. A cookie that had not reached
// the disk is lost, and its person signs in again.
func (w *homePeople) survive(killed time.Time) {
	w.Helper()
	living := w.asks(w.tabs[0])
	lives := map[string]bool{}
	for _, account := range living {
		lives[account.ID] = true
	}
	for id, person := range w.people {
		w.require(!person.out || !lives[id], "the crash has brought %s back", person.subject)
		w.require(person.out || lives[id] || killed.Sub(person.since) < flushed, "the crash has signed %s out", person.subject)
		if !person.out && !lives[id] {
			w.done["people lost with their cookie"]++
		}
		person.out = !lives[id]
	}
	w.claim(len(living))
	for _, p := range w.tabs {
		w.require(!p.alone || len(living) == 1, "a new tab has taken %s of %d people", p.person.subject, len(living))
		if p.person.out {
			w.awaits(p.tab, `tabard.state.status === "signed_out"`)
		} else {
			w.awaits(p.tab, `tabard.state.user?.id === "`+p.person.id+`"`)
		}
	}
	for _, person := range w.people {
		if w.count(person) == 0 {
			w.takesOver(person)
		}
	}
}

// asks has a tab say who is signed in. The tab of a person who is not asks for another.
func (w *homePeople) asks(p *personsTab) (living []struct{ ID string }) {
	w.Helper()
	mark := chrome.Eval[string](w, p.tab, `sessionStorage.soak ?? ""`)
	w.marks(p, strings.Join(slices.Collect(maps.Keys(w.people)), " "))
	json.Unmarshal([]byte(w.says(p, `tabard.accounts().then((all) => ({ status: JSON.stringify(all) }))`)), &living)
	w.marks(p, mark)
	return living
}

// takesOver gives a person one of the tabs of another, who has several.
func (w *homePeople) takesOver(person *atHome) {
	w.Helper()
	p := w.tabs[slices.IndexFunc(w.tabs, func(p *personsTab) bool { return w.count(p.person) > 1 })]
	if person.out {
		w.comesBack(p, person)
	} else {
		w.changesTo(p, person)
	}
}

// claim signs somebody in in a browser that lost everybody. The tabs of nobody are then theirs.
func (w *homePeople) claim(living int) {
	w.Helper()
	ids := slices.Sorted(maps.Keys(w.people))
	person, first := w.people[ids[w.random.IntN(len(ids))]], (*personsTab)(nil)
	for _, p := range w.tabs {
		if p.person == nil {
			w.require(living == 0, "a new tab has taken none of %d people", living)
			first, p.person = p, person
			w.marks(p, person.id)
		}
	}
	if first != nil {
		w.comesBack(first, person)
	}
}
