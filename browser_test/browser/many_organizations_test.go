package browser

import (
	"fmt"
	"regexp"
	"strings"
	"testing"

	"github.com/tabard-auth/tabard/browser_test/kit/chrome"
	"github.com/tabard-auth/tabard/browser_test/kit/demo"
)

// TestSwitcher_MoreThanAThousand: a person of more organizations than one answer lists reaches
// each: the client lists all of them, the switcher shows all, finds the last by its first letter and
// enters it, and a reload keeps it.
func TestSwitcher_MoreThanAThousand(t *testing.T) {
	t.Parallel()
	d := demo.Start(t)
	before := d.Workspace(t)
	issuer := regexp.MustCompile(`iss: (\S+)`).FindStringSubmatch(before)[1]
	var many strings.Builder
	for i := range 1100 {
		fmt.Fprintf(&many, "  - {id: org_many%04d, slug: many%04d, name: Many %04d, members: [{iss: %q, sub: alice, roles: [viewer]}]}\n", i, i, i, issuer)
	}
	fmt.Fprintf(&many, "  - {id: org_zulu, slug: zulu, name: Zulu, members: [{iss: %q, sub: alice, roles: [viewer]}]}\n", issuer)
	d.Apply(t, strings.Replace(before, "organizations:\n", "organizations:\n"+many.String(), 1))

	tab := chrome.Guest(t)
	d.SignIn(t, tab, "alice")
	d.Open(t, tab, "acme")
	const rows = switcherTree + `.querySelectorAll("[role=menuitemradio]")`
	chrome.PressPart(t, tab, switcherTree+`.querySelector("[part=button]")`)
	chrome.Await(t, tab, rows+`.length === 1104`)
	chrome.Key(t, tab, "z")
	chrome.Await(t, tab, switcherTree+`.activeElement?.dataset.organization === "zulu"`)
	chrome.Key(t, tab, "\r")
	demo.AwaitActive(t, tab, "zulu")
	if got := chrome.Eval[string](t, tab, `tabard.organizations().then((all) => [all.length, new Set(all.map(({ id }) => id)).size, all.at(-1).slug].join())`); got != "1104,1104,zulu" {
		t.Errorf("listed %s", got)
	}
	chrome.Reload(t, tab)
	demo.AwaitActive(t, tab, "zulu")
}
