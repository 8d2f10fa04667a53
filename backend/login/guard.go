package login

import (
	"errors"
	"fmt"
	"net/http"
	"net/netip"
	"net/url"
	"slices"
	"strings"

	"github.com/tabard-auth/tabard/backend/directory"
)

// Guarded carries requests to addresses that tenants give, whose answers nobody may
// use to look into the deployment's own network: over https, to hosts that can be
// public. A name says nothing of the address behind it: where the host dials itself,
// NewDialer guards that too; elsewhere the platform has to.
type Guarded struct {
	Next http.RoundTripper
	// Loopback lets the machine itself be reached, also over http: for development.
	Loopback bool
}

// ErrAddress refuses an address that no organization's provider may have.
var ErrAddress = errors.New("login: not a public https address")

// RoundTrip implements http.RoundTripper.
func (g Guarded) RoundTrip(r *http.Request) (*http.Response, error) {
	if err := g.check(r.URL); err != nil {
		return nil, err
	}
	return g.Next.RoundTrip(r)
}

func (g Guarded) check(u *url.URL) error {
	host := u.Hostname()
	if g.Loopback && directory.Loopback(host) && (u.Scheme == "http" || u.Scheme == "https") {
		return nil
	}
	if u.Scheme != "https" || u.User != nil || !publicHost(host) {
		return fmt.Errorf("%w: %s://%s", ErrAddress, u.Scheme, u.Host)
	}
	return nil
}

// publicHost tells a host that can be public: an address of the public network, or a
// name that DNS resolves for everybody. Whatever some resolver reads as an address
// in another notation is neither.
func publicHost(host string) bool {
	if address, err := netip.ParseAddr(host); err == nil {
		return IsPublic(address)
	}
	host = strings.TrimSuffix(strings.ToLower(host), ".")
	labels := strings.Split(host, ".")
	last := labels[len(labels)-1]
	if len(labels) < 2 || slices.Contains(labels, "") || strings.ContainsFunc(host, notInHostname) || last[0] >= '0' && last[0] <= '9' {
		return false
	}
	for _, private := range privateNames {
		if host == private || strings.HasSuffix(host, "."+private) {
			return false
		}
	}
	return true
}

func notInHostname(r rune) bool {
	return (r < 'a' || r > 'z') && (r < '0' || r > '9') && r != '-' && r != '.' && r != '_'
}

// privateNames are the domains that every network has for itself (RFC 6761, RFC 6762,
// RFC 8375, and what clouds and offices use).
var privateNames = []string{"localhost", "local", "internal", "intranet", "lan", "home", "corp", "private", "home.arpa", "localdomain"}

// IsPublic tells an address of the public network: global unicast, and nothing that the
// registries of special-purpose addresses keep for other ends (RFC 6890). An IPv4
// address inside an IPv6 one is judged as what it is, or refused.
func IsPublic(address netip.Addr) bool {
	address = address.Unmap()
	if !address.IsValid() || address.Zone() != "" || address.Is6() && !globalUnicast.Contains(address) {
		return false
	}
	for _, special := range specialUse {
		if special.Contains(address) {
			return false
		}
	}
	return true
}

var globalUnicast = netip.MustParsePrefix("2000::/3")

// specialUse are the IPv4 and IPv6 special-purpose address registries of IANA, of
// IPv6 what lies within globalUnicast: with them the tunnels, which lead to any IPv4.
var specialUse = prefixes(
	"0.0.0.0/8", "10.0.0.0/8", "100.64.0.0/10", "127.0.0.0/8", "169.254.0.0/16", "172.16.0.0/12",
	"192.0.0.0/24", "192.0.2.0/24", "192.88.99.0/24", "192.168.0.0/16", "198.18.0.0/15", "198.51.100.0/24",
	"203.0.113.0/24", "224.0.0.0/4", "240.0.0.0/4",
	"2001::/23", "2001:db8::/32", "2002::/16", "3fff::/20",
)

func prefixes(texts ...string) []netip.Prefix {
	all := make([]netip.Prefix, len(texts))
	for i, text := range texts {
		all[i] = netip.MustParsePrefix(text)
	}
	return all
}
