package doctor

import (
	"context"
	"encoding/json"
	"net/http"
	"net/url"
	"strings"

	"github.com/tabard-auth/tabard/backend/api"
	"github.com/tabard-auth/tabard/backend/probe"
)

// larger sends probes that proxies treat otherwise than a small request that succeeds: one
// with an answer that fails, one that is, as its answer, as large as they get, and one
// with addresses in its query. It returns those that were answered.
func (e *examination) larger(ctx context.Context) (answered []probed) {
	failing, err := e.sendAgain(ctx, probe.Failing)
	if err != nil || failing.answer.status != probe.StatusFailing {
		e.replaced = true
		e.add(proxy, Problem, "Let the proxy pass on answers of every status (nginx: proxy_intercept_errors off), since the client reads the error's code there. Then run this command again: what else is wrong cannot be seen meanwhile.",
			"answers of errors are replaced: %v", unanswered(failing, err))
	} else {
		answered = append(answered, failing)
	}
	switch full, err := e.sendAgain(ctx, probe.Full); {
	case err != nil:
		e.add(proxy, Problem, "Let the proxy take 8 KB of headers in a request and 4 KB in an answer (nginx: large_client_header_buffers 4 8k, proxy_buffer_size 4k).",
			"requests as large as those of a browser with several sessions are refused: %v", unanswered(full, err))
	case full.report.Kind == probe.Full:
		answered = append(answered, full)
	}
	switch linked, err := e.sendAgain(ctx, probe.Linked); {
	case err != nil:
		e.add(proxy, Problem, "Let the proxy, and a firewall in it, pass on every query below the public URL.",
			"requests with addresses in their query are refused, as links to a sign-in and the provider's answers are: %v", unanswered(linked, err))
	case linked.report.Kind == probe.Linked: // not a release before this one
		answered = append(answered, linked)
	}
	return answered
}

// sendAgain sends probes of a kind until one is answered. What refuses them all is the
// kind; what refuses one may be another server.
func (e *examination) sendAgain(ctx context.Context, kind probe.Kind) (p probed, err error) {
	for range firstAsks {
		if p, err = e.send(ctx, kind); err == nil {
			break
		}
	}
	return p, err
}

// largeBody is nearly the size of the largest body that the server reads, in bytes.
const largeBody = 15 << 10

// requests sends requests without a session. A server that is not ready, such as one without
// its database, may answer none of them in time.
func (e *examination) requests(ctx context.Context) {
	if e.unready {
		e.add(proxy, Look, "Run this command again when the server is ready.", "whether POST, DELETE and OPTIONS requests reach the server cannot be seen while it is not ready")
		return
	}
	if e.replaced {
		return // the server refuses these requests
	}
	e.methods(ctx)
	e.preflights(ctx)
}

// methods sends requests by the methods that the client uses, and a large one, without a
// session. A server refuses them in its own words.
func (e *examination) methods(ctx context.Context) {
	const (
		small  = "{}"
		advice = "Let the proxy pass on GET, POST, PUT, PATCH and DELETE below the public URL (nginx: no limit_except, a client_max_body_size of 64k at least)."
	)
	if wrong := e.refusal(ctx, http.MethodPost, api.PathToken, small); wrong != "" {
		e.add(proxy, Problem, advice, "POST requests do not reach the server: %s", wrong)
	} else if wrong := e.refusal(ctx, http.MethodPost, api.PathToken, `{"organization":"`+strings.Repeat("x", largeBody)+`"}`); wrong != "" {
		e.add(proxy, Problem, advice, "large requests do not reach the server: %s", wrong)
	}
	if wrong := e.refusal(ctx, http.MethodDelete, api.PathSessions+"/doctor", small); wrong != "" {
		e.add(proxy, Problem, advice, "DELETE requests do not reach the server: %s", wrong)
	}
}

// refusal sends a request without a session. It returns what came in the place of the
// server's refusal, or "".
func (e *examination) refusal(ctx context.Context, method, path, body string) (wrong string) {
	base := e.base()
	public, err := url.Parse(base)
	if err != nil {
		return "" // found before
	}
	request, err := http.NewRequestWithContext(ctx, method, base+path, strings.NewReader(body))
	if err != nil {
		return ""
	}
	request.Header = http.Header{"Content-Type": {"application/json"}, "Origin": {public.Scheme + "://" + public.Host}, "Sec-Fetch-Site": {"same-origin"}}
	request.Header.Set(api.HeaderClient, "1")
	a, err := e.do(request)
	if err != nil {
		return err.Error()
	}
	if a.refuses() {
		return ""
	}
	return a.describe()
}

// unknownOrigin is an origin that no app has.
const unknownOrigin = "https://tabard-doctor.invalid"

// preflights sends the question that a browser asks before a page of another origin sends
// a request (CORS). The server answers it for the workspace's origins alone.
func (e *examination) preflights(ctx context.Context) {
	request, err := http.NewRequestWithContext(ctx, http.MethodOptions, strings.TrimSuffix(e.PublicURL, "/")+api.PathToken, nil)
	if err != nil {
		return // found before
	}
	request.Header = http.Header{
		"Origin": {unknownOrigin}, "Access-Control-Request-Method": {http.MethodPost},
		"Access-Control-Request-Headers": {strings.ToLower(strings.Join([]string{"Content-Type", api.HeaderProof, api.HeaderClient}, ","))},
	}
	const advice = "Let the proxy pass on OPTIONS requests below the public URL, and set no Access-Control- header there: the server answers for the workspace's origins alone."
	a, err := e.do(request)
	if err != nil {
		e.add(proxy, Problem, advice, "OPTIONS requests do not reach the server: %v", err)
		return
	}
	var refused api.Error
	json.Unmarshal(a.body, &refused) // another body leaves the code empty
	switch allowed := a.header.Get("Access-Control-Allow-Origin"); {
	case allowed != "":
		e.add(proxy, Problem, advice, "OPTIONS requests are answered with Access-Control-Allow-Origin: %s for an unknown origin (%s): pages of apps on another host can send no requests, and of two checks of a page's origin one is left",
			allowed, a.describe())
	case refused.Code == "":
		e.add(proxy, Problem, advice, "OPTIONS requests do not reach the server: %s", a.describe())
	}
}
