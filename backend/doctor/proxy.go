package doctor

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"net/http"
	"net/http/httptrace"
	"net/netip"
	"slices"
	"strings"

	"github.com/tabard-auth/tabard/backend/api"
	"github.com/tabard-auth/tabard/backend/probe"
	"github.com/tabard-auth/tabard/backend/web"
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
	// local and remote are the ends of the connection here.
	local, remote netip.Addr
}

// errNoReport is the error for an answer that is not a replica's.
var errNoReport = errors.New("no report")

// server has what probes follow from.
func (e *examination) server() probe.Server {
	return probe.Server{PublicURL: e.PublicURL, CookieMark: e.CookieMark, Secret: *e.Secret}
}

// send sends a probe on a connection of its own.
func (e *examination) send(ctx context.Context, kind probe.Kind) (p probed, err error) {
	if p.Probe, err = e.server().New(e.now()/1000, kind); err != nil {
		return p, err
	}
	return e.resend(ctx, e.http, p, probe.Path+"?"+p.Query())
}

// resend sends a probe to an address below the public URL, with pairs of further header
// names and values.
func (e *examination) resend(ctx context.Context, by *http.Client, p probed, path string, header ...string) (probed, error) {
	request, err := http.NewRequestWithContext(httptrace.WithClientTrace(ctx, &httptrace.ClientTrace{GotConn: func(c httptrace.GotConnInfo) {
		p.local, p.remote = addressOf(c.Conn.LocalAddr()), addressOf(c.Conn.RemoteAddr())
	}}), http.MethodGet, strings.TrimSuffix(e.PublicURL, "/")+path, nil)
	if err != nil {
		return p, err
	}
	request.Header, request.Close = p.Header(), true
	for i := 0; i+1 < len(header); i += 2 {
		request.Header.Set(header[i], header[i+1])
	}
	asked := e.now()
	if p.answer, err = do(by, request); err != nil {
		return p, err
	}
	if p.report = (probe.Report{}); json.Unmarshal(p.answer.body, &p.report) != nil || p.report.Replica == "" {
		return p, errNoReport
	}
	p.ahead = p.report.Time - (asked+e.now())/2
	e.marks.count(p)
	return p, nil
}

// firstAsks is how often a probe is sent until one is answered.
const firstAsks = 6

// first sends probes until one is answered: not every server of the proxy's may be one.
func (e *examination) first(ctx context.Context) (p probed, err error) {
	for range firstAsks {
		if p, err = e.sendPlain(ctx); err == nil {
			break
		}
	}
	return p, err
}

// sendPlain sends a plain probe, which every replica answers, and counts the outcome.
func (e *examination) sendPlain(ctx context.Context) (probed, error) {
	p, err := e.send(ctx, probe.Plain)
	e.asked++
	if err != nil {
		e.unanswered[fmt.Sprint(unanswered(p, err))]++
	}
	return p, err
}

// losesQuery reports whether a probe is answered that has its query in a header as well.
func (e *examination) losesQuery(ctx context.Context, p probed) bool {
	again, err := e.resend(ctx, e.http, p, probe.Path+"?"+p.Query(), probe.HeaderQuery, p.Query())
	return err == nil && slices.Contains(again.report.Changed, probe.Query)
}

// way examines the path of requests and answers between browsers and replicas.
func (e *examination) way(ctx context.Context) {
	if e.Secret == nil {
		e.add(proxy, Look, "Give this command the secret of the server there (--secret-file).",
			"without the secret it cannot be seen what a proxy does with headers, nor what time it is at each replica")
		return
	}
	first, err := e.first(ctx)
	if err != nil && e.losesQuery(ctx, first) {
		e.add(proxy, Problem, "Let the proxy pass on the query (nginx: a proxy_pass with a variable ends with $is_args$args, or names no path at all).",
			"the query of requests does not reach the server: no sign-in begins, and none ends. Nothing else can be seen of the proxy meanwhile")
		return
	}
	if err != nil {
		e.add(proxy, Look, "Give this command the secret and the settings of the server there, and the same release.",
			"what a proxy does with headers cannot be seen: the server there does not answer %s%s (%v)", strings.TrimSuffix(e.PublicURL, "/"), probe.Path, unanswered(first, err))
		return
	}
	if e.cached(ctx, first) {
		e.add(proxy, Problem, "Let the proxy cache nothing below the public URL but /client/ (nginx: no proxy_cache there, and no proxy_ignore_headers Cache-Control).",
			"the proxy answers from a cache, though answers say no-store: one person gets what was another's. Nothing else can be seen of it meanwhile")
		return
	}
	patience := e.patience(ctx, first.report)
	before := len(e.findings)
	all := append([]probed{first}, e.larger(ctx)...)
	for _, p := range all {
		e.headers(p)
	}
	e.requests(ctx)
	e.securityHeaders(first)
	e.foreign(ctx, first)
	if len(e.findings) == before {
		e.ok(proxy, "headers of requests and answers arrive as they were sent")
	}
	e.host(first.report)
	e.protocol(first.report)
	e.client(first)
	e.replicas(ctx, all)
	e.sameServers()
	patience()
	e.sameMarks(first.Mark())
}

// cached reports whether the proxy answers a probe as it answered it before.
func (e *examination) cached(ctx context.Context, first probed) bool {
	again, err := e.resend(ctx, e.http, first, probe.Path+"?"+first.Query())
	return err == nil && again.report.Serial != "" && again.report.Serial == first.report.Serial
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
	if slices.Contains(p.report.Changed, probe.Query) {
		e.once(Problem, advice, "the query of requests reaches the server changed: sign-ins do not begin and end as they should")
	}
	for _, name := range slices.Sorted(maps.Keys(p.Header())) {
		h := requestHeaders[name]
		switch {
		case slices.Contains(p.report.Arrived, name), name == "Cookie" && p.marked():
		case slices.Contains(p.report.Changed, name):
			e.once(Problem, advice, "the request's "+h.name+" reaches the server changed: "+h.lost)
		default:
			e.once(Problem, advice, "the request's "+h.name+" does not reach the server: "+h.lost)
		}
	}
	for _, name := range slices.Sorted(maps.Keys(p.Answer())) {
		h, got := answerHeaders[name], p.answer.header[name]
		switch want := p.Answer()[name]; {
		case name == "Set-Cookie" && p.marked():
		case len(got) == 0:
			e.once(Problem, advice, "the answer's "+h.name+" does not reach browsers: "+h.lost)
		case !reaches(name, got, want):
			e.once(Problem, advice, "the answer's "+h.name+" reaches browsers changed: "+h.lost)
		}
	}
}

// securityHeaders names the headers that protect answers and do not reach browsers.
func (e *examination) securityHeaders(p probed) {
	const advice = "Let the proxy pass it on, and set none of its own below the public URL (nginx: no proxy_hide_header; a server's add_header counts here too)."
	want := http.Header{}
	web.Secure(want, strings.HasPrefix(e.PublicURL, "https://"))
	for _, name := range slices.Sorted(maps.Keys(want)) {
		got := p.answer.header[name]
		switch {
		case slices.Equal(got, want[name]) || name == "Strict-Transport-Security" && len(got) > 0:
		case len(got) == 0:
			e.add(proxy, Warning, advice, "the answer's %s does not reach browsers: the server's pages, and answers opened as pages, are less protected", name)
		default:
			e.add(proxy, Warning, advice, "the answer's %s reaches browsers changed: %s", name, strings.Join(got, " and "))
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
