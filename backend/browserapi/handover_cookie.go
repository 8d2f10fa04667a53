package browserapi

import (
	"strings"

	"github.com/tabard-auth/tabard/backend/authn"
	"github.com/tabard-auth/tabard/backend/handover"
)

// The previous release keeps each hand-over in a cookie of its own. These cookies are set
// while a replica of that release may have to redeem the code, and read for one release.

// maxHandovers is the largest number of such cookies of a browser. They stay within the
// size of all cookies.
const maxHandovers = 2

// beginByCookie sets the cookie of a hand-over and returns its challenge.
func (h *handler) beginByCookie(c *authn.Request) string {
	clearHandovers(c, maxHandovers-1)
	b := handover.Begin(c.Now)
	name := authn.HandoverCookie + cookieSuffix(b.Challenge())
	c.SetHandover(name, b.Seal(h.handovers, name), handover.BeginLife)
	return b.Challenge()
}

// beganByCookie reports whether the browser has the cookie of a code's hand-over, and
// clears it.
func (h *handler) beganByCookie(c *authn.Request, code handover.Code) bool {
	name := authn.HandoverCookie + cookieSuffix(code.Challenge)
	cookies := c.R.CookiesNamed(name)
	if len(cookies) != 1 || cookies[0].Quoted || !code.Began(h.handovers, cookies[0].Value, name, c.Now) {
		return false
	}
	c.SetHandover(name, "", -1)
	return true
}

// clearHandovers clears the oldest pending hand-overs until most are left. Later
// cookies of the header are newer (RFC 6265bis section 5.8.3).
func clearHandovers(c *authn.Request, most int) {
	var names []string
	for _, cookie := range c.R.Cookies() {
		if rest, ours := strings.CutPrefix(cookie.Name, authn.HandoverCookie); ours && !strings.Contains(rest, ".") {
			names = append(names, cookie.Name)
		}
	}
	for len(names) > most {
		c.SetHandover(names[0], "", -1)
		names = names[1:]
	}
}

// cookieSuffix returns the part of a hand-over cookie's name that identifies its
// challenge.
func cookieSuffix(challenge string) string { return challenge[:8] }
