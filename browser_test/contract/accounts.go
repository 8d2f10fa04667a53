package contract

import (
	"net/http"
	"strings"

	"github.com/tabard-auth/tabard/browser_test/kit/httpbrowser"
)

// tabOf uses a tab of the app Team in a browser, which is new if no tab of it has the name.
func (s *script) tabOf(args []string) error {
	tab := httpbrowser.New(s.tb, Team, s.target.PublicURL).On(httpbrowser.NewDevice(s.tb))
	if browser := s.browsers[args[1]]; browser != nil {
		tab = tab.Sharing(browser)
	}
	s.browsers[args[0]] = tab
	return s.use(args)
}

// add signs a person in for an account, as far as the answer of the callback. A refusal is
// the last answer. The provider may remember a person, and
// then asks for none, until the backend has it ask.
func (s *script) add(args []string) error {
	b := s.browsers[s.browser]
	begun := b.Post("/login?account="+args[0], "{}")
	if begun.Code() != "" {
		return s.sent(begun)
	}
	var to struct {
		Location string `json:"location"`
	}
	begun.JSON(s.tb, &to)
	answer := s.chosen(to.Location, args[1])
	if again := answer.Header.Get("Location"); strings.Contains(again, "prompt=select_account") { // somebody else came back
		answer = s.chosen(again, args[1])
	}
	return s.sent(answer)
}

// chosen returns the answer of the callback after a person was chosen at the provider.
func (s *script) chosen(location, person string) httpbrowser.Response {
	b := s.browsers[s.browser]
	page := b.Step(location)
	if page.Status == http.StatusOK {
		page = b.With("Sec-Fetch-Site", "same-origin").SubmitStep(page.URL.JoinPath("../sign-in").String(), signInForm(page, person))
	}
	return b.Step(page.Header.Get("Location"))
}
