package doctor

import (
	"context"
	"encoding/json"
	"errors"
	"maps"
	"net/http"
	"slices"
	"strings"

	"github.com/tabard-auth/tabard/backend/api"
	"github.com/tabard-auth/tabard/backend/probe"
)

const proxy = "proxy"

// The consequence for each header that a proxy keeps or changes.
var requestHeaders = map[string]struct{ name, lost string }{
	"Cookie":         {"Cookie", "nobody stays signed in. Let the proxy pass on the cookies that begin with __Host-Http-tabard below the public URL"},
	"Dpop":           {api.HeaderProof, "sessions with a device key are refused"},
	"Sec-Fetch-Site": {"Sec-Fetch-Site", "requests forged by other sites are told from an app's by Origin alone"},
	"Tabard-Client":  {api.HeaderClient, "every request that changes something is refused"},
	"Tabard-Time":    {api.HeaderTime, "requests of a page that slept are not known as old"},
	"Origin":         {"Origin", "requests from other origins are refused"},
	"Authorization":  {"Authorization", "servers with a key are refused: administration, the feed of endings, sessions across apps"},
}

var answerHeaders = map[string]struct{ name, lost string }{
	"Set-Cookie":       {"Set-Cookie", "nobody stays signed in, or cookies go where they should not"},
	"Dpop-Nonce":       {api.HeaderNonce, "sessions with a device key are refused where the workspace demands nonces"},
	"Retry-After":      {"Retry-After", "clients ask again too soon"},
	"Location":         {"Location", "sign-ins do not lead to the provider, nor back to the app"},
	"Www-Authenticate": {"WWW-Authenticate", "a refused request is not told which authentication it lacks"},
}

// probed is a probe and its outcome.
type probed struct {
	probe.Probe
	report probe.Report
	answer *answer
	ahead  int64 // milliseconds by which the replica's clock is ahead
}

// errNoReport is the error for an answer that is not a replica's.
var errNoReport = errors.New("no report")

// send sends a probe on a connection of its own.
func (e *examination) send(ctx context.Context, kind probe.Kind) (p probed, err error) {
	server := probe.Server{PublicURL: e.PublicURL, CookieMark: e.CookieMark, Secret: *e.Secret}
	p.Probe, err = server.New(e.now()/1000, kind)
	if err != nil {
		return p, err
	}
	return e.resend(ctx, p)
}

// resend sends a probe as it was sent before.
func (e *examination) resend(ctx context.Context, p probed) (probed, error) {
	address := strings.TrimSuffix(e.PublicURL, "/") + probe.Path + "?" + p.Query()
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, address, nil)
	if err != nil {
		return p, err
	}
	request.Header, request.Close = p.Header(), true
	asked := e.now()
	if p.answer, err = e.do(request); err != nil {
		return p, err
	}
	if p.report = (probe.Report{}); json.Unmarshal(p.answer.body, &p.report) != nil || p.report.Replica == "" {
		return p, errNoReport
	}
	p.ahead = p.report.Time - (asked+e.now())/2
	return p, nil
}

// way examines the path of requests and answers between browsers and replicas.
func (e *examination) way(ctx context.Context) {
	if e.Secret == nil {
		e.add(proxy, Look, "Give this command the secret of the server there (--secret-file).",
			"without the secret it cannot be seen what a proxy does with headers, nor what time it is at each replica")
		return
	}
	first, err := e.send(ctx, probe.Plain)
	if err != nil {
		e.add(proxy, Look, "Give this command the secret and the settings of the server there, and the same release.",
			"what a proxy does with headers cannot be seen: the server there does not answer %s%s (%v)", strings.TrimSuffix(e.PublicURL, "/"), probe.Path, unanswered(first, err))
		return
	}
	if again, err := e.resend(ctx, first); err == nil && again.report.Serial != "" && again.report.Serial == first.report.Serial {
		e.add(proxy, Problem, "Let the proxy cache nothing below the public URL but /client/ (nginx: no proxy_cache there, and no proxy_ignore_headers Cache-Control).",
			"the proxy answers from a cache, though answers say no-store: one person gets what was another's. Nothing else can be seen of it meanwhile")
		return
	}
	before := len(e.findings)
	all := append([]probed{first}, e.larger(ctx)...)
	for _, p := range all {
		e.headers(p)
	}
	e.methods(ctx)
	if len(e.findings) == before {
		e.ok(proxy, "headers of requests and answers arrive as they were sent")
	}
	e.host(first.report)
	e.client(first.report)
	e.replicas(ctx, all)
}

func unanswered(p probed, err error) any {
	if p.answer != nil {
		return p.answer.describe()
	}
	return err
}

// headers names the headers that did not come as they were sent.
func (e *examination) headers(p probed) {
	const advice = "Let the proxy pass it on unchanged."
	for _, name := range slices.Sorted(maps.Keys(p.Header())) {
		h := requestHeaders[name]
		switch {
		case slices.Contains(p.report.Arrived, name):
		case slices.Contains(p.report.Changed, name):
			e.once(Problem, advice, "the request's "+h.name+" reaches the server changed: "+h.lost)
		default:
			e.once(Problem, advice, "the request's "+h.name+" does not reach the server: "+h.lost)
		}
	}
	for _, name := range slices.Sorted(maps.Keys(p.Answer())) {
		h, got := answerHeaders[name], p.answer.header[name]
		switch want := p.Answer()[name]; {
		case len(got) == 0:
			e.once(Problem, advice, "the answer's "+h.name+" does not reach browsers: "+h.lost)
		case !reaches(name, got, want):
			e.once(Problem, advice, "the answer's "+h.name+" reaches browsers changed: "+h.lost)
		}
	}
}

// reaches reports whether a header came as it was sent. A proxy may set cookies of its own.
func reaches(name string, got, want []string) bool {
	if name != "Set-Cookie" {
		return slices.Equal(got, want)
	}
	return !slices.ContainsFunc(want, func(cookie string) bool { return !slices.Contains(got, cookie) })
}

// once adds a finding that is not there yet.
func (e *examination) once(level Level, advice, text string) {
	f := Finding{proxy, level, text, advice}
	if !slices.Contains(e.findings, f) {
		e.findings = append(e.findings, f)
	}
}

// host examines the name that a proxy has for the server.
func (e *examination) host(r probe.Report) {
	if slices.Contains(r.Changed, "Host") {
		e.add(proxy, Look, "Let the proxy pass it on as the browser sent it (nginx: proxy_set_header Host $http_host).",
			"the request's Host reaches the server changed: pages that the server shows name another host; nothing else depends on it")
	}
}

// client examines which address the server takes for its client: all limits by network,
// and the addresses that people and the audit log see, follow from it.
func (e *examination) client(r probe.Report) {
	const taken = "every client seems to be %s, in the log, the audit trail and to people; requests are not limited by network"
	behind := r.Forwarded || strings.HasPrefix(e.PublicURL, "https://") // the server speaks no TLS
	switch {
	case !behind:
	case r.ForwardedFor && !r.Trusted:
		e.add(proxy, Warning, "Start the server with --trusted-proxies "+r.Sender+", or the network of the proxy.",
			"--trusted-proxies does not name the proxy %s: "+taken, r.Sender, r.Sender)
	case !r.ForwardedFor:
		e.add(proxy, Warning, "Let the proxy set X-Forwarded-For to where a request came from, and name its network in --trusted-proxies.",
			"the proxy %s does not say for whom it asks (X-Forwarded-For): "+taken, r.Sender, r.Sender)
	case r.Unread != "":
		e.add(proxy, Warning, "Let the proxy "+r.Client+" name the address that it forwards for.",
			"the proxy %s forwards for %.100q, which is no address: "+taken, r.Client, r.Unread, r.Client)
	case r.Further > 0:
		e.add(proxy, Warning, "Add "+r.Client+", or its network, to --trusted-proxies.",
			"--trusted-proxies does not name the proxy %s before the last one: "+taken, r.Client, r.Client)
	default:
		e.ok(proxy, "the server knows where requests come from (this one: %s)", r.Client)
	}
}
