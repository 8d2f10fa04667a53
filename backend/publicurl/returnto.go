package publicurl

import (
	"cmp"
	"net/url"
	"strings"
	"unicode/utf8"

	"github.com/tabard-auth/tabard/backend/directory"
)

// maxReturnTo is the longest address that a sign-in returns to, in bytes.
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
// Only the origin is security. It is compared byte by byte, and what follows it ends the
// authority for every parser, so that no character after it changes where the browser
// goes. Characters that browsers escape in every part of an address are escaped here; the
// rest stands as it is, so that the browser shows the address that it had. An address of
// the app's that cannot be kept, being relative, too long or with controls in it, becomes
// the app's start there: where to land never keeps anybody from signing in.
func returnAddress(app directory.App, home, returnTo string) (string, bool) {
	returnTo = strings.TrimRight(returnTo, " ")
	visible := strings.NewReplacer("\t", "", "\n", "", "\r", "").Replace(returnTo) // as browsers read it
	origin, rest, ok := splitOrigin(app, home, visible)
	switch {
	case !ok && isRelative(home, visible):
		return Start(app, home), true
	case !ok:
		return "", false
	}
	if rest = escaped(rest); visible != returnTo || !utf8.ValidString(returnTo) || len(rest) > maxReturnTo || strings.ContainsFunc(rest, control) {
		return Start(app, origin), true
	}
	return origin + rest, true
}

// splitOrigin splits an address into an origin of the app's and the rest; false if it is
// of none.
func splitOrigin(app directory.App, home, address string) (origin, rest string, ok bool) {
	if address == "" {
		return home, cmp.Or(app.Path, "/"), true
	}
	if origin, rest, ok = splitAuthority(home, address); ok {
		_, ok = app.HasOrigin(origin)
		return origin, rest, ok
	}
	return home, address, strings.HasPrefix(address, "/") && (len(address) == 1 || address[1] != '/' && address[1] != '\\')
}

// splitAuthority splits an address that names a host into its origin, in the one spelling
// that a workspace file has, and the rest, as browsers read it on a page of home (WHATWG URL
// section 4.4): capitals, backslashes, any number of slashes, a default port. It returns
// false for an address without a host, and for one whose host is written in another way.
func splitAuthority(home, address string) (origin, rest string, ok bool) {
	scheme, address := splitScheme(address)
	own, _, _ := strings.Cut(home, ":")
	host := strings.TrimLeft(address, `/\`)
	if slashes := len(address) - len(host); slashes < 2 && (scheme == "" || scheme == own) {
		return "", "", false
	}
	if scheme = cmp.Or(scheme, own); scheme != "http" && scheme != "https" {
		return "", "", false
	}
	if end := strings.IndexAny(host, `/\?#`); end >= 0 {
		host, rest = host[:end], host[end:]
	}
	if strings.HasPrefix(rest, `\`) {
		rest = "/" + rest[1:]
	}
	host, port := cutPort(strings.ToLower(host))
	if ok = plainHost(host); port != "" && port != defaultPorts[scheme] {
		host += ":" + port
	}
	return scheme + "://" + host, rest, ok
}

// splitScheme cuts the scheme off, in lower case, and what browsers skip before it.
func splitScheme(address string) (scheme, rest string) {
	address = strings.TrimLeftFunc(address, func(r rune) bool { return r <= ' ' })
	if scheme, rest, ok := strings.Cut(address, ":"); ok && isScheme(scheme) {
		return strings.ToLower(scheme), rest
	}
	return "", address
}

var defaultPorts = map[string]string{"http": "80", "https": "443"}

// cutPort cuts the port off, which may be empty or begin with zeros.
func cutPort(host string) (name, port string) {
	at := strings.LastIndexByte(host, ':')
	if at < 0 || strings.Trim(host[at+1:], "0123456789") != "" {
		return host, ""
	}
	return host[:at], strings.TrimLeft(host[at+1:], "0")
}

// plainHost reports whether browsers read a host in lower case as it is written: without
// escapes, user names or characters that are mapped to others.
func plainHost(host string) bool {
	if address, ok := strings.CutPrefix(host, "["); ok { // IPv6
		return strings.Trim(address, "0123456789abcdef:") == "]"
	}
	return host != "" && strings.Trim(host, "abcdefghijklmnopqrstuvwxyz0123456789-.") == ""
}

// isRelative reports whether browsers read an address as a place at home, whatever it is
// (WHATWG URL section 4.4), or as nothing: it names neither another scheme nor a host.
func isRelative(home, address string) bool {
	scheme, address := splitScheme(address)
	if scheme != "" && scheme != "http" && scheme != "https" {
		return false
	}
	host := strings.TrimLeft(address, `/\`)
	own := scheme == "" || strings.HasPrefix(home, scheme+":")
	return own && len(address)-len(host) < 2 || host == "" || host[0] == '?' || host[0] == '#'
}

func isScheme(text string) bool {
	for i, r := range strings.ToLower(text) {
		if (r < 'a' || r > 'z') && (i == 0 || (r < '0' || r > '9') && r != '+' && r != '-' && r != '.') {
			return false
		}
	}
	return text != ""
}

// OriginOf returns the origin of an absolute address, as splitAuthority does, or "".
func OriginOf(address string) string {
	if origin, _, ok := splitAuthority("", address); ok {
		return origin
	}
	return ""
}

// escaped escapes the characters that browsers escape in the path, the query and the
// fragment alike (WHATWG URL section 1.3): spaces, double quotes, angle brackets and all
// but ASCII.
func escaped(text string) string {
	const hex = "0123456789ABCDEF"
	var b strings.Builder
	for i := range len(text) {
		if c := text[i]; c == ' ' || c >= 0x7f || strings.IndexByte(`"<>`, c) >= 0 {
			b.Write([]byte{'%', hex[c>>4], hex[c&15]})
		} else {
			b.WriteByte(c)
		}
	}
	return b.String()
}

func control(r rune) bool { return r < ' ' }

// Start returns the app's first page at one of its origins.
func Start(app directory.App, origin string) string { return origin + cmp.Or(app.Path, "/") }

// Home returns the origin of the app's own page: the backend's, where the app is
// there, otherwise the app's first that stands for itself.
func Home(backend string, app directory.App) string {
	home := ""
	for _, origin := range app.Origins {
		switch {
		case origin == backend:
			return origin
		case home == "" && !directory.IsOriginPattern(origin):
			home = origin
		}
	}
	return home
}

// WithParameter adds a parameter to an address.
func WithParameter(address, name, value string) string {
	address, fragment, marked := strings.Cut(address, "#")
	mark := "?"
	if strings.Contains(address, mark) {
		mark = "&"
	}
	address += mark + url.Values{name: {value}}.Encode()
	if marked {
		address += "#" + fragment
	}
	return address
}
