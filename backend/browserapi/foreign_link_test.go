package browserapi_test

import (
	"net/http"
	"net/url"
	"regexp"
	"strings"
	"testing"

	"github.com/tabard-auth/tabard/backend/api"
	"github.com/tabard-auth/tabard/browser_test/kit/httpbrowser"
)

var links = regexp.MustCompile(`<a href="([^"]*)">([^<]*)</a>`)

// linksOf returns the addresses of a page's links by their text.
func linksOf(page httpbrowser.Response) map[string]string {
	all := map[string]string{}
	for _, found := range links.FindAllStringSubmatch(page.Body, -1) {
		all[found[2]] = strings.ReplaceAll(found[1], "&amp;", "&")
	}
	return all
}

// TestForeignLink_AsksFirst checks that following a foreign link neither signs in nor
// signs out.
func TestForeignLink_AsksFirst(t *testing.T) {
	for name, from := range map[string]func(b *httpbrowser.Browser) *httpbrowser.Browser{
		"of another site": func(b *httpbrowser.Browser) *httpbrowser.Browser { return b.With("Sec-Fetch-Site", "cross-site") },
		"of another site, with our Referer": func(b *httpbrowser.Browser) *httpbrowser.Browser {
			return b.With("Sec-Fetch-Site", "cross-site").With("Referer", origin+"/")
		},
		"of a sibling host": func(b *httpbrowser.Browser) *httpbrowser.Browser {
			return b.With("Sec-Fetch-Site", "same-site").With("Referer", "http://evil.localhost:8080/")
		},
		"of a sibling that tells nothing": func(b *httpbrowser.Browser) *httpbrowser.Browser {
			return b.With("Sec-Fetch-Site", "same-site").Without("Referer")
		},
		"of a message or a bookmark": func(b *httpbrowser.Browser) *httpbrowser.Browser {
			return b.With("Sec-Fetch-Site", "none").Without("Referer")
		},
		"of nothing that tells": func(b *httpbrowser.Browser) *httpbrowser.Browser {
			return b.Without("Sec-Fetch-Site").Without("Referer")
		},
		"of a strange header": func(b *httpbrowser.Browser) *httpbrowser.Browser { return b.With("Sec-Fetch-Site", "Same-Origin") },
	} {
		for _, query := range []string{"return_to=/notes?a=1%26b=2", "prompt=none&return_to=/notes?a=1%26b=2", "organization=acme&login_hint=eve&return_to=/notes?a=1%26b=2"} {
			t.Run(name+", "+query, func(t *testing.T) {
				w := newBackend(t, nil)
				b := w.signedIn("alice")
				_, before := w.theSession(b)
				page := from(b).Login(query)
				silent := strings.Contains(query, "prompt=none")
				if want := map[bool]int{true: http.StatusForbidden, false: http.StatusOK}[silent]; page.Status != want || page.URL.Host != "localhost:8080" {
					t.Fatalf("%d at %s, want %d here\n%s", page.Status, page.URL, want, page.Body)
				}
				if _, after := w.theSession(b); after != before || len(page.Cookies()) != 0 {
					t.Errorf("the browser keeps %v", b.Cookies())
				}
				all := linksOf(page)
				if all["Go to Web"] != origin+"/" {
					t.Errorf("the page leads to %v", all)
				}
				on, err := url.Parse(all["Continue to sign in"])
				if err != nil || on.Query().Get("prompt") == "none" || on.Query().Get("login_hint") != map[bool]string{true: "eve"}[strings.Contains(query, "eve")] {
					t.Fatalf("the page goes on to %v", on)
				}
				// The link is now on the backend's own page, as browsers report.
				if got := b.Choose(b.Follow(on.String()), "alice"); got.URL.String() != origin+"/notes?a=1&b=2" {
					t.Errorf("pressed, it led to %s: %s", got.URL, got.Body)
				}
			})
		}
	}
}

// TestForeignLink_OwnPagesGoOn checks that a navigation from the workspace's pages goes
// directly to the provider, also without Fetch Metadata.
func TestForeignLink_OwnPagesGoOn(t *testing.T) {
	w := newBackend(t, nil)
	for name, b := range map[string]*httpbrowser.Browser{
		"same-origin":                        w.browser(),
		"same-origin without a Referer":      w.browser().Without("Referer"),
		"a registered sibling":               w.Browser(sibling),
		"no Fetch Metadata":                  w.browser().Without("Sec-Fetch-Site").Without("Sec-Fetch-Mode").Without("Sec-Fetch-Dest"),
		"no Fetch Metadata, a sibling":       w.Browser(sibling).Without("Sec-Fetch-Site"),
		"no Fetch Metadata, a long Referer":  w.browser().Without("Sec-Fetch-Site").With("Referer", origin+"/notes?a=1"),
		"no Fetch Metadata, our page before": w.browser().Without("Sec-Fetch-Site").With("Referer", publicURL+"/callback"),
	} {
		if got := b.Step(publicURL + "/login?app=web"); got.Status != http.StatusSeeOther {
			t.Errorf("%s: %d %s", name, got.Status, got.Body)
		}
	}
}

// Only navigations get the page. Other requests, and those that are not a sign-in of an
// app, are refused.
func TestForeignLink_UnknownAppsAndScripts(t *testing.T) {
	w := newBackend(t, nil)
	b := w.browser().With("Sec-Fetch-Site", "cross-site")
	w.wants(b.With("Accept", "*/*").Step(publicURL+"/login"), http.StatusForbidden, api.OriginNotAllowed)
	for _, query := range []string{"app=nope", "return_to=https://evil.example/"} {
		got := b.Step(publicURL + "/login?" + query)
		w.wants(got, http.StatusBadRequest, api.InvalidRequest)
		if _, goesOn := linksOf(got)["Continue to sign in"]; goesOn || strings.Contains(got.Body, "evil.example") {
			t.Errorf("%s: %s", query, got.Body)
		}
	}
}

// TestForeignLink_RetryAsksFirst checks that the page of a failure does not make a
// foreign link one of the app's: whoever tries again is asked, and no step-up begins.
func TestForeignLink_RetryAsksFirst(t *testing.T) {
	for _, query := range []string{"return_to=/notes", "prompt=none&return_to=/notes", "return_to=/notes&user=usr_1", "", "return_to=/notes&ask=1"} {
		w := newBackend(t, nil)
		faulty := w.Failing()
		faulty.Fail(1, false)
		b := w.browser()
		got := b.With("Sec-Fetch-Site", "cross-site").Login(query)
		retry := firstLink(w, got, http.StatusServiceUnavailable)
		faulty.Fail(0, false)
		asked := b.Follow(retry)
		on := linksOf(asked)["Continue to sign in"]
		if len(asked.Cookies()) != 0 || on == "" || strings.Contains(on, "user=") || strings.Contains(on, "ask=") {
			t.Fatalf("%q: %s led to %s, and on to %q: %s", query, retry, asked.URL, on, asked.Body)
		}
		if landed := b.Choose(b.Follow(on), "alice"); landed.URL.Host != "localhost:8080" || landed.URL.Path == "/auth/login" {
			t.Errorf("%q: it led to %s", query, landed.URL)
		}
		w.mint(b, "acme")
	}
}
