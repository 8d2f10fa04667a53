package cli

import (
	"fmt"
	"net"
	"net/http"
	"net/netip"
	"slices"
	"strings"
)

// proxies are the networks whose X-Forwarded-For is trusted.
type proxies []netip.Prefix

// parseProxies reads addresses and networks, separated by commas.
func parseProxies(text string) (proxies, error) {
	var all proxies
	for part := range strings.SplitSeq(text, ",") {
		if part = strings.TrimSpace(part); part == "" {
			continue
		}
		network, err := netip.ParsePrefix(part)
		if address, single := netip.ParseAddr(part); err != nil && single == nil {
			network, err = netip.PrefixFrom(address, address.BitLen()), nil
		}
		if err != nil {
			return nil, fmt.Errorf("%q is neither an address nor a network", part)
		}
		all = append(all, network.Masked())
	}
	return all, nil
}

func (p proxies) trust(address netip.Addr) bool {
	return slices.ContainsFunc(p, func(n netip.Prefix) bool { return n.Contains(address.Unmap()) })
}

// client returns the address that a request came from: its sender or, as long as every
// hop is a trusted proxy, the address that X-Forwarded-For names. An entry that the
// client wrote itself is left of the first trusted proxy's and is ignored.
func (p proxies) client(r *http.Request) string {
	if len(p) == 0 {
		if host, _, err := net.SplitHostPort(r.RemoteAddr); err == nil {
			return host
		}
	}
	client, _ := p.walk(r)
	return client
}

// walk returns the client, and the number of forwarded addresses before it.
func (p proxies) walk(r *http.Request) (client string, further int) {
	host, _, err := net.SplitHostPort(r.RemoteAddr)
	if err != nil {
		return r.RemoteAddr, 0
	}
	var hops []string
	if forwarded := r.Header.Values("X-Forwarded-For"); len(forwarded) > 0 {
		hops = strings.Split(strings.Join(forwarded, ","), ",")
	}
	i := len(hops) - 1
	for ; i >= 0; i-- {
		sender, err := netip.ParseAddr(host)
		if err != nil || !p.trust(sender) {
			break
		}
		before, err := netip.ParseAddr(strings.TrimSpace(hops[i]))
		if err != nil {
			break
		}
		host = before.String()
	}
	return host, i + 1
}

// before lets a handler see the client's address as RemoteAddr, without a port. It is
// shown to people and written to the trail; it decides only which wrong keys are counted
// together, and (operators) which clients read the metrics.
func (p proxies) wrap(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		own := *r
		own.RemoteAddr = p.client(r)
		next.ServeHTTP(w, &own)
	})
}
