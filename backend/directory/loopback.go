package directory

import (
	"net/netip"
	"strings"
)

// Loopback reports whether a host name or address is that of the machine itself. Only
// from there do browsers store Secure cookies received over http.
func Loopback(host string) bool {
	if address, err := netip.ParseAddr(host); err == nil {
		return address.IsLoopback()
	}
	return host == "localhost" || strings.HasSuffix(host, ".localhost")
}
