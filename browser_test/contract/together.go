package contract

import (
	"fmt"
	"net/http"
	"net/url"
	"strconv"
	"strings"

	"github.com/tabard-auth/tabard/browser_test/kit/httpbrowser"
)

// together begins sign-ins in several tabs of one browser before any answer has arrived,
// so that each answer brings another cookie. Two have arrived when the tabs come
// back; each callback that leaves lets another one arrive. All have to come back to
// where they began.
func (s *script) together(args []string) error {
	n, err := strconv.Atoi(args[0])
	if err != nil {
		return err
	}
	browser := s.browsers[s.browser]
	answers := &late{RoundTripper: http.DefaultTransport, browser: browser}
	var tabs []*httpbrowser.Browser
	var pages []httpbrowser.Response
	for i := range n {
		tab := httpbrowser.New(s.tb, s.target.Origin, s.target.PublicURL)
		pages = append(pages, tab.Login("organization="+url.QueryEscape(args[1])+"&return_to="+at(i)))
		answers.kept = append(answers.kept, tab.Keep())
		tab = tab.Sharing(browser)
		tab.Transport = answers
		tabs = append(tabs, tab)
	}
	answers.arrive()
	answers.arrive()
	for i, tab := range tabs {
		s.answer = tab.Choose(tab.Choose(pages[i], args[2]), args[2])
		if s.answer.URL.Path != at(i) || s.answer.URL.RawQuery != "" {
			return fmt.Errorf("tab %d came back to %s: %d %s", i, s.answer.URL, s.answer.Status, s.answer.Body)
		}
	}
	return nil
}

// late keeps answers back that set cookies, and lets one arrive with each callback.
type late struct {
	http.RoundTripper
	browser *httpbrowser.Browser
	kept    []httpbrowser.Kept
}

func (l *late) arrive() {
	if len(l.kept) > 0 {
		l.browser.Restore(l.kept[0])
		l.kept = l.kept[1:]
	}
}

func (l *late) RoundTrip(r *http.Request) (*http.Response, error) {
	if strings.Contains(r.URL.Path, "/callback") { // it carries its cookies already
		l.arrive()
	}
	return l.RoundTripper.RoundTrip(r)
}

func at(tab int) string { return fmt.Sprintf("/tab-%d", tab) }
