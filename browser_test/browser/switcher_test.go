package browser

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/chromedp/cdproto/accessibility"
	"github.com/chromedp/chromedp"
	"github.com/chromedp/chromedp/kb"

	"github.com/tabard-auth/tabard/browser_test/kit/chrome"
	"github.com/tabard-auth/tabard/browser_test/kit/demo"
	"github.com/tabard-auth/tabard/browser_test/kit/example"
)

// switcherTree is the switcher's shadow tree.
const switcherTree = `document.querySelector("tabard-switcher").shadowRoot`

// onSwitcher opens the demo, under its strict policy, in a tab of a person's
// organization.
func onSwitcher(t *testing.T, person, organization string) (*demo.Demo, context.Context) {
	t.Helper()
	d := demo.Start(t)
	tab := chrome.Guest(t)
	chrome.Before(t, tab, example.KeepErrors+`addEventListener("securitypolicyviolation", (e) => complaints.push(e.violatedDirective + " " + e.blockedURI));`)
	d.SignIn(t, tab, person)
	d.Open(t, tab, organization)
	return d, tab
}

// focusOn waits until the focused element of the switcher has this name.
func focusOn(t *testing.T, tab context.Context, name string) {
	t.Helper()
	chrome.Await(t, tab, fmt.Sprintf(`((e) => e?.ariaLabel ?? e?.dataset.name ?? e?.querySelector(".heard").textContent)(%s.activeElement) === %q`, switcherTree, name))
}

func awaitAnnounced(t *testing.T, tab context.Context, text string) {
	t.Helper()
	chrome.Await(t, tab, fmt.Sprintf(`%s.querySelector("[role=status]").textContent === %q`, switcherTree, text))
}

func openMenu(t *testing.T, tab context.Context, open bool) {
	t.Helper()
	chrome.Await(t, tab, fmt.Sprintf(`%s.querySelector("[part=popup]").matches(":popover-open") === %v && %s.querySelector("[part=button]").ariaExpanded === "%v"`, switcherTree, open, switcherTree, open))
}

// TestSwitcher_IsAMenuButton: it works by keyboard alone, and announces the outcome.
func TestSwitcher_IsAMenuButton(t *testing.T) {
	t.Parallel()
	_, tab := onSwitcher(t, "alice", "acme")
	chrome.Await(t, tab, switcherTree+`.querySelectorAll("[role=menuitemradio]").length === 3`)
	chrome.Eval[any](t, tab, switcherTree+`.querySelector("[part=button]").focus()`)
	chrome.Key(t, tab, kb.Enter)
	focusOn(t, tab, "Acme Corporation")
	openMenu(t, tab, true)
	for _, step := range []struct{ key, to string }{
		{kb.ArrowDown, "Globex Shipping"}, {kb.ArrowDown, "Initech Labs"}, {kb.ArrowDown, "Acme Corporation"},
		{kb.ArrowUp, "Initech Labs"}, {kb.Home, "Acme Corporation"}, {kb.End, "Initech Labs"}, {"g", "Globex Shipping"},
		{kb.ArrowRight, "Open Globex Shipping in a new tab"}, {kb.ArrowUp, "Open Acme Corporation in a new tab"}, {kb.ArrowLeft, "Acme Corporation"},
	} {
		chrome.Key(t, tab, step.key)
		focusOn(t, tab, step.to)
	}
	chrome.Key(t, tab, kb.Escape)
	openMenu(t, tab, false)
	focusOn(t, tab, "Organization of this tab: Acme Corporation")
	chrome.Key(t, tab, kb.ArrowUp)
	focusOn(t, tab, "Initech Labs")
	chrome.Key(t, tab, kb.Tab)
	openMenu(t, tab, false)

	chrome.Eval[any](t, tab, switcherTree+`.querySelector("[part=button]").focus()`)
	chrome.Key(t, tab, kb.ArrowDown)
	chrome.Key(t, tab, "g")
	chrome.Key(t, tab, " ")
	awaitAnnounced(t, tab, "This tab now works for Globex Shipping.")
	demo.AwaitActive(t, tab, "globex")
	openMenu(t, tab, false)
	focusOn(t, tab, "Organization of this tab: Globex Shipping")
	example.NoErrors(t, tab)
}

// TestSwitcher_AccessibleNames: as the browser computes them.
func TestSwitcher_AccessibleNames(t *testing.T) {
	t.Parallel()
	_, tab := onSwitcher(t, "dana", "acme")
	chrome.PressPart(t, tab, switcherTree+`.querySelector("[part=button]")`)
	chrome.Await(t, tab, switcherTree+`.querySelectorAll("[role=menuitemradio]").length === 4`)
	tree, err := chromedp.Call(tab, accessibility.GetFullAXTree, accessibility.GetFullAXTreeParams{})
	if err != nil {
		t.Fatal(err)
	}
	var told []string
	for _, node := range tree.Nodes {
		if node.Role == nil || node.Name == nil {
			continue
		}
		line := string(node.Role.Value) + " " + strings.ReplaceAll(string(node.Name.Value), `\u00b7`, "·")
		for _, property := range node.Properties {
			if property.Name == accessibility.PropertyNameChecked || property.Name == accessibility.PropertyNameHasPopup || property.Name == accessibility.PropertyNameExpanded {
				line += " " + string(property.Name) + "=" + string(property.Value.Value)
			}
		}
		told = append(told, line)
	}
	for _, want := range []string{
		`"button" "Organization of this tab: Acme Corporation" hasPopup="menu" expanded=true`,
		`"menu" "Your organizations"`,
		`"menuitemradio" "Acme Corporation viewer" checked="true"`,
		`"menuitemradio" "Lamna Bank editor · asks to confirm that it is you" checked="false"`,
		`"menuitem" "Open Lamna Bank in a new tab"`,
	} {
		if !slices.Contains(told, want) {
			t.Errorf("a screen reader is not told %s, but\n%q", want, told)
		}
	}
}

// TestSwitcher_OpensTabs: by a modifier key and by the arrow, while this tab keeps its
// organization.
func TestSwitcher_OpensTabs(t *testing.T) {
	t.Parallel()
	_, tab := onSwitcher(t, "alice", "acme")
	for _, item := range []struct {
		part     string
		modifier []chromedp.Modifier
		opened   string
	}{
		{`[role=menuitemradio][data-organization=globex]`, []chromedp.Modifier{chromedp.ModifierCtrl}, "globex"},
		{`[part=open][aria-label*=Initech]`, nil, "initech"},
	} {
		chrome.PressPart(t, tab, switcherTree+`.querySelector("[part=button]")`)
		other := chrome.OpenedBy(t, tab, func() {
			chrome.PressPart(t, tab, fmt.Sprintf(`%s.querySelector('%s')`, switcherTree, item.part), item.modifier...)
		})
		demo.AwaitActive(t, other, item.opened)
		demo.AwaitActive(t, tab, "acme")
		if chrome.Eval[bool](t, tab, switcherTree+`.querySelector("[part=popup]").matches(":popover-open")`) {
			chrome.Key(t, tab, kb.Escape)
			openMenu(t, tab, false)
		}
	}
	example.NoErrors(t, tab)
}

// TestP3TheSwitcherTellsWhyItDidNotSwitch: access was refused, the backend was
// unreachable, or a step-up is required.
func TestP3TheSwitcherTellsWhyItDidNotSwitch(t *testing.T) {
	t.Parallel()
	_, tab := onSwitcher(t, "dana", "acme")
	chrome.Eval[any](t, tab, `void document.addEventListener("tabard-switch", ({ detail }) => globalThis.outcome = detail.status)`)
	demo.Choose(t, tab, "lamna")
	awaitAnnounced(t, tab, "Lamna Bank asks to confirm that it is you.")
	chrome.Await(t, tab, `outcome === "step_up_required" && `+switcherTree+`.activeElement?.textContent === "Confirm that it is you"`)
	demo.AwaitActive(t, tab, "acme")
	chrome.Key(t, tab, kb.Escape)

	held := chrome.Hold(t, tab, "*/auth/token*")
	demo.Choose(t, tab, "lamna")
	chrome.Key(t, tab, kb.Escape) // closed before the answer arrives
	openMenu(t, tab, false)
	held.Release(t)
	chrome.Await(t, tab, switcherTree+`.activeElement?.textContent === "Confirm that it is you"`)
	openMenu(t, tab, true)
	chrome.Key(t, tab, kb.Escape)

	chrome.Block(t, tab, "*://*:*/auth/token*")
	demo.Choose(t, tab, "globex")
	awaitAnnounced(t, tab, "Globex Shipping cannot be reached. This tab stays as it was; please try again.")
	chrome.Await(t, tab, `outcome === "unavailable" && `+switcherTree+`.querySelector("[part=problem]").checkVisibility()`)
	demo.AwaitActive(t, tab, "acme")
}

// TestSwitcher_HiddenWithoutAChoice: for a person of one
// organization, and while the tab is signed out.
func TestSwitcher_HiddenWithoutAChoice(t *testing.T) {
	t.Parallel()
	_, tab := onSwitcher(t, "bob", "globex")
	seen := func(want bool) {
		t.Helper()
		chrome.Await(t, tab, fmt.Sprintf(`%s.querySelector("[part=button]").checkVisibility({ visibilityProperty: true }) === %v`, switcherTree, want))
	}
	chrome.Await(t, tab, `tabard.state.organizations?.length === 1`)
	seen(false)
	alice := chrome.Person(t, tab)
	chrome.Go(t, alice, chrome.Eval[string](t, tab, `location.origin`))
	tab = alice
	demo.AwaitScreen(t, tab, "signed_out")
	seen(false)
}

// TestSwitcher_PropertiesSetBeforeDefinition: a page may set properties before the
// element is defined.
func TestSwitcher_PropertiesSetBeforeDefinition(t *testing.T) {
	t.Parallel()
	d := demo.StartWith(t, "../../js/examples/plain")
	tab := chrome.Guest(t)
	chrome.Before(t, tab, `new MutationObserver((_, observer) => {
		const early = document.querySelector("tabard-switcher:not(:defined)");
		if (!early) return;
		observer.disconnect();
		early.texts = { choose: "Organization wählen" };
	}).observe(document, { subtree: true, childList: true });`)
	example.SignIn(t, d, tab, "/", "alice")
	chrome.Await(t, tab, switcherTree+`.querySelector("[part=name]").textContent === "Organization wählen"`)
}
