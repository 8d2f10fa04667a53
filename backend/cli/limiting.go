package cli

import (
	"fmt"
	"log/slog"
	"net/http"
	"net/netip"
	"strconv"
	"strings"
	"sync"

	"github.com/tabard-auth/tabard/backend/limits"
	"github.com/tabard-auth/tabard/backend/publicurl"
)

// parseLimits parses the value of --rate-limits: 0, or three numbers.
func parseLimits(text string) (most limits.Most, err error) {
	if text == "0" {
		return most, nil
	}
	parts := strings.Split(text, ",")
	if len(parts) != 3 {
		return most, fmt.Errorf("%q is neither 0 nor three numbers", text)
	}
	for i, into := range []*int{&most.Refused, &most.SignIns, &most.Session} {
		n, err := strconv.ParseUint(strings.TrimSpace(parts[i]), 10, 31)
		if err != nil {
			return most, fmt.Errorf("%q is not a number of requests: pass whole numbers, 0 for no limit", parts[i])
		}
		*into = int(n)
	}
	return most, nil
}

// clients returns the client that a request counts for.
type clients struct {
	trusted proxies
	tls     bool // the public URL is https: this server speaks no TLS, so there is a proxy
	unknown func()
}

// limit puts limits before a handler.
func (s *settings) limit(log *slog.Logger, trusted proxies, next http.Handler) (http.Handler, error) {
	public, err := publicurl.Parse(s.publicURL)
	if err != nil {
		return nil, err
	}
	most, err := parseLimits(s.rateLimits)
	if err != nil {
		return nil, err // checked
	}
	if most == (limits.Most{}) {
		return next, nil
	}
	c := clients{trusted, public.Scheme == "https", sync.OnceFunc(func() {
		log.Warn("requests come by way of a proxy that does not say for whom, or that --trusted-proxies does not name; they are not limited by network")
	})}
	return limits.New(most, nil).Wrap(strings.TrimSuffix(public.Path, "/"), c.of, next), nil
}

// of returns the client of a request. Where every client seems to be the proxy, no network
// is counted: one person's requests would refuse all others. This machine's own requests
// are not limited at all.
func (c clients) of(r *http.Request) limits.Client {
	sender, err := netip.ParseAddrPort(r.RemoteAddr)
	text := c.trusted.walk(r).client
	client, parse := netip.ParseAddr(text)
	switch {
	case err != nil || parse != nil:
		return limits.Client{}
	case client.Unmap().IsLoopback() && (c.trusted.trust(sender.Addr()) || !forwarded(r) && !c.tls):
		return limits.Client{Exempt: true}
	case !c.trusted.trust(sender.Addr()) && (forwarded(r) || c.tls):
		c.unknown()
		return limits.Client{}
	case c.trusted.trust(client): // a proxy before the last one, or an operator
		return limits.Client{}
	}
	return limits.Client{Address: client}
}
