package tab

import (
	"cmp"
	"strings"

	"github.com/tabard-auth/tabard/backend/api"
)

// SignIn navigates to the sign-in, for an organization (empty: the one that the
// tab wore last, if any), and back to returnTo. Whoever signs in may be somebody
// else, so what the tab held is left behind.
func (t *Tab) SignIn(organization, returnTo string) {
	b := &t.binding
	t.mu.Lock()
	wanted := b.wanted
	t.mu.Unlock()
	to := t.beginSignIn(t.config.loginURL(cmp.Or(organization, wanted)), "", returnTo)
	t.mu.Lock()
	defer t.mu.Unlock()
	t.mints.abortAll(errOvertaken)
	b.record.Held, b.record.User, b.record.Session = nil, api.User{}, ""
	b.setPending(organization)
	t.save()
	t.env.Page.Navigate(to)
}

// begin begins a sign-in at an address of the backend's and returns where the page goes
// on: a request says by its Origin which page begins it, whatever its Referer policy, and
// proves the device key. Where no good answer comes, as of the release before, the page
// goes to the address itself.
func (t *Tab) beginSignIn(url, user, returnTo string) string {
	jkt := thumbprint(t.env.Device, t.deviceKey())
	direct := withQuery(withQuery(withQuery(url, api.ParamJKT, jkt), api.ParamUser, user), api.ParamReturnTo, returnTo)
	path, own := strings.CutPrefix(withQuery(withQuery(url, api.ParamUser, user), api.ParamReturnTo, returnTo), t.config.Backend)
	if !own {
		return direct
	}
	t.mu.Lock()
	c := t.newCallLocked()
	t.mu.Unlock()
	v, err := t.send(c, "POST", path, "{}")
	if to := DecodeLoginResponse(v).Location; err == nil && strings.HasPrefix(to, "http") {
		return to
	}
	return direct
}

// loginURL is where a sign-in for an organization starts.
func (c *Config) loginURL(organization string) string {
	url := withQuery(c.Backend+api.PathLogin, api.ParamApp, c.App)
	return withQuery(url, api.ParamOrganization, organization)
}

// stepUpURL is where a step-up for an organization starts: at the refusal's address, which
// may be relative to the backend's base, or at the sign-in where that is no address of a page.
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
