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

// Guarded restricts requests to URLs that tenants choose, so that they cannot reach the
// deployment's own network (SSRF). It requires https and a public host. It does not
// resolve names: the dialer of [NewTransport], or the platform, must also check the
// resolved address.
type Guarded struct {
	Next http.RoundTripper
	// Loopback also allows this machine, with http or https, for development.
	Loopback bool
}

// ErrAddress is the error for a URL that is not allowed.
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

// publicHost reports whether a host can be public: a public IP address, or a name in
// the public DNS. It rejects names that some resolvers read as IP addresses in another
// notation.
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

// privateNames are domains of local networks (RFC 6761, RFC 6762, RFC 8375, and common
// names in clouds and companies).
var privateNames = []string{"localhost", "local", "internal", "intranet", "lan", "home", "corp", "private", "home.arpa", "localdomain"}

// IsPublic reports whether an address is public: global unicast, and not in a
// special-purpose registry (RFC 6890). An IPv4-mapped IPv6 address is checked as IPv4.
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

// specialUse are IANA's special-purpose registries of IPv4 and IPv6 addresses. Of IPv6
// it lists the part within globalUnicast, including tunnels, which can lead to any IPv4
// address.
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
