package doctor

import (
	"context"
	"encoding/json"
	"net/http"
	"net/url"
	"slices"
	"strings"

	"github.com/tabard-auth/tabard/backend/api"
	"github.com/tabard-auth/tabard/backend/directory"
	"github.com/tabard-auth/tabard/backend/domain"
	"github.com/tabard-auth/tabard/backend/signingkey"
)

const (
	publicAddress = "public address"
	origins       = "origins"
	metrics       = "metrics"

	metricsPath = "/metrics" // same as in package metrics, which only the server imports
)

// publicAddress checks that browsers reach this backend at its public URL.
func (e *examination) publicAddress(ctx context.Context) (reached bool) {
	base := strings.TrimSuffix(e.PublicURL, "/")
	m, same := e.steady(ctx, base)
	switch {
	case !same:
		return false
	case m.answer != nil && m.err != nil && e.hidesDots(ctx, base):
		e.add(publicAddress, Problem, "Let the proxy pass on paths with /.well-known/ below "+base+"/ (nginx: no location ~ /\\. before it).",
			"%s: the proxy refuses paths with a dot: %v", base+api.PathOpenIDConfiguration, m.err)
		return false
	case m.answer != nil && m.status == http.StatusServiceUnavailable && e.failsReadiness(ctx):
		e.add(publicAddress, Look, "See readiness.", "%s: this backend answers there, and is not ready", base)
		return false
	case m.err != nil:
		e.add(publicAddress, Problem, unreachable(m.err, "Start the server, and let the proxy forward everything below "+base+"/ to it with the path unchanged."),
			"%s: this backend does not answer there: %v", base, m.err)
		return false
	case m.issuer != base:
		e.add(publicAddress, Problem, "Give the server there the same --public-url as this command, or correct this one.",
			"%s: the public URL of the server there is %q", base, m.issuer)
		return false
	}
	e.ok(publicAddress, "%s answers under this name", base)
	e.transport(m.answer)
	e.sameKeys(ctx, base)
	e.clientFiles(ctx, base)
	e.metrics(ctx, base)
	return true
}

// metrics checks that a proxy does not publish the metrics. The server speaks no TLS:
// behind https there is a proxy.
func (e *examination) metrics(ctx context.Context, base string) {
	if !strings.HasPrefix(base, "https://") {
		return
	}
	switch a, err := e.get(ctx, base+metricsPath); {
	case err != nil:
		e.add(metrics, Look, "The server's metrics must not be public.", "%s: %v", base+metricsPath, err)
	case a.status == http.StatusOK:
		e.add(metrics, Look, "Unless this machine is in --metrics-from: let the proxy set X-Forwarded-For, or not forward "+metricsPath+". "+
			"Otherwise its requests seem to come from the server's own machine, and the metrics are public.", "%s answers here", base+metricsPath)
	default:
		e.ok(metrics, "%s does not answer here", base+metricsPath)
	}
}

// sameKeys checks that the server there uses the keys of this database.
func (e *examination) sameKeys(ctx context.Context, base string) {
	var set signingkey.Set
	if _, err := e.getJSON(ctx, base+api.PathKeySet, &set); err != nil {
		e.add(publicAddress, Problem, "APIs read it to check tokens. See the server's log.", "its key set cannot be read: %v", err)
		return
	}
	for _, id := range e.keyIDs {
		if !slices.ContainsFunc(set.Keys, func(k signingkey.JWK) bool { return k.ID == id }) {
			e.add(publicAddress, Problem, "Compare --database there and here.",
				"the server there does not publish key %s of this database", id)
			return
		}
	}
	e.ok(publicAddress, "it publishes its signing keys")
}

// origins checks that the apps' pages can use the backend. Only pages on its own site
// get its SameSite=Strict cookie.
func (e *examination) origins(ctx context.Context, public *url.URL, reached bool) {
	if e.workspace == nil {
		return
	}
	if len(e.workspace.Apps) == 0 {
		e.add(origins, Warning, "Describe apps, organizations and people in a workspace file, and run: tabard apply FILE",
			"the workspace has no app yet")
		return
	}
	for _, app := range e.workspace.Apps {
		for _, origin := range app.Origins {
			if app.Disabled {
				e.add(origins, Warning, "Sign-in to it is not possible until the workspace file enables it.", "%s: app %s is disabled", origin, app.ID)
				continue
			}
			e.origin(ctx, public, origin, reached)
		}
	}
}

func (e *examination) origin(ctx context.Context, public *url.URL, origin string, reached bool) {
	page, err := url.Parse(directory.OriginFor(origin, "acme"))
	if err != nil || domain.Site(page) != domain.Site(public) {
		e.add(origins, Problem, "Serve the backend on the app's own host (such as "+origin+"/auth), or on a sibling host of the same registrable domain.",
			"%s is another site than %s: browsers send no cookie", origin, public.Host)
		return
	}
	if page.Scheme != "https" && !directory.Loopback(page.Hostname()) {
		e.add(origins, Problem, "Serve the app over https.", "%s is not https: browsers drop the cookies", origin)
		return
	}
	if directory.IsOriginPattern(origin) {
		e.ok(origins, "%s is on the same site as the backend; serve all of these hosts by the app alone, for their scripts act for the people there", origin)
		return
	}
	e.shortCookies(ctx, public, origin)
	if !reached {
		e.ok(origins, "%s is on the same site as the backend", origin)
		return
	}
	e.admission(ctx, public, origin)
}

// admission sends a request like a page on the origin, without a cookie. A backend that
// has the origin answers login_required.
func (e *examination) admission(ctx context.Context, public *url.URL, origin string) {
	const proxy = "Let the proxy pass Origin, Sec-Fetch-Site and the backend's headers on unchanged, and not cache below the public URL."
	a, err := e.get(ctx, strings.TrimSuffix(e.PublicURL, "/")+api.PathSession, "Origin", origin, "Sec-Fetch-Site", "same-site")
	if err != nil {
		e.add(origins, Problem, proxy, "%s: the backend did not answer: %v", origin, err)
		return
	}
	var body struct{ Error api.Code }
	json.Unmarshal(a.body, &body) // another body leaves the code empty
	allowed := origin == public.Scheme+"://"+public.Host || a.header.Get("Access-Control-Allow-Origin") == origin
	switch {
	case body.Error == api.OriginNotAllowed:
		e.add(origins, Problem, "The server there does not know this origin: check that it uses this database. "+proxy, "%s is refused", origin)
	case a.status != http.StatusUnauthorized || body.Error != api.LoginRequired || !allowed:
		e.add(origins, Problem, proxy, "%s: the backend's answer does not arrive complete (%s)", origin, a.describe())
	case slices.ContainsFunc(a.header.Values("Access-Control-Allow-Origin"), func(v string) bool { return v != origin }) ||
		len(a.header.Values("Access-Control-Allow-Origin")) > 1:
		e.add(origins, Problem, "Let the proxy set no Access-Control- header below the public URL: the backend does, for the workspace's origins alone.",
			"%s: the answer has Access-Control-Allow-Origin: %s, which browsers refuse or which lets other pages in", origin,
			strings.Join(a.header.Values("Access-Control-Allow-Origin"), ", "))
	case !strings.Contains(a.header.Get("Cache-Control"), "no-store"):
		e.add(origins, Problem, "A cache would give one person's answer to another. "+proxy, "%s: the answer arrives without Cache-Control: no-store", origin)
	default:
		e.ok(origins, "%s is on the same site and is accepted", origin)
	}
}
