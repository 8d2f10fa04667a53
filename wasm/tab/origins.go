package tab

import (
	"strings"
	"time"

	"github.com/tabard-auth/tabard/backend/api"
)

// An app can have an origin for each organization (api.Origins). Browsers keep storage,
// channels, locks and device keys by origin, so a tab cannot hear of a sign-out at another
// one. Its record therefore keeps no tokens, and it asks more often; see record.save and
// binding.staleAfter. A page whose origin has no session joins the browser's, and a switch
// to an organization of another origin leaves the page.

// joinAgain is the time after which a tab tries the silent sign-in again.
const joinAgain = time.Minute

// join brings the browser's session to the page's origin, after the backend has refused the
// page because the origin has none. It reports whether it is there. Otherwise the page leaves
// for a silent sign-in, or the person is asked.
func (t *Tab) join(refused *Error) bool {
	t.mu.Lock()
	code := t.config.Join
	t.config.Join = ""
	t.mu.Unlock()
	if code != "" {
		if _, err := t.send(t.newCall(), "POST", api.PathHandoverJoin, EncodeJoinRequest(api.JoinRequest{Code: code})); err == nil {
			return true
		}
	}
	t.mu.Lock()
	defer t.mu.Unlock()
	b := &t.binding
	if !b.opens(b.wanted) {
		return false
	}
	wall := t.clock.Wall()
	if since := wall - b.record.Asked; refused.silentURL == "" || b.isDenied() || since >= 0 && since < joinAgain {
		t.showNotJoined(refused)
		return false
	}
	b.record.Asked = wall
	t.save()
	if t.env.Session.Item(t.config.Key) == "" { // storage is blocked: the page would leave again and again
		t.showNotJoined(refused)
		return false
	}
	t.env.Join(refused.silentURL)
	time.AfterFunc(Timeout, t.OnNotJoined) // the page may not have left
	return false
}

// OnNotJoined is called when the page could not leave for a silent sign-in. The person is
// asked instead.
func (t *Tab) OnNotJoined() {
	t.mu.Lock()
	defer t.mu.Unlock()
	if b := &t.binding; !t.closed && b.state.Status == Starting && b.record.Asked != 0 && t.mints[b.id(b.wanted)] == nil {
		t.showNotJoined(newError(api.OriginNotJoined, "the browser is signed in at another address of this app; continue here, too"))
	}
}

// showNotJoined asks the person: for the organization that the tab was to act for, or to sign
// in where none is named.
func (t *Tab) showNotJoined(err *Error) {
	b := &t.binding
	if b.wanted == "" {
		t.deactivate(SignedOut, err)
		return
	}
	b.deactivate(Ended)
	b.state.Denied, b.state.Organization, b.listed = b.wanted, b.lookup(b.wanted), t.clock.now()
	t.show(Ended, err)
	t.save()
}

// Lead asks the backend for the way to the origin of an organization, by id or slug, or to
// the app's own page, if organization is empty. If the organization does not admit the
// person, the page stays.
func (t *Tab) Lead(organization string) (api.OriginResponse, *Error) {
	t.mu.Lock()
	t.checkSleep()
	body := EncodeOriginRequest(api.OriginRequest{Organization: organization, User: t.binding.record.User.ID})
	c := t.newCallLocked()
	t.mu.Unlock()
	v, err := t.send(c, "POST", api.PathHandoverOrigin, body)
	if err != nil {
		t.mu.Lock()
		defer t.mu.Unlock()
		t.refused(organization, err)
	}
	return DecodeOriginResponse(v), err
}

// leave leads to the origin of an organization, if that is another one than the page's. The
// code for the page there stands in the fragment of its address, which is sent to no server.
func (t *Tab) leave(organization string) (r SwitchResult, leaves bool) {
	t.mu.Lock()
	t.checkEpoch()
	if t.binding.stays(organization) || t.switches.hasEntered(organization) {
		t.mu.Unlock()
		return SwitchResult{}, false
	}
	t.switches.last++
	number := t.switches.last
	t.mu.Unlock()
	to, err := t.Lead(organization)
	t.mu.Lock()
	defer t.mu.Unlock()
	if number != t.switches.last {
		err = errOvertaken
	}
	switch {
	case err != nil:
		return SwitchResult{Status: outcome(err), Error: err}, true
	case to.Origin == t.config.Origin && organization == "":
		return SwitchResult{Status: Refused, Error: errNoName}, true
	case to.Origin == t.config.Origin:
		return SwitchResult{}, false
	}
	t.env.Page.Navigate(withCode(to.URL, to.Code))
	return SwitchResult{Status: Leaving, Error: errLeaving}, true
}

// Address returns the address at which a new tab acts for an organization at its own origin:
// at path there, or at the app's first page.
func (t *Tab) Address(organization, path string) (string, *Error) {
	to, err := t.Lead(organization)
	if err != nil {
		return "", err
	}
	if path != "" {
		to.URL = to.Origin + path
	}
	return withCode(to.URL, to.Code), nil
}

// withCode adds the code for the page at an address.
func withCode(url, code string) string {
	if code == "" {
		return url
	}
	mark := "#"
	if strings.Contains(url, mark) {
		mark = "&"
	}
	return url + mark + "tabard_join=" + escape(code)
}

// stays reports whether the tab enters an organization without asking for the way to its
// origin.
func (b *binding) stays(organization string) bool {
	return organization != "" && (b.record.Origins == nil || b.isActive(organization))
}

// hasEntered reports whether the page has entered an organization and follows now; see
// [Tab.Enter].
func (s *switches) hasEntered(organization string) bool {
	return s.entered != nil && matches(&s.entered.answer.Organization, organization)
}

// staleAfter returns the age of a token at which a tab that is looked at asks whether its
// session goes on: any, where a sign-out at another origin may have ended it.
func (b *binding) staleAfter() time.Duration {
	if b.record.Origins != nil {
		return 0
	}
	return staleAfter
}

// choosesAmongOrigins reports whether the person is to choose an organization, in a tab that
// cannot hear of a sign-out at another origin.
func (b *binding) choosesAmongOrigins() bool {
	return b.record.Origins != nil && b.state.Status == Choose
}

// confirm forgets the tokens of a page that is shown again, if a sign-out at another origin
// may have ended them: none is handed out before the backend has answered. A page that was
// left for a silent sign-in asks how it ended.
func (t *Tab) confirm() {
	t.mu.Lock()
	defer t.mu.Unlock()
	b := &t.binding
	switch {
	case b.record.Origins != nil && b.state.Status == Active:
		b.record.Held = nil
		go t.settle()
	case b.record.Asked != 0 && b.state.Status == Starting: // back from a silent sign-in
		go t.settle()
	}
}
