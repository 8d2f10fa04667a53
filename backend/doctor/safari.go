package doctor

import (
	"context"
	"net"
	"net/netip"
	"net/url"
	"slices"
	"strings"

	"github.com/tabard-auth/tabard/backend/domain"
)

// Resolver looks up names in DNS; [net.Resolver] implements it.
type Resolver interface {
	LookupCNAME(ctx context.Context, host string) (string, error)
	LookupNetIP(ctx context.Context, network, host string) ([]netip.Addr, error)
}

// The parts of two addresses that have to be equal for Safari to take them for one
// operator's, in bits.
const (
	samePrefix4 = 16
	samePrefix6 = 64
)

// shortCookies checks whether Safari would keep the session's cookie for seven days only.
// It does so where the backend is on another host than the page, and is an alias of
// another site's (CNAME) or in another network.
func (e *examination) shortCookies(ctx context.Context, public *url.URL, origin string) {
	page, err := url.Parse(origin)
	if err != nil || e.Resolver == nil || page.Hostname() == public.Hostname() || local(public.Hostname()) {
		return
	}
	const advice = "Serve the backend on the app's own host, below a path such as /auth, or by the same proxy as the page. " +
		"Otherwise people who use Safari sign in again after seven days, however long the session lasts."
	ctx, stop := context.WithTimeout(ctx, timeout)
	defer stop()
	alias, err := e.Resolver.LookupCNAME(ctx, public.Hostname())
	if err != nil {
		e.add(cookies, Look, advice, "DNS does not say where %s is (%v), so it is not known whether Safari keeps its cookie for seven days only", public.Hostname(), err)
		return
	}
	target := &url.URL{Scheme: page.Scheme, Host: strings.TrimSuffix(alias, ".")}
	if pageAlias, err := e.Resolver.LookupCNAME(ctx, page.Hostname()); domain.Site(target) != domain.Site(page) && (err != nil || pageAlias != alias) {
		e.add(cookies, Warning, advice, "%s is an alias of %s, of another site than %s: Safari keeps the session's cookie for seven days", public.Hostname(), target.Host, origin)
		return
	}
	ours, err := e.Resolver.LookupNetIP(ctx, "ip", public.Hostname())
	theirs, otherErr := e.Resolver.LookupNetIP(ctx, "ip", page.Hostname())
	switch {
	case err != nil || otherErr != nil:
		e.add(cookies, Look, advice, "DNS has no addresses of %s and %s to compare, so it is not known whether Safari keeps the cookie for seven days only", public.Hostname(), page.Hostname())
	case !sameNetwork(ours, theirs):
		e.add(cookies, Warning, advice, "%s (%s) is in another network than %s (%s): Safari keeps the session's cookie for seven days",
			public.Hostname(), ours[0], page.Hostname(), theirs[0])
	default:
		e.ok(cookies, "%s and %s are in one network: Safari keeps the session's cookie", public.Hostname(), page.Hostname())
	}
}

// local reports whether a host is an address, or this machine, and so has no alias.
func local(host string) bool { return host == "localhost" || net.ParseIP(host) != nil }

// sameNetwork reports whether every address of one host is in the network of one of the
// other's, among those of its kind: a browser may take any of them.
func sameNetwork(ours, theirs []netip.Addr) bool {
	if len(ours) == 0 || len(theirs) == 0 {
		return false
	}
	return !slices.ContainsFunc(ours, func(a netip.Addr) bool {
		return !slices.ContainsFunc(theirs, func(b netip.Addr) bool { return samePrefix(a.Unmap(), b.Unmap()) })
	})
}

func samePrefix(a, b netip.Addr) bool {
	bits := samePrefix6
	if a.Is4() {
		bits = samePrefix4
	}
	network, err := a.Prefix(bits)
	return err == nil && network.Contains(b)
}
