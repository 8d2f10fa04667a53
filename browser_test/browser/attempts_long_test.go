//go:build long

package browser

import (
	"strings"
	"testing"
)

// moreAddresses are where a sign-in begins, beside beginAt.
var moreAddresses = []string{
	"/list?sort=name|asc", "/?q=`x`", "/a`b", "/?q=ä&ö=ü", "/#ß", "/日本語?q=検索", "/?a+b=c+d", "/?a&b&=&c=", "/??#?#", "/#", "/?",
	`/"quoted"?"q"#"f"`, "/<b>?<i>#<u>", "/{a}/[b]/(c)", "/a|b^c~d", "/;p=1,2;q", "/a//b///c", "/@user:pass@host",
	`/p\q?r\s#t\u`, "/?" + strings.Repeat("long=", 420), "/" + strings.Repeat("deep/", 600) + "?q",
	"/#" + strings.Repeat("fragment'", 300), "/" + strings.Repeat("a", 199), "/?" + strings.Repeat("b'", 120),
}

// TestSignIn_FromEveryAddress is TestSignIn_FromAnyAddress with more addresses.
func TestSignIn_FromEveryAddress(t *testing.T) {
	t.Parallel()
	signInFrom(t, moreAddresses)
}

// TestSignIn_TwelveTabsByEveryWay is TestSignIn_TwelveTabsAtOnce with the other ways to
// begin.
func TestSignIn_TwelveTabsByEveryWay(t *testing.T) {
	t.Parallel()
	const byLinkAtOwn = `void (location.href = "/auth/login?organization=acme&return_to=" + encodeURIComponent(location.href))`
	for name, begins := range map[string]beginning{
		"by a link":                                         {byLink, false},
		"by a link, answers late":                           {byLink, true},
		"by the client, at an organization's own":           {`void tabard.signIn({ organization: "acme" })`, false},
		"by a link, at an organization's own":               {byLinkAtOwn, false},
		"by a link, at an organization's own, answers late": {byLinkAtOwn, true},
	} {
		t.Run(name, begins.inTwelveTabs)
	}
}

// TestSignIn_TwoServersForADay is TestSignIn_TwoServersOnOneHost with 24 hours.
func TestSignIn_TwoServersForADay(t *testing.T) {
	t.Parallel()
	twoServers(t, 24)
}

// TestSignIn_TwelveTabsAtOnce: twelve tabs without a cookie begin at once at a slow
// provider, or at a backend that is; all of them return. TestSignIn_TwelveTabsByEveryWay
// has more ways to begin.
func TestSignIn_TwelveTabsAtOnce(t *testing.T) {
	t.Parallel()
	beginning{byClient, false}.inTwelveTabs(t)
}
