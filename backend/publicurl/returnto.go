package publicurl

import (
	"strings"

	"github.com/tabard-auth/tabard/backend/directory"
)

const maxReturnTo = 2048

// ReturnAddress returns where return_to leads in an app, of a backend with that public
// URL; false where it is none of the app's addresses.
func ReturnAddress(publicURL string, app directory.App, returnTo string) (string, bool) {
	public, err := Parse(publicURL)
	if err != nil {
		return "", false
	}
	return returnAddress(app, Home(public.Scheme+"://"+public.Host, app), returnTo)
}

// returnAddress returns where a sign-in goes back to: an address on one of the
// app's origins, for a return_to that is such an address, or a path of home, the
// app's page. Everything else would send a person who just signed in elsewhere (RFC
// 9700 section 4.11).
//
// It reads as browsers do, not as RFC 3986 does: so only bytes pass that both
// read alike, and after the origin only what ends the authority.
func returnAddress(app directory.App, home, returnTo string) (string, bool) {
	if len(returnTo) > maxReturnTo || strings.ContainsFunc(returnTo, unsafe) {
		return "", false
	}
	if returnTo == "" {
		return home + "/", true
	}
	if strings.HasPrefix(returnTo, "/") {
		return home + returnTo, !strings.HasPrefix(returnTo, "//")
	}
	for _, origin := range app.Origins {
		rest, ok := strings.CutPrefix(returnTo, origin)
		if ok && (rest == "" || strings.ContainsRune("/?#", rune(rest[0]))) {
			return returnTo, true
		}
	}
	return "", false
}

// unsafe tells the bytes that no address needs and some parsers read in a way of
// their own: controls, spaces, backslashes, quotes, brackets, all but ASCII.
func unsafe(r rune) bool {
	return r <= ' ' || r >= 0x7f || strings.ContainsRune("\\\"'<>^`{|}", r)
}

// Home returns the origin of the app's own page: the backend's, where the app is
// there, otherwise the app's first.
func Home(backend string, app directory.App) string {
	for _, origin := range app.Origins {
		if origin == backend {
			return origin
		}
	}
	return app.Origins[0]
}
