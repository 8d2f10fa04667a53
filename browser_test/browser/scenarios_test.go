package browser

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/tabard-auth/tabard/backend/api"
	"github.com/tabard-auth/tabard/browser_test/kit/chrome"
	"github.com/tabard-auth/tabard/browser_test/kit/demo"
	"github.com/tabard-auth/tabard/browser_test/kit/faultproxy"
	"github.com/tabard-auth/tabard/browser_test/kit/program"
)

// scenario is a way that a person takes, and what a page sees on it.
type scenario struct {
	Name      string
	At        string
	SignedOut bool
	People    []string // who is signed in in the browser; the tab is a new one
	Steps     []struct {
		Call  []any           // a call of the client
		Gives json.RawMessage // what comes of it
		World []any           // something that happens
		Leave string          // a call that leaves the page
		Sees  json.RawMessage // the state, in the end
	}
}

// scenarioPage has a client and nothing that asks for anything by itself.
const scenarioPage = `<!doctype html><html lang="en"><meta charset="utf-8"><title>scenario</title><link rel="icon" href="data:,">
<button id="sign-in">Sign in</button><script type="module">
import { createClient } from "/auth/client/tabard.js";
globalThis.tabard = createClient({ backend: "/auth" });
document.getElementById("sign-in").onclick = () => tabard.signIn();
</script></html>`

// TestScenarios_TheFakeClientDoesWhatTheRealOneDoes: the scenarios of
// js/test/scenarios.json, which js/test/testing.test.js runs against the fake client of
// @tabard/client/testing, are true of the real one. This is every sixth of them, and
// TestScenarios_Others has the others.
func TestScenarios_TheFakeClientDoesWhatTheRealOneDoes(t *testing.T) {
	t.Parallel()
	playScenarios(t, func(i int) bool { return i%6 == 0 })
}

// playScenarios plays the scenarios whose places in the file are selected.
func playScenarios(t *testing.T, selected func(int) bool) {
	t.Helper()
	all := readScenarios(t, "scenarios.json")
	if len(all) < 20 {
		t.Fatalf("%d scenarios", len(all))
	}
	observe := read(t, "observe.js")
	page := t.TempDir()
	program.Write(t, filepath.Join(page, "index.html"), scenarioPage)
	d := withStrictBank(t, demo.StartWith(t, page))
	network := faultproxy.New(t)
	browser := chrome.New(t, chrome.WithProxy(network.Address))
	for i, s := range all {
		if !selected(i) {
			continue
		}
		t.Run(s.Name, func(t *testing.T) {
			st := &stage{T: t, d: d, network: network, tab: chrome.Person(t, browser)}
			network.Set(st.fault)
			defer network.Set(nil)
			chrome.Before(t, st.tab, observe)
			st.play(s)
		})
	}
}

// TestScenarios_SeveralPeople plays the scenarios of several people in one browser.
func TestScenarios_SeveralPeople(t *testing.T) {
	t.Parallel()
	page := t.TempDir()
	program.Write(t, filepath.Join(page, "index.html"), scenarioPage)
	d := demo.StartSeveralWith(t, page)
	browser := chrome.New(t)
	for _, s := range readScenarios(t, "people.json") {
		t.Run(s.Name, func(t *testing.T) {
			st := &stage{T: t, d: d, tab: chrome.Person(t, browser)}
			st.signInAll(s.People)
			st.tab = chrome.Tab(t, st.tab)
			chrome.Before(t, st.tab, read(t, "observe.js"))
			chrome.Go(t, st.tab, d.Origin)
			chrome.Await(t, st.tab, `globalThis.tabard?.state.status === "choose_account"`)
			st.take(s)
		})
	}
}

// signInAll signs people in beside each other.
func (st *stage) signInAll(people []string) {
	st.Helper()
	chrome.Go(st.T, st.tab, st.d.Origin)
	chrome.Await(st.T, st.tab, `globalThis.tabard?.state.status === "signed_out"`)
	for i, person := range people {
		if i == 0 {
			chrome.Press(st.T, st.tab, "#sign-in")
		} else {
			chrome.Eval[any](st.T, st.tab, `void tabard.signIn({ account: "another" })`)
		}
		chrome.Press(st.T, st.tab, "#person-"+person)
		chrome.Await(st.T, st.tab, `globalThis.tabard && ["choose", "active"].includes(tabard.state.status)`)
	}
}

func read(t *testing.T, name string) string {
	t.Helper()
	text, err := os.ReadFile("../../js/test/" + name)
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

func readScenarios(t *testing.T, name string) (all []scenario) {
	t.Helper()
	if err := json.Unmarshal([]byte(read(t, name)), &all); err != nil || len(all) == 0 {
		t.Fatalf("%s: %v", name, err)
	}
	return all
}

// stage is what happens around a tab of the real client.
type stage struct {
	*testing.T
	d         *demo.Demo
	network   *faultproxy.Proxy
	tab       context.Context
	offline   atomic.Bool
	denied    atomic.Pointer[string]
	rejects   atomic.Int64
	challenge atomic.Bool
}

// fault answers for the backend and the API as a scenario says.
func (st *stage) fault(rw http.ResponseWriter, r *http.Request) bool {
	refuse := func(status int, header string) bool {
		return faultproxy.Answer(status, "refused", "WWW-Authenticate", header)(rw, r)
	}
	switch {
	case r.URL.Path == "/api/scenario" && st.rejects.Add(-1) >= 0:
		return refuse(http.StatusUnauthorized, `Bearer error="invalid_token"`)
	case r.URL.Path == "/api/scenario" && st.challenge.Swap(false):
		return refuse(http.StatusUnauthorized, `Bearer error="insufficient_user_authentication", acr_values="urn:tabard:mfa"`)
	case r.URL.Path == "/api/scenario":
		return faultproxy.Answer(http.StatusOK, "ok")(rw, r)
	case !strings.HasPrefix(r.URL.Path, "/auth/") || strings.HasPrefix(r.URL.Path, "/auth/client/"):
		return false
	case st.offline.Load():
		return faultproxy.Lost(rw, r)
	}
	if code := st.denied.Swap(nil); code != nil {
		body, _ := json.Marshal(api.Error{Code: api.Code(*code), Description: "refused"})
		return faultproxy.Answer(http.StatusForbidden, string(body), "Content-Type", "application/json")(rw, r)
	}
	return false
}

// play begins where a scenario does, and takes its steps.
func (st *stage) play(s scenario) {
	st.Helper()
	chrome.Go(st.T, st.tab, st.d.Origin)
	chrome.Await(st.T, st.tab, `globalThis.tabard?.state.status === "signed_out"`)
	if !s.SignedOut {
		chrome.Press(st.T, st.tab, "#sign-in")
		chrome.Press(st.T, st.tab, "#person-dana")
		chrome.Await(st.T, st.tab, `globalThis.tabard?.state.status === "choose"`)
	}
	if s.At != "" {
		chrome.Go(st.T, st.tab, st.d.Origin+"/?tabard_organization="+s.At)
		chrome.Await(st.T, st.tab, `globalThis.tabard && tabard.state.status !== "starting"`)
	}
	st.take(s)
}

// take takes the steps of a scenario.
func (st *stage) take(s scenario) {
	st.Helper()
	left := ""
	for i, step := range s.Steps {
		switch {
		case step.Call != nil:
			got := chrome.Eval[string](st.T, st.tab, fmt.Sprintf(`observer.call(tabard, ...%s).then(JSON.stringify)`, asJSON(st.T, step.Call)))
			if step.Gives != nil && !includes(st.T, []byte(got), step.Gives) {
				st.Errorf("step %d: %v gives %s, want %s", i, step.Call, got, step.Gives)
			}
		case step.Leave != "":
			left = step.Leave
			call := map[string]string{"signIn": "tabard.signIn()", "continue": "last.continue()", "state.continue": "tabard.state.continue()"}[left]
			chrome.Eval[any](st.T, st.tab, `globalThis.leaving = true; void `+call)
		case step.World != nil:
			st.happen(step.World, left)
		default:
			st.see(i, step.Sees)
		}
	}
}

// happen lets something happen.
func (st *stage) happen(event []any, left string) {
	st.Helper()
	switch name := event[0]; name {
	case "denyNext":
		code := event[1].(string)
		st.denied.Store(&code)
	case "rejectNext":
		st.rejects.Store(1)
	case "challengeNext":
		st.challenge.Store(true)
	case "goOffline":
		st.offline.Store(true)
	case "goOnline":
		st.offline.Store(false)
		chrome.Eval[any](st.T, st.tab, `void dispatchEvent(new Event("online"))`)
	case "signOutElsewhere":
		other := chrome.Tab(st.T, st.tab)
		chrome.Go(st.T, other, st.d.Origin+"/?tabard_organization=globex")
		chrome.Await(st.T, other, `globalThis.tabard?.state.status === "active"`)
		chrome.Eval[any](st.T, other, `tabard.signOut().then(() => null)`)
	case "warnIdle", "end":
		// It is seen when the person has done nothing for long enough.
	case "comeBack":
		st.comeBack(len(event) > 1, left)
	default:
		st.Fatalf("unknown event %v", name)
	}
}

// comeBack comes back from the provider, which may remember the person.
func (st *stage) comeBack(canceled bool, left string) {
	st.Helper()
	person := "#second-factor-dana"
	if left == "signIn" {
		person = "#person-dana"
	}
	chrome.Await(st.T, st.tab, fmt.Sprintf(`document.querySelector(%q) || globalThis.tabard && !["starting", "signed_out"].includes(tabard.state.status) && !globalThis.leaving`, person))
	switch asked := chrome.Eval[bool](st.T, st.tab, fmt.Sprintf(`document.querySelector(%q) !== null`, person)); {
	case canceled:
		chrome.Press(st.T, st.tab, "#cancel")
		chrome.Press(st.T, st.tab, "main li:last-child a")
	case asked:
		chrome.Press(st.T, st.tab, person)
	}
	chrome.Await(st.T, st.tab, `globalThis.tabard && tabard.state.status !== "starting" && !globalThis.leaving`)
}

// see waits until the page sees what a scenario says.
func (st *stage) see(step int, want json.RawMessage) {
	st.Helper()
	var got string
	for began := time.Now(); time.Since(began) < 30*time.Second; <-time.After(50 * time.Millisecond) {
		if got = chrome.Eval[string](st.T, st.tab, `JSON.stringify(observer.see(tabard))`); includes(st.T, []byte(got), want) {
			return
		}
	}
	st.Errorf("step %d: the page sees %s, want %s", step, got, want)
}

// includes reports whether a JSON value has all that another names; lists are equal.
func includes(t *testing.T, got, want []byte) bool {
	t.Helper()
	var has, wants any
	if err := json.Unmarshal(got, &has); err != nil {
		t.Fatal(err)
	}
	if err := json.Unmarshal(want, &wants); err != nil {
		t.Fatal(err)
	}
	named, ok := wants.(map[string]any)
	if !ok {
		return asJSON(t, has) == asJSON(t, wants)
	}
	object, _ := has.(map[string]any)
	for key, value := range named {
		if asJSON(t, object[key]) != asJSON(t, value) {
			return false
		}
	}
	return object != nil
}

func asJSON(t *testing.T, value any) string {
	t.Helper()
	text, err := json.Marshal(value)
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}
