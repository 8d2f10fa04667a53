package cli

import (
	"net/http"
	"net/netip"
	"strings"

	"github.com/tabard-auth/tabard/backend/host/metrics"
	"github.com/tabard-auth/tabard/backend/publicurl"
)

// metricsAccess decides on access to the metrics: for this machine and the networks of
// --metrics-from.
type metricsAccess struct {
	networks proxies
	trusted  proxies
}

// wrap serves the page to admitted clients. Others get the next handler's response, as
// for an unknown path.
func (o metricsAccess) wrap(publicURL string, page, next http.Handler) (http.Handler, error) {
	public, err := publicurl.Parse(publicURL)
	if err != nil {
		return nil, err
	}
	path := strings.TrimSuffix(public.Path, "/") + metrics.Path
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		reading := r.Method == http.MethodGet || r.Method == http.MethodHead
		if reading && r.URL.Path == path && o.admit(r) {
			page.ServeHTTP(w, r)
			return
		}
		next.ServeHTTP(w, r)
	}), nil
}

// admit reports whether the client may read the metrics. It refuses requests through an
// untrusted proxy, whose client is unknown. A request through a proxy is never from
// this machine.
func (o metricsAccess) admit(r *http.Request) bool {
	sender, err := netip.ParseAddrPort(r.RemoteAddr)
	if err != nil || forwarded(r) && !o.trusted.trust(sender.Addr()) {
		return false
	}
	client, err := netip.ParseAddr(o.trusted.client(r))
	if err != nil {
		return false
	}
	return o.networks.trust(client) || client.Unmap().IsLoopback() && !forwarded(r)
}

// forwarded reports whether a request came through a proxy, by its headers.
func forwarded(r *http.Request) bool {
	for _, name := range []string{"X-Forwarded-For", "X-Forwarded-Host", "X-Forwarded-Proto", "Forwarded", "X-Real-Ip", "Via"} {
		if len(r.Header[name]) > 0 {
			return true
		}
	}
	return false
}
