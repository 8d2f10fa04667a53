//go:build long

package main

import (
	"context"
	"database/sql"
	"encoding/base64"
	"encoding/json"
	"flag"
	"fmt"
	"io"
	"maps"
	"math/rand/v2"
	"net/http"
	"net/url"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/tabard-auth/tabard/browser_test/kit/chrome"
	"github.com/tabard-auth/tabard/browser_test/kit/demo"
	"github.com/tabard-auth/tabard/browser_test/kit/faultproxy"
)

// outlasts is how long a tab is waited for: an hour's run does not end because the machine
// was busy for a while.
const outlasts = 3 * time.Minute

var peopleFor = flag.Duration("people", time.Minute, "wall time of the acts of two people in one browser")

// TestSoak_People: two people act at random in four tabs of one browser, each for
// organizations of their own, on a bad network and over crashes. No request, token, record, cache
// entry or message of one is in a tab of the other, and nobody is signed out by what the other
// does.
func TestSoak_People(t *testing.T) {
	w := newPeople(t, "")
	w.work(time.Now().Add(*peopleFor))
	if wrong := w.wrong(); wrong != "" {
		t.Errorf("seed %d: %s", *seed, wrong)
	}
	w.report()
}

// TestSoak_PeopleControls: an app that keeps its token for all of its tabs sends one person's
// token from the other's, one that has a cache for all of them finds the other's there, and one
// that signs people in without naming them ends the other's session. The watchers find each.
func TestSoak_PeopleControls(t *testing.T) {
	for _, control := range []string{"shared token", "shared cache", "plain sign-in"} {
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
	db             *sql.DB
	proxy, profile string
	control        string
	random         *rand.Rand
	began          time.Time
	tabs           []*personsTab
	people         map[string]*atHome // by id
	done           map[string]int
	crash          time.Time // when the next one is due
	mu             sync.Mutex
	problems       []string
}

// atHome is one of them.
type atHome struct {
	id, subject   string
	organizations []string
	out           bool      // signed out by themselves, or by a crash soon after they had signed in
	since         time.Time // of their sign-in
}

// personsTab is a tab, with the person whom it acts for.
type personsTab struct {
	tab    context.Context
	person *atHome
	alone  bool // it took the person without asking
}

// watching is what the demo's page runs first: it says with every request whose tab sends it.
// A tab that was opened for somebody is theirs from the first request. In the control the
// pages keep the last token for all tabs.
const watching = `{
	const opened = new URLSearchParams(location.search).get("tabard_account");
	if (opened) sessionStorage.soak ??= opened;
	globalThis.heard = [];
	globalThis.BroadcastChannel = class extends BroadcastChannel {
		constructor(name) {
			super(name);
			this.addEventListener("message", ({ data }) => heard.push(JSON.stringify(data)));
		}
	};
	const send = globalThis.fetch;
	globalThis.fetch = function (input, init) {
		const request = new Request(input, init);
		request.headers.set("X-Soak-Person", sessionStorage.soak ?? "");
		const token = request.headers.get("Authorization");
		if (CONTROL === "shared token" && token) {
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
	w.opensDatabase()
	network.Set(w.arrives)
	network.SetAt("/", w.page)
	network.SetAt("/soak.js", w.script)
	first := w.starts()
	for i, person := range []*atHome{
		{subject: "alice", organizations: []string{"acme", "globex"}}, {subject: "dana", organizations: []string{"acme", "globex"}},
	} {
		tab := first
		if i > 0 {
			tab = chrome.Tab(t, first)
		}
		chrome.Go(t, tab, d.Origin)
		w.settled(tab)
		chrome.Eval[any](t, tab, `void tabard.signIn({ account: "another" })`)
		chrome.Press(t, tab, "#person-"+person.subject)
		w.settled(tab)
		person.id, person.since = chrome.Eval[string](t, tab, `tabard.state.user.id`), time.Now()
		w.people[person.id] = person
		w.tabs = append(w.tabs, w.tabOf(tab, person))
		beside := chrome.OpenedBy(t, tab, func() { chrome.Eval[any](t, tab, `tabard.openTab("`+person.organizations[1]+`")`) })
		w.tabs = append(w.tabs, w.tabOf(beside, person))
	}
	w.schedules()
	return w
}

// opensDatabase opens the demo's database, whose sessions grow old by hand.
func (w *homePeople) opensDatabase() {
	w.Helper()
	db, err := sql.Open("sqlite", "file:"+(&url.URL{Path: filepath.Join(w.demo.State, "tabard.db")}).EscapedPath()+"?_pragma=busy_timeout(10000)")
	if err != nil {
		w.Fatal(err)
	}
	w.Cleanup(func() { db.Close() })
	w.db = db
}

// page serves the demo's page with watching in it.
func (w *homePeople) page(rw http.ResponseWriter, r *http.Request) bool {
	answer, err := http.Get(r.URL.String())
	if err != nil {
		return faultproxy.Lost(rw, r)
	}
	defer answer.Body.Close()
	text, _ := io.ReadAll(answer.Body)
	maps.Copy(rw.Header(), answer.Header)
	rw.Header().Del("Content-Length")
	fmt.Fprint(rw, strings.Replace(string(text), "<head>", `<head><script src="/soak.js"></script>`, 1))
	return true
}

func (w *homePeople) script(rw http.ResponseWriter, _ *http.Request) bool {
	rw.Header().Set("Content-Type", "text/javascript")
	fmt.Fprint(rw, strings.Replace(watching, "CONTROL", strconv.Quote(w.control), 1))
	return true
}

// tabOf marks a tab as a person's, and has it act for an organization.
func (w *homePeople) tabOf(tab context.Context, person *atHome) *personsTab {
	w.Helper()
	w.settled(tab)
	p := &personsTab{tab: tab, person: person}
	w.marks(p, person.id)
	w.enters(p)
	return p
}

func (w *homePeople) marks(p *personsTab, people string) {
	chrome.Eval[any](w, p.tab, fmt.Sprintf(`void sessionStorage.setItem("soak", %q)`, people))
}

func (w *homePeople) settled(tab context.Context) {
	w.Helper()
	w.awaits(tab, `globalThis.tabard && !["starting", "unavailable"].includes(tabard.state.status)`)
}

// awaits waits for an expression. A hidden tab without an answer does not ask again by itself.
func (w *homePeople) awaits(tab context.Context, expression string) {
	w.Helper()
	chrome.AwaitFor(w, tab, outlasts, `((globalThis.tabard?.state.status === "unavailable" && tabard.getToken().catch(() => {})), `+expression+`)`)
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

// report logs what was done, and fails a run that shows nothing.
func (w *homePeople) report() {
	w.Helper()
	var acts []string
	for _, act := range slices.Sorted(maps.Keys(w.done)) {
		acts = append(acts, fmt.Sprintf("%d %s", w.done[act], act))
	}
	var rotations, reused int
	if err := w.db.QueryRow("SELECT (SELECT COALESCE(SUM(gen - 1), 0) FROM sessions), (SELECT COUNT(*) FROM audit WHERE action IN ('session.reused', 'session.lost'))").Scan(&rotations, &reused); err != nil {
		w.Error(err)
	}
	w.Logf("seed %d, %v: %s; %d rotations", *seed, time.Since(w.began).Round(time.Second), strings.Join(acts, ", "), rotations)
	if rotations == 0 || reused > 0 {
		w.Errorf("there were %d rotations, and %d tokens were taken for stolen or lost", rotations, reused)
	}
	for _, act := range []string{"reloads", "enters", "changes the account", "signs out", "signs in", restored, afresh} {
		if w.done[act] == 0 && *peopleFor >= 5*time.Minute {
			w.Errorf("there was no %s: the run is not conclusive", act)
		}
	}
}
