package publicurl

import (
	"strings"

	"github.com/tabard-auth/tabard/backend/directory"
)

const maxReturnTo = 2048

// ReturnAddress returns the address in the app that return_to refers to, for a backend
// with the given public URL. It returns false if that is not an address of the app.
func ReturnAddress(publicURL string, app directory.App, returnTo string) (string, bool) {
	public, err := Parse(publicURL)
	if err != nil {
		return "", false
	}
	return returnAddress(app, Home(public.Scheme+"://"+public.Host, app), returnTo)
}

// returnAddress returns the return address of a sign-in. return_to is an address on one
// of the app's origins, or a path of home, the app's page. Any other address would be
// an open redirect for a person that just signed in (RFC 9700 section 4.11).
//
// It reads addresses as browsers do, not as RFC 3986 does. Only bytes that both read
// alike pass, and after the origin only a character that ends the authority.
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

// unsafe reports whether an address does not need the rune and parsers disagree on it:
// controls, spaces, backslashes, quotes, brackets, and non-ASCII.
func unsafe(r rune) bool {
	return r <= ' ' || r >= 0x7f || strings.ContainsRune("\\\"'<>^`{|}", r)
}

// Home returns the origin of the app's own page: the backend's if the app is served
// there, otherwise the app's first.
func Home(backend string, app directory.App) string {
	for _, origin := range app.Origins {
		if origin == backend {
			return origin
		}
	}
	return app.Origins[0]
}
