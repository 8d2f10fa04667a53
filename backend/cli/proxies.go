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

// proxies are the networks whose X-Forwarded-For is trusted, or Forwarded where a request
// has no X-Forwarded-For.
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
// hop is a trusted proxy, the address that it forwards for. An entry that the client
// wrote itself is left of the first trusted proxy's and is ignored.
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

// walk follows a request back to its client.
func (p proxies) walk(r *http.Request) (w walked) {
	host, _, err := net.SplitHostPort(r.RemoteAddr)
	if err != nil {
		return walked{client: r.RemoteAddr}
	}
	hops := hopsOf(r.Header)
	i := len(hops) - 1
	for ; i >= 0; i-- {
		sender, err := netip.ParseAddr(host)
		if err != nil || !p.trust(sender) {
			break
		}
		before, ok := parseHop(hops[i])
		if !ok {
			w.unread = true
			break
		}
		host = before.String()
	}
	w.client, w.further = host, i+1
	return w
}

// hopsOf returns the entries of X-Forwarded-For or, without it, those of Forwarded (RFC
// 7239 section 5.2).
func hopsOf(h http.Header) (hops []string) {
	if list := h.Values("X-Forwarded-For"); len(list) > 0 {
		return strings.Split(strings.Join(list, ","), ",")
	}
	for _, element := range splitUnquoted(strings.Join(h.Values("Forwarded"), ","), ',') {
		hop := ""
		for _, pair := range splitUnquoted(element, ';') {
			if name, value, _ := strings.Cut(pair, "="); strings.EqualFold(strings.TrimSpace(name), "for") {
				hop = value
			}
		}
		hops = append(hops, hop)
	}
	return hops
}

// splitUnquoted splits a text at a separator outside of quotes. It returns nil for "".
func splitUnquoted(text string, separator byte) (parts []string) {
	start, quoted := 0, false
	for i := range len(text) {
		switch {
		case text[i] == '"':
			quoted = !quoted
		case text[i] == separator && !quoted:
			parts, start = append(parts, text[start:i]), i+1
		}
	}
	if text == "" {
		return nil
	}
	return append(parts, text[start:])
}

// parseHop parses an entry: an address, which may have a port, brackets and quotes.
func parseHop(text string) (netip.Addr, bool) {
	text = strings.Trim(strings.TrimSpace(text), `"`)
	if inner, ok := strings.CutPrefix(text, "["); ok && strings.HasSuffix(inner, "]") {
		text = strings.TrimSuffix(inner, "]")
	}
	if with, err := netip.ParseAddrPort(text); err == nil {
		return with.Addr().WithZone(""), true
	}
	address, err := netip.ParseAddr(text)
	return address.WithZone(""), err == nil
}

// trustsAll reports whether addresses that no client has (RFC 5737, RFC 3849) are trusted.
func (p proxies) trustsAll() bool {
	return p.trust(netip.MustParseAddr(probe.ForgedAddress)) || p.trust(netip.MustParseAddr("2001:db8::1"))
}

// wrap lets a handler see the client's address as RemoteAddr, without a port. It is
// shown to people and written to the trail; it decides only which wrong keys are counted
// together, and (operators) which clients read the metrics.
func (p proxies) wrap(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		own := *r
		own.RemoteAddr = p.client(r)
		next.ServeHTTP(w, &own)
	})
}
