package demo

import (
	"context"
	"fmt"
	"testing"

	"github.com/chromedp/chromedp"

	"github.com/tabard-auth/tabard/browser_test/kit/chrome"
)

// switcher is the shadow tree of the package's switcher element.
const switcher = `document.querySelector("tabard-switcher").shadowRoot`

// Choose presses an organization in the switcher's menu.
func Choose(t testing.TB, tab context.Context, organization string) {
	t.Helper()
	chrome.PressPart(t, tab, switcher+`.querySelector("[part=button]")`)
	chrome.PressPart(t, tab, fmt.Sprintf(row, organization))
}

// row is an organization's link in the switcher's menu.
const row = switcher + `.querySelector('[role=menuitemradio][data-organization=%q]')`

// OpenByCtrl presses an organization in the switcher's menu with the key that opens a tab.
func OpenByCtrl(t testing.TB, tab context.Context, organization string) {
	t.Helper()
	chrome.PressPart(t, tab, switcher+`.querySelector("[part=button]")`)
	chrome.PressPart(t, tab, fmt.Sprintf(row, organization), chromedp.ModifierCtrl)
}

// OpenByMiddle presses an organization in the switcher's menu with the middle button.
func OpenByMiddle(t testing.TB, tab context.Context, organization string) {
	t.Helper()
	chrome.PressPart(t, tab, switcher+`.querySelector("[part=button]")`)
	chrome.PressMiddle(t, tab, fmt.Sprintf(row, organization))
}

// OpenInTab presses the arrow beside an organization in the switcher's menu, which opens a tab.
func OpenInTab(t testing.TB, tab context.Context, organization string) {
	t.Helper()
	chrome.PressPart(t, tab, switcher+`.querySelector("[part=button]")`)
	chrome.PressPart(t, tab, fmt.Sprintf(switcher+`.querySelector('[role=menuitemradio][data-organization=%q] + [part=open]')`, organization))
}

// ChooseOthers presses the way to the app's own page in the switcher's menu, at the origin of
// an organization.
func ChooseOthers(t testing.TB, tab context.Context) {
	t.Helper()
	chrome.PressPart(t, tab, switcher+`.querySelector("[part=button]")`)
	chrome.PressPart(t, tab, switcher+`.querySelector("a[part=item][role=menuitem]")`)
}

// Confirm presses the switcher's way to the step-up that an organization asks for.
func Confirm(t testing.TB, tab context.Context) {
	t.Helper()
	chrome.PressPart(t, tab, switcher+`.querySelector("[part=step-up]")`)
}
