package cli

import (
	"fmt"
	"net"
	"net/http"
	"net/netip"
	"slices"
	"strings"

	"github.com/tabard-auth/tabard/backend/probe"
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
	return p.walk(r).client
}

// walked is what a request's senders say of its client.
type walked struct {
	client  string
	further int  // forwarded addresses before the client's
	unread  bool // a trusted proxy forwarded something else than an address
}

func (p proxies) walk(r *http.Request) (w walked) {
	host, _, err := net.SplitHostPort(r.RemoteAddr)
	if err != nil {
		return walked{client: r.RemoteAddr}
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
		before, err := parseHop(strings.TrimSpace(hops[i]))
		if err != nil {
			w.unread = true
			break
		}
		host = before.String()
	}
	w.client, w.further = host, i+1
	return w
}

// parseHop reads a forwarded address, to which some proxies add the port.
func parseHop(text string) (netip.Addr, error) {
	if withPort, err := netip.ParseAddrPort(text); err == nil {
		return withPort.Addr(), nil
	}
	return netip.ParseAddr(text)
}

// trustsAll reports whether addresses that no client has (RFC 5737, RFC 3849) are trusted.
func (p proxies) trustsAll() bool {
	return p.trust(netip.MustParseAddr(probe.ForgedAddress)) || p.trust(netip.MustParseAddr("2001:db8::1"))
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
