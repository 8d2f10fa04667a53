package cli

import (
	"net/http"
	"net/netip"
	"strings"

	"github.com/tabard-auth/tabard/backend/host/metrics"
	"github.com/tabard-auth/tabard/backend/publicurl"
)

// operators are those who may know how the server is doing: whoever is on this machine,
// and the networks of --metrics-from.
type metricsAccess struct {
	networks proxies
	trusted  proxies
}

// before lets a page of the backend's answer the operators. To everybody else the
// handler answers as at any address where there is nothing.
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

// admit tells an operator by the client's address. Where a proxy that nobody trusts
// passed the request on, that is not known; and nobody comes from this machine by way of
// a proxy.
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

// forwarded tells a request that says it came by way of a proxy.
func forwarded(r *http.Request) bool {
	for _, name := range []string{"X-Forwarded-For", "X-Forwarded-Host", "X-Forwarded-Proto", "Forwarded", "X-Real-Ip", "Via"} {
		if len(r.Header[name]) > 0 {
			return true
		}
	}
	return false
}
