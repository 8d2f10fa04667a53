package doctor

import (
	"context"
	"net/netip"
	"slices"
	"strings"

	"github.com/tabard-auth/tabard/backend/probe"
)

// foreign sends a probe that says that a page of another site sends it. A proxy that
// writes these headers itself makes such a page the app's own.
func (e *examination) foreign(ctx context.Context, first probed) {
	p, err := e.send(ctx, probe.Foreign)
	if err != nil || p.report.Kind != probe.Foreign {
		return // the proxy refuses other sites itself, or a release before this one
	}
	for _, name := range []string{"Origin", "Sec-Fetch-Site"} {
		if slices.Contains(first.report.Arrived, name) && !slices.Contains(p.report.Arrived, name) {
			e.add(proxy, Problem, "Let the proxy pass it on unchanged (nginx: no proxy_set_header "+name+").",
				"the proxy writes the request's %s itself: requests that another site forges look like the app's own", name)
		}
	}
	e.forged = forgedBy(p.report)
}

// client examines which address the server takes for its client: all limits by network,
// and the addresses that people and the audit log see, follow from it.
func (e *examination) client(p probed) {
	const (
		taken   = "every client seems to be %s, in the log, the audit trail and to people; requests are not limited by network"
		chooses = "every client chooses the address that it seems to have: limits by network, the log, the audit trail and access to the metrics follow it"
		set     = "Let the proxy set X-Forwarded-For to where a request came from (nginx: proxy_set_header X-Forwarded-For $remote_addr; HAProxy: http-request set-header X-Forwarded-For %[src]; Caddy: header_up X-Forwarded-For {remote_host})"
	)
	r := p.report
	behind := e.behind(r)
	switch {
	case !behind:
	case e.forged != "" && r.Trusted:
		e.add(proxy, Problem, set+".", "the proxy passes on the %s of clients: "+chooses, e.forged)
	case r.TrustsAll:
		e.add(proxy, Problem, "Name the networks of the proxies alone.", "--trusted-proxies names every address: "+chooses)
	case r.ForwardedFor && !r.Trusted:
		e.add(proxy, Warning, "Start the server with --trusted-proxies "+r.Sender+", or the network of the proxy.",
			"--trusted-proxies does not name the proxy %s: "+taken, r.Sender, r.Sender)
	case !r.ForwardedFor:
		e.add(proxy, Warning, set+", and name its network in --trusted-proxies.",
			"the proxy %s does not say for whom it asks (X-Forwarded-For): "+taken, r.Sender, r.Sender)
	case r.Unread:
		e.add(proxy, Warning, set+".", "the X-Forwarded-For of the proxy %s is not an address: "+taken, r.Sender, r.Client)
	case r.Further > 0:
		e.add(proxy, Warning, "Add "+r.Client+", or its network, to --trusted-proxies.",
			"--trusted-proxies does not name the proxy %s before the last one: "+taken, r.Client, r.Client)
	default:
		e.own(p, set+".")
	}
}

// behind reports whether a proxy stands before the server. The server speaks no TLS.
func (e *examination) behind(r probe.Report) bool {
	return r.Forwarded || strings.HasPrefix(e.PublicURL, "https://")
}

// own compares the address that the server has of this command with this machine's. An
// address translation (NAT) between them may explain a difference.
func (e *examination) own(p probed, advice string) {
	const taken = "the server takes this command for %s, and it has the address %s: "
	seen, err := netip.ParseAddr(p.report.Client)
	private := func(a netip.Addr) bool { return a.IsPrivate() || a.IsLinkLocalUnicast() || a.IsLoopback() }
	switch {
	case err != nil || !p.local.IsValid() || seen == p.local || private(p.local) && !p.local.IsLoopback() && !private(seen) && seen != p.remote:
		e.ok(proxy, "the server knows where requests come from (this one: %s)", p.report.Client)
	case p.local.IsLoopback() || !private(p.local) || seen == p.remote:
		e.add(proxy, Warning, advice, taken+"the proxy's X-Forwarded-For names another, perhaps the same for every client", seen, p.local)
	default:
		e.add(proxy, Look, advice+" If an address is translated between here and the proxy (NAT), it is right.",
			taken+"it cannot be seen from here whether the proxy names the same for every client", seen, p.local)
	}
}
