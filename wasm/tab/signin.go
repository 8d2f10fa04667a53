package tab

import (
	"cmp"
	"strings"

	"github.com/tabard-auth/tabard/backend/api"
)

// Hints are further parameters of a sign-in.
type Hints struct {
	// Prompt and LoginHint are passed on to the provider.
	Prompt, LoginHint string
	// Email is the person's address, whose domain may lead to their provider.
	Email string
	// SessionCookie is "true" if the session shall end with the browser, "false" if it
	// shall outlive it, and empty for what the workspace says.
	SessionCookie string
	// Account is api.AnotherAccount, or the person's id, for a sign-in beside the people
	// who are signed in.
	Account string
}

// SignIn navigates to the sign-in for an organization (empty: the tab's last one, if
// any), and back to returnTo. Another person may sign in, so the tab drops its tokens.
func (t *Tab) SignIn(organization, returnTo string, hints Hints) *Error {
	b := &t.binding
	t.mu.Lock()
	wanted := b.wanted
	t.mu.Unlock()
	if hints.Email != "" || hints.Account != "" || !isName(wanted) { // it may lead somewhere else, or the page names what is none
		wanted = ""
	}
	url := withQuery(t.config.loginURL(cmp.Or(organization, wanted)), api.ParamPrompt, hints.Prompt)
	url = withQuery(withQuery(url, api.ParamLoginHint, hints.LoginHint), api.ParamSessionCookie, hints.SessionCookie)
	if hints.Account != "" {
		return t.addAccount(url, returnTo, hints)
	}
	to := t.beginSignIn(url, "", returnTo, hints.Email)
	t.mu.Lock()
	defer t.mu.Unlock()
	t.forgetPerson()
	b.setPending(organization)
	t.save()
	t.clearNote()
	t.env.Page.Navigate(to)
	return nil
}

// noteKey names the item by which the client notes that the tab has left for a sign-in that
// did not wait for the module. It has the organization that was asked for.
func (c *Config) noteKey() string { return c.Key + ":left" }

// readNote does what [Tab.SignIn] had done to the record.
func (t *Tab) readNote() {
	if note, err := t.env.Parse(t.env.Session.Item(t.config.noteKey())); err == nil && note != nil {
		t.forgetPerson()
		t.binding.setPending(text(note, "organization"))
	}
}

func (t *Tab) clearNote() {
	if key := t.config.noteKey(); t.env.Session.Item(key) != "" {
		t.env.Session.SetItem(key, "")
	}
}

// forgetPerson drops the tokens and the person, because another one may sign in.
func (t *Tab) forgetPerson() {
	t.mints.abortAll(errOvertaken)
	r := &t.binding.record
	r.Held, r.User, r.Session, r.Several = nil, api.User{}, "", false
	t.bindPerson()
}

// SignedIn is called when a sign-in in a window of its own has ended, which
// [Tab.StepUpURL] began. The tab enters an organization, if one is named, or finds its own.
func (t *Tab) SignedIn(organization string) {
	t.mu.Lock()
	t.forgetPerson()
	t.mu.Unlock()
	if organization == "" || t.switchHere(organization).Status != Switched {
		t.settle()
	}
}

// beginSignIn starts a sign-in at the backend and returns the address to navigate to.
// It sends a request rather than navigating, because a request names the page's origin
// whatever its Referrer-Policy is, and proves the device key. If the response is no
// address, as in the previous release, the page navigates to the backend itself, without
// the e-mail address: addresses of pages are logged on their way.
func (t *Tab) beginSignIn(url, user, returnTo, email string) string {
	t.mu.Lock()
	key := "" // of a sign-in that ends the others, or of the person's step-up
	if user != "" {
		key = t.binding.record.person()
		t.binding.record.Look = true
	}
	t.mu.Unlock()
	jkt := thumbprint(t.env.Device, t.deviceKey(key))
	direct := withQuery(withQuery(withQuery(url, api.ParamJKT, jkt), api.ParamUser, user), api.ParamReturnTo, returnTo)
	path, own := strings.CutPrefix(withQuery(withQuery(url, api.ParamUser, user), api.ParamReturnTo, returnTo), t.config.Backend)
	if !own {
		return direct
	}
	t.mu.Lock()
	c := t.newCallLocked()
	c.key, c.fixed = key, true
	t.mu.Unlock()
	v, err := t.send(c, "POST", path, EncodeLoginRequest(api.LoginRequest{Email: email}))
	if to := DecodeLoginResponse(v).Location; err == nil && strings.HasPrefix(to, "http") {
		return to
	}
	return direct
}

// loginURL returns the address at which a sign-in for an organization starts.
func (c *Config) loginURL(organization string) string {
	url := withQuery(c.Backend+api.PathLogin, api.ParamApp, c.App)
	return withQuery(url, api.ParamOrganization, organization)
}

// stepUpURL returns the address at which a step-up for an organization starts: the
// refusal's, which may be relative to the backend's base, or the sign-in if that is no
// address of a page.
func (c *Config) stepUpURL(organization, given string) string {
	switch {
	case strings.HasPrefix(given, api.PathLogin):
		return c.Backend + given
	case strings.HasPrefix(given, "http"):
		return given
	}
	return c.loginURL(organization)
}

// withQuery adds a query parameter, unless the value is empty or the URL has
// the parameter already.
func withQuery(url, name, value string) string {
	if value == "" || strings.Contains(url, "?"+name+"=") || strings.Contains(url, "&"+name+"=") {
		return url
	}
	mark := "?"
	if strings.Contains(url, "?") {
		mark = "&"
	}
	return url + mark + name + "=" + escape(value)
}

// escape percent-encodes all but the unreserved characters (RFC 3986 section 2.3).
func escape(s string) string {
	const hex = "0123456789ABCDEF"
	var b []byte
	for i := range len(s) {
		c := s[i]
		switch {
		case 'a' <= c && c <= 'z', 'A' <= c && c <= 'Z', '0' <= c && c <= '9', strings.IndexByte("-._~", c) >= 0:
			b = append(b, c)
		default:
			b = append(b, '%', hex[c>>4], hex[c&15])
		}
	}
	return string(b)
}
