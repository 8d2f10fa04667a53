package contract

import (
	"fmt"
	"math/rand/v2"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"sync"

	"github.com/tabard-auth/tabard/browser_test/kit/httpbrowser"
)

// mostCookies is the most that all cookies of a server add to a request, in bytes.
const mostCookies = 2560

// crowd lets many tabs of one browser come back from a sign-in at once, with the cookies
// that it had before. Their answers arrive in any order. All have to come back to where
// they began, and the cookies must not pile up.
func (s *script) crowd(args []string) error {
	n, err := strconv.Atoi(args[0])
	if err != nil {
		return err
	}
	browser := s.browsers[s.browser]
	tabs := make([]*tabOfCrowd, n)
	for i := range tabs {
		page := browser.Login("return_to=" + at(i))
		tabs[i] = &tabOfCrowd{RoundTripper: http.DefaultTransport, browser: browser.Copy(), page: page}
		tabs[i].browser.Transport = tabs[i]
	}
	var all sync.WaitGroup
	for _, tab := range tabs {
		all.Go(func() { tab.landed = tab.browser.Choose(tab.page, args[1]).URL })
	}
	all.Wait()
	for _, i := range rand.Perm(n) {
		if tabs[i].landed.Path != at(i) || tabs[i].landed.RawQuery != "" {
			return fmt.Errorf("tab %d came back to %s", i, tabs[i].landed)
		}
		browser.Receive(tabs[i].answer)
		if size := cookieBytes(browser); size > mostCookies {
			return fmt.Errorf("after tab %d the browser keeps %d bytes: %v", i, size, browser.Cookies())
		}
	}
	return nil
}

// tabOfCrowd is a tab that keeps the answer of its callback.
type tabOfCrowd struct {
	http.RoundTripper
	browser *httpbrowser.Browser
	page    httpbrowser.Response // the provider's
	answer  httpbrowser.Response // of the callback
	landed  *url.URL
}

func (t *tabOfCrowd) RoundTrip(r *http.Request) (*http.Response, error) {
	answer, err := t.RoundTripper.RoundTrip(r)
	if err == nil && strings.Contains(r.URL.Path, "/callback") {
		t.answer = httpbrowser.Response{Status: answer.StatusCode, Header: answer.Header, URL: r.URL}
	}
	return answer, err
}

func cookieBytes(b *httpbrowser.Browser) (n int) {
	for name, value := range b.Cookies() {
		n += len(name) + len(value) + len("=; ")
	}
	return n
}
