package contract

import (
	"fmt"
	"net/url"
	"strconv"

	"github.com/tabard-auth/tabard/browser_test/kit/httpbrowser"
)

// together begins sign-ins in several tabs of one browser before any answer has arrived,
// so that each answer brings another cookie. All have to come back to where they began.
func (s *script) together(args []string) error {
	n, err := strconv.Atoi(args[0])
	if err != nil {
		return err
	}
	browser := s.browsers[s.browser]
	var tabs []*httpbrowser.Browser
	var pages []httpbrowser.Response
	for i := range n {
		tab := httpbrowser.New(s.tb, s.target.Origin, s.target.PublicURL)
		pages = append(pages, tab.Login("organization="+url.QueryEscape(args[1])+"&return_to="+at(i)))
		browser.Restore(tab.Keep())
		tabs = append(tabs, tab.Sharing(browser))
	}
	for i, tab := range tabs {
		s.answer = tab.Choose(tab.Choose(pages[i], args[2]), args[2])
		if s.answer.URL.Path != at(i) || s.answer.URL.RawQuery != "" {
			return fmt.Errorf("tab %d came back to %s: %d %s", i, s.answer.URL, s.answer.Status, s.answer.Body)
		}
	}
	return nil
}

func at(tab int) string { return fmt.Sprintf("/tab-%d", tab) }
