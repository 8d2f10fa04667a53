package directory

import (
	"net/netip"
	"strings"
)

// Loopback tells a host name or address of the machine itself, where alone browsers
// keep Secure cookies that came over http.
func Loopback(host string) bool {
	if address, err := netip.ParseAddr(host); err == nil {
		return address.IsLoopback()
	}
	return host == "localhost" || strings.HasSuffix(host, ".localhost")
}
