package browser

import (
	"context"
	"fmt"
	"net/http"
	"os"
	"strings"
	"testing"

	"github.com/chromedp/cdproto/emulation"
	"github.com/chromedp/chromedp"
	"github.com/chromedp/chromedp/kb"

	"github.com/tabard-auth/tabard/browser_test/kit/chrome"
	"github.com/tabard-auth/tabard/browser_test/kit/demo"
	"github.com/tabard-auth/tabard/browser_test/kit/faultproxy"
)

// look is a way in which a page is looked at.
type look struct {
	name          string
	scheme        string
	width, height int64
}

// looks are enough to see each color and each width; the long tests have the others too.
var looks = []look{{"a light desktop", "light", 1280, 900}, {"a dark phone", "dark", 360, 740}}

// axeFindings returns what axe finds on the page that a tab shows, a line for each rule
// and element.
const axeFindings = `axe.run(document, { resultTypes: ["violations"] }).then(({ violations }) => violations.flatMap(({ id, nodes }) =>
	nodes.map(({ target, failureSummary }) => id + " at " + target.join(" ") + ": " + failureSummary.replace(/\s+/g, " "))).join("\n"))`

// examiner runs axe on pages.
type examiner struct {
	*testing.T
	axe   string
	tab   context.Context
	looks []look
}

// newExaminer returns an examiner of a tab's pages.
func newExaminer(t *testing.T, tab context.Context, looks []look) *examiner {
	t.Helper()
	axe, err := os.ReadFile("../node_modules/axe-core/axe.min.js")
	if err != nil {
		t.Fatal(err)
	}
	return &examiner{t, string(axe), tab, looks}
}

// examine fails the test if axe finds a fault on the page, however it is looked at.
func (e *examiner) examine(state string) {
	e.Helper()
	chrome.Await(e.T, e.tab, `document.readyState === "complete"`)
	chrome.Eval[any](e.T, e.tab, e.axe+";null")
	for _, look := range e.looks {
		e.look(look.scheme, look.width, look.height)
		// A transition between two schemes is no color of the page's.
		chrome.Await(e.T, e.tab, fmt.Sprintf(`matchMedia("(prefers-color-scheme: %s)").matches && document.getAnimations({ subtree: true }).every(({ playState, effect }) => playState !== "running" || effect.getComputedTiming().iterations === Infinity)`, look.scheme))
		if found := chrome.Eval[string](e.T, e.tab, axeFindings); found != "" {
			e.Errorf("%s, on %s:\n%s", state, look.name, found)
		}
	}
}

// look emulates a color scheme and a window.
func (e *examiner) look(scheme string, width, height int64) {
	e.Helper()
	_, err := chromedp.Call(e.tab, emulation.SetEmulatedMedia, emulation.SetEmulatedMediaParams{
		Features: []*emulation.MediaFeature{{Name: "prefers-color-scheme", Value: scheme}},
	})
	if err == nil {
		_, err = chromedp.Call(e.tab, emulation.SetDeviceMetricsOverride, emulation.SetDeviceMetricsOverrideParams{Width: width, Height: height, DeviceScaleFactor: 1})
	}
	if err != nil {
		e.Fatal(err)
	}
}

// desktop ends the emulation, for presses.
func (e *examiner) desktop() { e.look("light", 1280, 900) }

// TestAxe_Demo: the demo with its switcher, in every state.
func TestAxe_Demo(t *testing.T) {
	t.Parallel()
	axeDemo(t, looks)
}

func axeDemo(t *testing.T, looks []look) {
	t.Helper()
	d := demo.Start(t)
	network := faultproxy.New(t)
	tab := chrome.New(t, chrome.WithProxy(network.Address))
	e := newExaminer(t, tab, looks)

	chrome.Go(t, tab, d.Origin)
	demo.AwaitScreen(t, tab, "signed_out")
	e.examine("signed out")
	e.desktop()
	chrome.Press(t, tab, "#sign-in")
	chrome.Await(t, tab, `document.querySelector("#person-dana")`)
	e.examine("the provider's page")
	e.desktop()
	chrome.Press(t, tab, "#person-dana")
	demo.AwaitScreen(t, tab, "choose")
	e.examine("choosing")
	d.Open(t, tab, "acme")
	chrome.Await(t, tab, `document.querySelectorAll("#note-list li").length > 0`)
	e.examine("one of several organizations")
	e.openList()
	e.examine("an open list")
	e.desktop()
	chrome.Key(t, tab, kb.Escape)
	demo.Choose(t, tab, "lamna")
	awaitAnnounced(t, tab, "Lamna Bank asks to confirm that it is you.")
	e.examine("a list with a step-up")
	chrome.Key(t, tab, kb.Escape)
	d.Open(t, tab, "globex")
	chrome.Eval[any](t, tab, `tabard.signOut({scope: "organization"}).then(() => null)`)
	demo.AwaitScreen(t, tab, "ended")
	e.examine("ended")
	chrome.Go(t, tab, d.Origin+"/?tabard_organization=initech")
	demo.AwaitScreen(t, tab, "ended")
	e.examine("denied")
	chrome.Go(t, tab, d.Origin+"/?tabard_organization=lamna")
	demo.AwaitScreen(t, tab, "ended")
	e.examine("asked for a step-up")
	network.Set(func(w http.ResponseWriter, r *http.Request) bool {
		return strings.HasSuffix(r.URL.Path, "/token") && faultproxy.Answer(http.StatusServiceUnavailable, "down")(w, r)
	})
	chrome.Eval[any](t, tab, `void sessionStorage.clear()`)
	chrome.Go(t, tab, d.Origin+"/?tabard_organization=acme")
	demo.AwaitScreen(t, tab, "unavailable")
	e.examine("offline")
}

// openList opens the switcher's list.
func (e *examiner) openList() {
	e.Helper()
	e.desktop()
	chrome.PressPart(e.T, e.tab, switcherTree+`.querySelector("[part=button]")`)
	chrome.Await(e.T, e.tab, switcherTree+`.querySelectorAll("[role=menuitemradio]").length > 1`)
}

// TestAxe_PagesOfTheBackend: what a person meets where a sign-in goes wrong.
func TestAxe_PagesOfTheBackend(t *testing.T) {
	t.Parallel()
	axePagesOfTheBackend(t, looks)
}

func axePagesOfTheBackend(t *testing.T, looks []look) {
	t.Helper()
	d := demo.Start(t)
	tab := chrome.Guest(t)
	e := newExaminer(t, tab, looks)
	for _, path := range []string{"/login?app=nope", "/login?app=demo&return_to=https://elsewhere.example/", "/callback", "/callback?state=x&code=y", "/login"} {
		chrome.Go(t, tab, d.Backend+path)
		chrome.Await(t, tab, `document.querySelector("main")`)
		e.examine(path)
	}
	e.desktop()
	chrome.Go(t, tab, d.Origin)
	chrome.Press(t, tab, "#sign-in")
	chrome.Press(t, tab, "#cancel")
	chrome.Await(t, tab, `document.querySelector("main a")`)
	e.examine("a sign-in that was canceled")
}
