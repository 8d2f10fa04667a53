//go:build long

package main

import (
	"context"
	"encoding/base64"
	"encoding/json"
	"flag"
	"fmt"
	"maps"
	"math/rand/v2"
	"net/http"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/tabard-auth/tabard/browser_test/kit/chrome"
	"github.com/tabard-auth/tabard/browser_test/kit/demo"
	"github.com/tabard-auth/tabard/browser_test/kit/faultproxy"
)

var peopleFor = flag.Duration("people", time.Minute, "wall time of the acts of two people in one browser")

const (
	// flushed is how long after a sign-in a browser has it on its disk.
	flushed = 40 * time.Second
	// killAfter is the time between two crashes of the browser.
	killAfter = 50 * time.Second
)

// TestSoak_People: two people act at random in four tabs of one browser, each for
// organizations of their own, on a bad network and over crashes. No request, token or record
// of one is in a tab of the other, and nobody is signed out by what the other does.
func TestSoak_People(t *testing.T) {
	w := newPeople(t, "")
	w.work(time.Now().Add(*peopleFor))
	if wrong := w.wrong(); wrong != "" {
		t.Errorf("seed %d: %s", *seed, wrong)
	}
	w.report()
}

// TestSoak_PeopleControls: an app that keeps its token for all of its tabs sends one person's
// token from the other's, and one that signs people in without naming them ends the other's
// session. The watchers find both.
func TestSoak_PeopleControls(t *testing.T) {
	for _, control := range []string{"shared token", "plain sign-in"} {
		t.Run(control, func(t *testing.T) {
			w := newPeople(t, control)
			w.work(time.Now().Add(controlPatience))
			if w.wrong() == "" {
				t.Errorf("seed %d: nothing went wrong in %v, so that the watchers show nothing", *seed, controlPatience)
			}
			t.Logf("seed %d: after %v: %s", *seed, time.Since(w.began).Round(time.Second), w.wrong())
		})
	}
}

// homePeople are two people in one browser, with their tabs.
type homePeople struct {
	*testing.T
	demo           *demo.Demo
	proxy, profile string
	control        string
	random         *rand.Rand
	began          time.Time
	tabs           []*personsTab
	people         map[string]*atHome // by id
	done           map[string]int
	killed         time.Time // when the browser was, or the last sign-in
	mu             sync.Mutex
	problems       []string
}

// atHome is one of them.
type atHome struct {
	id, subject   string
	organizations []string
	out           bool // signed out by themselves
}

// personsTab is a tab, with the person whom it acts for.
type personsTab struct {
	tab    context.Context
	person *atHome
}

// watching says with every request of a page whose tab it is. In the control the pages keep
// the last token for all tabs.
const watching = `{
	const send = globalThis.fetch;
	globalThis.fetch = function (input, init) {
		const request = new Request(input, init);
		request.headers.set("X-Soak-Person", sessionStorage.getItem("soak") ?? "");
		const token = request.headers.get("Authorization");
		if (globalThis.control === "shared token" && token) {
			request.headers.set("Authorization", localStorage.soakToken ?? token);
			localStorage.soakToken = token;
		}
		return send(request);
	};
}`

func newPeople(t *testing.T, control string) *homePeople {
	t.Helper()
	d := demo.Start(t)
	d.Apply(t, strings.Replace(d.Workspace(t), "  - id: demo\n", "  - id: demo\n    accounts: several\n", 1))
	network := faultproxy.New(t)
	w := &homePeople{
		T: t, demo: d, control: control, began: time.Now(), profile: t.TempDir(), proxy: network.Address,
		random: rand.New(rand.NewPCG(*seed, 7)), people: map[string]*atHome{}, done: map[string]int{},
	}
	network.Set(w.arrives)
	first := chrome.OpenFor(t, w.profile, *peopleFor+time.Hour, chrome.WithProxy(w.proxy))
	for i, person := range []*atHome{
		{subject: "alice", organizations: []string{"acme", "globex"}}, {subject: "dana", organizations: []string{"acme", "globex"}},
	} {
		tab := first
		if i > 0 {
			tab = chrome.Tab(t, first)
		}
		w.watch(tab)
		chrome.Go(t, tab, d.Origin)
		w.settled(tab)
		chrome.Eval[any](t, tab, `void tabard.signIn({ account: "another" })`)
		chrome.Press(t, tab, "#person-"+person.subject)
		w.settled(tab)
		person.id = chrome.Eval[string](t, tab, `tabard.state.user.id`)
		w.people[person.id] = person
		w.tabs = append(w.tabs, w.tabOf(tab, person))
		beside := chrome.OpenedBy(t, tab, func() { chrome.Eval[any](t, tab, `tabard.openTab("`+person.organizations[1]+`")`) })
		w.watch(beside)
		w.tabs = append(w.tabs, w.tabOf(beside, person))
	}
	w.killed = time.Now()
	return w
}

// tabOf marks a tab as a person's, and has it act for an organization.
func (w *homePeople) tabOf(tab context.Context, person *atHome) *personsTab {
	w.Helper()
	w.settled(tab)
	p := &personsTab{tab, person}
	w.marks(p, person.id)
	w.enters(p)
	return p
}

func (w *homePeople) marks(p *personsTab, people string) {
	chrome.Eval[any](w, p.tab, fmt.Sprintf(`void sessionStorage.setItem("soak", %q)`, people))
}

func (w *homePeople) watch(tab context.Context) {
	chrome.Before(w, tab, fmt.Sprintf("globalThis.control = %q;", w.control)+watching)
}

func (w *homePeople) settled(tab context.Context) {
	w.Helper()
	w.awaits(tab, `globalThis.tabard && !["starting", "unavailable"].includes(tabard.state.status)`)
}

// awaits waits for an expression. A hidden tab without an answer does not ask again by itself.
func (w *homePeople) awaits(tab context.Context, expression string) {
	w.Helper()
	chrome.Await(w, tab, `((globalThis.tabard?.state.status === "unavailable" && tabard.getToken().catch(() => {})), `+expression+`)`)
}

// arrives looks at a request, and has one in ten of those to the backend fail.
func (w *homePeople) arrives(rw http.ResponseWriter, r *http.Request) bool {
	allowed := r.Header.Get("X-Soak-Person")
	_, token, _ := strings.Cut(r.Header.Get("Authorization"), " ")
	if parts := strings.Split(token, "."); allowed != "" && len(parts) == 3 {
		var claims struct {
			Person string `json:"sub"`
		}
		text, _ := base64.RawURLEncoding.DecodeString(parts[1])
		json.Unmarshal(text, &claims)
		w.require(strings.Contains(allowed, claims.Person), "%s %s from a tab of %s has a token of %s", r.Method, r.URL.Path, allowed, claims.Person)
	}
	named, _, _ := strings.Cut(r.Header.Get("Tabard-Account"), " ")
	w.require(allowed == "" || strings.Contains(allowed, named), "%s %s from a tab of %s names %s", r.Method, r.URL.Path, allowed, named)
	if r.Method == http.MethodGet && !strings.HasSuffix(r.URL.Path, "/session") {
		return false
	}
	if !slices.ContainsFunc([]string{"/token", "/session", "/logout"}, func(path string) bool { return strings.HasSuffix(r.URL.Path, "/auth"+path) }) {
		return false
	}
	switch n := rand.IntN(100); {
	case n < 3:
		return faultproxy.Lost(rw, r)
	case n < 6:
		return faultproxy.AnswerLost(rw, r)
	case n < 10:
		return faultproxy.Answer(http.StatusServiceUnavailable, "busy")(rw, r)
	case n < 40:
		wait(time.Duration(rand.Int64N(int64(400 * time.Millisecond))))
	}
	return false
}

func (w *homePeople) require(right bool, format string, args ...any) {
	if right {
		return
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	w.problems = append(w.problems, fmt.Sprintf(format, args...))
}

func (w *homePeople) wrong() string {
	w.mu.Lock()
	defer w.mu.Unlock()
	return strings.Join(w.problems[:min(len(w.problems), 10)], "\n")
}

// work acts until an end, or until something is wrong.
func (w *homePeople) work(end time.Time) {
	w.Helper()
	acts := []struct {
		name  string
		often int
		run   func(*personsTab)
	}{
		{"reloads", 5, w.reloads}, {"renews", 6, w.renews}, {"enters", 5, w.enters}, {"changes the account", 3, w.changes}, {"signs out", 1, w.leaves},
	}
	var drawn []int
	for i, act := range acts {
		drawn = append(drawn, slices.Repeat([]int{i}, act.often)...)
	}
	for time.Now().Before(end) && w.wrong() == "" {
		if time.Since(w.killed) > max(flushed, killAfter) {
			w.crashes()
			w.done["crashes"]++
		}
		tab := w.tabs[w.random.IntN(len(w.tabs))]
		if act := acts[drawn[w.random.IntN(len(drawn))]]; tab.person.out {
			w.comesBack(tab)
			w.done["signs in"]++
		} else {
			act.run(tab)
			w.done[act.name]++
		}
		w.looks()
	}
}

// looks compares what each tab shows and keeps with whose it is.
func (w *homePeople) looks() {
	w.Helper()
	for _, p := range w.tabs {
		w.settled(p.tab)
		var seen struct{ Status, User, Error, Kept string }
		json.Unmarshal([]byte(chrome.Eval[string](w, p.tab, `JSON.stringify({
			status: tabard.state.status, user: tabard.state.user?.id ?? "", error: tabard.state.error?.code ?? "",
			kept: Object.entries(sessionStorage).filter(([name]) => name.startsWith("tabard")).join() })`)), &seen)
		for id := range w.people {
			w.require(id == p.person.id || seen.User != id && !strings.Contains(seen.Kept, id), "a tab of %s shows or keeps %s: %+v", p.person.subject, id, seen)
		}
		w.require(p.person.out || seen.User == p.person.id, "%s was signed out: %s %s", p.person.subject, seen.Status, seen.Error)
	}
}

// says evaluates a promise in a tab, and has it again while that says to retry.
func (w *homePeople) says(p *personsTab, promise string) string {
	w.Helper()
	return chrome.Eval[string](w, p.tab, `(async () => {
		for (let tried = 0; tried < 20; tried++) {
			try {
				const { status = "done", action } = Object(await (`+promise+`));
				if (status !== "unavailable" && status !== "overtaken") return status;
			} catch (error) {
				if (error.action !== "retry") return error.code ?? String(error);
			}
			await new Promise((resolve) => setTimeout(resolve, 300));
		}
		return "given up";
	})()`)
}

func (w *homePeople) reloads(p *personsTab) { chrome.Reload(w, p.tab); w.settled(p.tab) }

func (w *homePeople) renews(p *personsTab) {
	if chrome.Eval[string](w, p.tab, `tabard.state.status`) != "active" {
		w.enters(p)
	}
	got := w.says(p, `tabard.getToken({ forceRefresh: true }).then(() => tabard.fetch("/api/organizations/" + tabard.state.organization.id + "/notes")).then(() => ({}))`)
	w.require(got == "done", "%s renews: %s", p.person.subject, got)
}

func (w *homePeople) enters(p *personsTab) {
	organization := p.person.organizations[w.random.IntN(2)]
	got := w.says(p, `tabard.switchOrganization("`+organization+`")`)
	w.require(got == "switched", "%s enters %s: %s", p.person.subject, organization, got)
}

// changes makes a tab the other person's, if they are signed in.
func (w *homePeople) changes(p *personsTab) {
	for _, other := range w.people {
		if other == p.person || other.out || w.count(p.person) == 1 {
			continue
		}
		w.marks(p, p.person.id+" "+other.id)
		got := w.says(p, `tabard.switchAccount("`+other.id+`")`)
		w.require(got == "switched", "%s changes to %s: %s", p.person.subject, other.subject, got)
		p.person = other
		w.marks(p, other.id)
		return
	}
}

// count returns how many tabs a person has.
func (w *homePeople) count(person *atHome) (n int) {
	for _, p := range w.tabs {
		if p.person == person {
			n++
		}
	}
	return n
}

func (w *homePeople) leaves(p *personsTab) {
	got := w.says(p, `tabard.signOut()`)
	w.require(got == "done", "%s signs out: %s", p.person.subject, got)
	p.person.out = true
	for _, tab := range w.tabs {
		if tab.person == p.person {
			chrome.Await(w, tab.tab, `tabard.state.status === "signed_out"`)
		}
	}
}

// comesBack signs the person of a tab in again, beside the other.
func (w *homePeople) comesBack(p *personsTab) {
	w.Helper()
	options := `{ account: "` + p.person.id + `" }`
	if w.control == "plain sign-in" {
		options = `{ prompt: "login" }`
	}
	chrome.Eval[any](w, p.tab, `void tabard.signIn(`+options+`)`)
	button := `document.querySelector("#person-` + p.person.subject + `")`
	back := `globalThis.tabard?.state.user?.id === "` + p.person.id + `"`
	w.awaits(p.tab, button+` || `+back) // the provider may remember the person
	if chrome.Eval[bool](w, p.tab, `Boolean(`+button+`)`) {
		chrome.Eval[any](w, p.tab, button+`.click()`) // a tab behind others paints nothing, and cannot be pressed
	}
	w.awaits(p.tab, back)
	p.person.out, w.killed = false, time.Now()
	for _, tab := range w.tabs {
		if tab.person == p.person {
			w.awaits(tab.tab, back) // it hears of the sign-in
		}
	}
}

// crashes kills the browser, and has it open its tabs again.
func (w *homePeople) crashes() {
	w.Helper()
	chrome.Kill(w, w.tabs[0].tab)
	w.tabs = nil
	for _, tab := range chrome.Restore(w, w.profile, w.demo.Origin, 4, chrome.WithProxy(w.proxy)) {
		w.settled(tab)
		p := &personsTab{tab, w.people[chrome.Eval[string](w, tab, `sessionStorage.getItem("soak")`)]}
		if p.person == nil {
			w.Fatalf("seed %d: a tab has forgotten its person", *seed)
		}
		w.watch(tab)
		chrome.Reload(w, tab)
		w.tabs = append(w.tabs, p)
	}
	w.killed = time.Now()
}

// report logs what was done, and fails a run that shows nothing.
func (w *homePeople) report() {
	w.Helper()
	var acts []string
	for _, act := range slices.Sorted(maps.Keys(w.done)) {
		acts = append(acts, fmt.Sprintf("%d %s", w.done[act], act))
	}
	w.Logf("seed %d, %v: %s", *seed, time.Since(w.began).Round(time.Second), strings.Join(acts, ", "))
	for _, act := range []string{"reloads", "enters", "changes the account", "signs out", "signs in", "crashes"} {
		if w.done[act] == 0 && *peopleFor >= 5*time.Minute {
			w.Errorf("there was no %s: the run is not conclusive", act)
		}
	}
}
