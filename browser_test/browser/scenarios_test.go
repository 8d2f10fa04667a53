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
// @tabard/client/testing, are true of the real one.
func TestScenarios_TheFakeClientDoesWhatTheRealOneDoes(t *testing.T) {
	t.Parallel()
	text, err := os.ReadFile("../../js/test/scenarios.json")
	if err != nil {
		t.Fatal(err)
	}
	var all []scenario
	if err := json.Unmarshal(text, &all); err != nil || len(all) < 20 {
		t.Fatalf("%d scenarios: %v", len(all), err)
	}
	observe, err := os.ReadFile("../../js/test/observe.js")
	if err != nil {
		t.Fatal(err)
	}
	page := t.TempDir()
	program.Write(t, filepath.Join(page, "index.html"), scenarioPage)
	d := withStrictBank(t, demo.StartWith(t, page))
	network := faultproxy.New(t)
	browser := chrome.New(t, chrome.WithProxy(network.Address))
	for _, s := range all {
		t.Run(s.Name, func(t *testing.T) {
			w := &stageWorld{T: t, d: d, network: network, tab: chrome.Person(t, browser)}
			network.Set(w.fault)
			defer network.Set(nil)
			chrome.Before(t, w.tab, string(observe))
			w.play(s)
		})
	}
}

// stageWorld is what happens around a tab of the real client.
type stageWorld struct {
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
func (w *stageWorld) fault(rw http.ResponseWriter, r *http.Request) bool {
	refuse := func(status int, header string) bool {
		return faultproxy.Answer(status, "refused", "WWW-Authenticate", header)(rw, r)
	}
	switch {
	case r.URL.Path == "/api/scenario" && w.rejects.Add(-1) >= 0:
		return refuse(http.StatusUnauthorized, `Bearer error="invalid_token"`)
	case r.URL.Path == "/api/scenario" && w.challenge.Swap(false):
		return refuse(http.StatusUnauthorized, `Bearer error="insufficient_user_authentication", acr_values="urn:tabard:mfa"`)
	case r.URL.Path == "/api/scenario":
		return faultproxy.Answer(http.StatusOK, "ok")(rw, r)
	case !strings.HasPrefix(r.URL.Path, "/auth/") || strings.HasPrefix(r.URL.Path, "/auth/client/"):
		return false
	case w.offline.Load():
		return faultproxy.Lost(rw, r)
	}
	if code := w.denied.Swap(nil); code != nil {
		body, _ := json.Marshal(api.Error{Code: api.Code(*code), Description: "refused"})
		return faultproxy.Answer(http.StatusForbidden, string(body), "Content-Type", "application/json")(rw, r)
	}
	return false
}

// play begins where a scenario does, and takes its steps.
func (w *stageWorld) play(s scenario) {
	w.Helper()
	chrome.Go(w.T, w.tab, w.d.Origin)
	chrome.Await(w.T, w.tab, `globalThis.tabard?.state.status === "signed_out"`)
	if !s.SignedOut {
		chrome.Press(w.T, w.tab, "#sign-in")
		chrome.Press(w.T, w.tab, "#person-dana")
		chrome.Await(w.T, w.tab, `globalThis.tabard?.state.status === "choose"`)
	}
	if s.At != "" {
		chrome.Go(w.T, w.tab, w.d.Origin+"/?tabard_organization="+s.At)
		chrome.Await(w.T, w.tab, `globalThis.tabard && tabard.state.status !== "starting"`)
	}
	left := ""
	for i, step := range s.Steps {
		switch {
		case step.Call != nil:
			got := chrome.Eval[string](w.T, w.tab, fmt.Sprintf(`observer.call(tabard, ...%s).then(JSON.stringify)`, asJSON(w.T, step.Call)))
			if step.Gives != nil && !includes(w.T, []byte(got), step.Gives) {
				w.Errorf("step %d: %v gives %s, want %s", i, step.Call, got, step.Gives)
			}
		case step.Leave != "":
			left = step.Leave
			call := map[string]string{"signIn": "tabard.signIn()", "continue": "last.continue()", "state.continue": "tabard.state.continue()"}[left]
			chrome.Eval[any](w.T, w.tab, `globalThis.leaving = true; void `+call)
		case step.World != nil:
			w.happen(step.World, left)
		default:
			w.see(i, step.Sees)
		}
	}
}

// happen lets something happen.
func (w *stageWorld) happen(event []any, left string) {
	w.Helper()
	switch name := event[0]; name {
	case "denyNext":
		code := event[1].(string)
		w.denied.Store(&code)
	case "rejectNext":
		w.rejects.Store(1)
	case "challengeNext":
		w.challenge.Store(true)
	case "goOffline":
		w.offline.Store(true)
	case "goOnline":
		w.offline.Store(false)
		chrome.Eval[any](w.T, w.tab, `void dispatchEvent(new Event("online"))`)
	case "signOutElsewhere":
		other := chrome.Tab(w.T, w.tab)
		chrome.Go(w.T, other, w.d.Origin+"/?tabard_organization=globex")
		chrome.Await(w.T, other, `globalThis.tabard?.state.status === "active"`)
		chrome.Eval[any](w.T, other, `tabard.signOut().then(() => null)`)
	case "warnIdle", "end":
		// It is seen when the person has done nothing for long enough.
	case "comeBack":
		w.comeBack(len(event) > 1, left)
	default:
		w.Fatalf("unknown event %v", name)
	}
}

// comeBack comes back from the provider, which may remember the person.
func (w *stageWorld) comeBack(canceled bool, left string) {
	w.Helper()
	person := "#second-factor-dana"
	if left == "signIn" {
		person = "#person-dana"
	}
	chrome.Await(w.T, w.tab, fmt.Sprintf(`document.querySelector(%q) || globalThis.tabard && !["starting", "signed_out"].includes(tabard.state.status) && !globalThis.leaving`, person))
	switch asked := chrome.Eval[bool](w.T, w.tab, fmt.Sprintf(`document.querySelector(%q) !== null`, person)); {
	case canceled:
		chrome.Press(w.T, w.tab, "#cancel")
		chrome.Press(w.T, w.tab, "main li:last-child a")
	case asked:
		chrome.Press(w.T, w.tab, person)
	}
	chrome.Await(w.T, w.tab, `globalThis.tabard && tabard.state.status !== "starting" && !globalThis.leaving`)
}

// see waits until the page sees what a scenario says.
func (w *stageWorld) see(step int, want json.RawMessage) {
	w.Helper()
	var got string
	for began := time.Now(); time.Since(began) < 30*time.Second; <-time.After(50 * time.Millisecond) {
		if got = chrome.Eval[string](w.T, w.tab, `JSON.stringify(observer.see(tabard))`); includes(w.T, []byte(got), want) {
			return
		}
	}
	w.Errorf("step %d: the page sees %s, want %s", step, got, want)
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
