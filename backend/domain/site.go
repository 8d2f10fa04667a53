package domain

import (
	"net"
	"net/url"

	"golang.org/x/net/publicsuffix"
)

// Site returns the schemeful site of an address, as SameSite compares it: the scheme and
// the registrable domain (RFC 6265bis section 5.2).
func Site(u *url.URL) string {
	host := u.Hostname()
	if net.ParseIP(host) == nil {
		if domain, err := publicsuffix.EffectiveTLDPlusOne(host); err == nil {
			host = domain
		}
	}
	return u.Scheme + "://" + host
}

// Registrable reports whether a host is a registered domain or below one. Below a public
// suffix anybody can have hosts, and each of them is a site of its own.
func Registrable(host string) bool {
	_, err := publicsuffix.EffectiveTLDPlusOne(host)
	return err == nil
}
