package directory

import (
	"fmt"
	"net/netip"
	"net/url"
	"strconv"
	"strings"

	"golang.org/x/net/idna"
)

// checkOrigin returns why a text is no origin, or "". It must be as browsers write it: another
// text would never match.
func checkOrigin(text string) string {
	u, err := url.Parse(text)
	right := ""
	if err == nil {
		right = canonicalOrigin(u)
	}
	switch {
	case strings.Contains(text, "*"):
		return fmt.Sprintf("%q is not an origin: browsers send no wildcards; name each origin, such as https://app.example.com", text)
	case right != "" && right != text && text == u.Scheme+"://"+u.Host && Browsable(u):
		return fmt.Sprintf("%q is not an origin as browsers write it, which is %s", text, right)
	case right != text || !Browsable(u):
		return fmt.Sprintf("%q is not an origin in the form that browsers send, such as https://app.example.com (no path, no trailing slash; http only on localhost)", text)
	}
	return ""
}

// isPath reports whether a text is the path of an app's start page, as browsers write it.
func isPath(text string) bool {
	u, err := url.Parse(text)
	return err == nil && strings.HasPrefix(text, "/") && u.Host == "" && u.EscapedPath() == text && u.JoinPath().EscapedPath() == text && !strings.ContainsAny(text, "\\?#")
}

// Browsable reports whether an address is https, or on the machine itself.
func Browsable(u *url.URL) bool {
	return u.Scheme == "https" || u.Scheme == "http" && Loopback(u.Hostname())
}

// canonicalOrigin returns the origin of an address as browsers write it (WHATWG URL
// section 4.5), or "" if it has none.
func canonicalOrigin(u *url.URL) string {
	host, port := canonicalHost(u.Hostname()), u.Port()
	if host == "" || u.User != nil {
		return ""
	}
	if number, err := strconv.ParseUint(port, 10, 16); err == nil {
		port = strconv.FormatUint(number, 10)
	} else if port != "" {
		return ""
	}
	if port == "" || u.Scheme == "https" && port == "443" || u.Scheme == "http" && port == "80" {
		return u.Scheme + "://" + host
	}
	return u.Scheme + "://" + host + ":" + port
}

// hostnames are as browsers read them (UTS #46, not transitional).
var hostnames = idna.New(idna.MapForLookup(), idna.BidiRule(), idna.Transitional(false), idna.StrictDomainName(false), idna.CheckHyphens(false))

func canonicalHost(host string) string {
	if strings.Contains(host, ":") {
		address, err := netip.ParseAddr(host)
		if err != nil || address.Zone() != "" || address.Is4In6() {
			return ""
		}
		return "[" + address.String() + "]"
	}
	ascii, err := hostnames.ToASCII(host)
	if err != nil || ascii == "" || strings.ContainsFunc(ascii, notInHost) {
		return ""
	}
	labels := strings.Split(strings.TrimSuffix(ascii, "."), ".")
	if last := labels[len(labels)-1]; last == "" || last[0] < '0' || last[0] > '9' {
		return ascii
	}
	if address, err := netip.ParseAddr(ascii); err == nil { // other numeric notations are rejected
		return address.String()
	}
	return ""
}

func notInHost(r rune) bool {
	return r <= ' ' || r >= 0x7f || strings.ContainsRune(`#%/:<>?@[\]^|"`, r)
}
