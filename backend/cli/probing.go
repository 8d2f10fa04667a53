package cli

import (
	"net"
	"net/http"
	"net/netip"
	"strings"
	"time"

	"github.com/tabard-auth/tabard/backend/probe"
	"github.com/tabard-auth/tabard/backend/publicurl"
	"github.com/tabard-auth/tabard/backend/signingkey"
)

// probes answers tabard doctor, which shows by the secret that it may ask. All other
// requests go to the next handler, which knows no such address.
type probes struct {
	*settings
	replica string
	trusted proxies
	secret  func() signingkey.Secret
}

func (p probes) wrap(next http.Handler) (http.Handler, error) {
	public, err := publicurl.Parse(p.publicURL)
	if err != nil {
		return nil, err
	}
	path := strings.TrimSuffix(public.Path, "/") + probe.Path
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path != path || r.Method != http.MethodGet || !p.answer(w, r) {
			next.ServeHTTP(w, r)
		}
	}), nil
}

func (p probes) answer(w http.ResponseWriter, r *http.Request) bool {
	return probe.Answerer{
		Server:  probe.Server{PublicURL: p.publicURL, CookieMark: p.cookieMark, Secret: p.secret()},
		Replica: p.replica, Now: time.Now,
	}.Answer(w, r, p.trusted.way(r))
}

// way is how a request came.
func (p proxies) way(r *http.Request) probe.Way {
	sender, _, err := net.SplitHostPort(r.RemoteAddr)
	if err != nil {
		sender = r.RemoteAddr
	}
	address, err := netip.ParseAddr(sender)
	w := p.walk(r)
	return probe.Way{
		Sender: sender, Client: w.client, Further: w.further, Unread: w.unread, Trusted: err == nil && p.trust(address),
		ForwardedFor: len(hopsOf(r.Header)) > 0, Forwarded: forwarded(r), TrustsAll: p.trustsAll(),
	}
}

// wrapHandler puts probes, and all that comes before the backend's handler, before it.
func (s *server) wrapHandler() (http.Handler, error) {
	handler, err := s.settings.wrapHandler(s, s.metrics)
	if err != nil {
		return nil, err
	}
	trusted, err := parseProxies(s.trustedProxies)
	if err != nil {
		return nil, err // checked
	}
	if handler, err = s.limit(s.log, trusted, handler); err != nil {
		return nil, err // checked
	}
	return probes{s.settings, s.replica, trusted, func() signingkey.Secret { return s.loaded.Load().secret }}.wrap(handler)
}
