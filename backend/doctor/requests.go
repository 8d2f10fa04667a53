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
// with an answer that fails, and one that is, as its answer, as large as they get. It
// returns those that were answered.
func (e *examination) larger(ctx context.Context) (answered []probed) {
	failing, err := e.send(ctx, probe.Failing)
	if err != nil || failing.answer.status != probe.StatusFailing {
		e.add(proxy, Problem, "Let the proxy pass on answers of every status (nginx: proxy_intercept_errors off), since the client reads the error's code there.",
			"answers of errors are replaced: %v", unanswered(failing, err))
	} else {
		answered = append(answered, failing)
	}
	switch full, err := e.send(ctx, probe.Full); {
	case err != nil:
		e.add(proxy, Problem, "Let the proxy take 8 KB of headers in a request and 4 KB in an answer (nginx: large_client_header_buffers 4 8k, proxy_buffer_size 4k).",
			"requests as large as those of a browser with several sessions are refused: %v", unanswered(full, err))
	case full.report.Kind == probe.Full:
		answered = append(answered, full)
	}
	return answered
}

// methods sends requests by the methods that the client uses, without a session. A server
// refuses them in its own words.
func (e *examination) methods(ctx context.Context) {
	base := strings.TrimSuffix(e.PublicURL, "/")
	public, err := url.Parse(base)
	if err != nil {
		return
	}
	for _, to := range []struct{ method, path string }{{http.MethodPost, api.PathToken}, {http.MethodDelete, api.PathSessions + "/doctor"}} {
		request, err := http.NewRequestWithContext(ctx, to.method, base+to.path, strings.NewReader("{}"))
		if err != nil {
			continue
		}
		request.Header = http.Header{"Content-Type": {"application/json"}, "Origin": {public.Scheme + "://" + public.Host}, "Sec-Fetch-Site": {"same-origin"}}
		request.Header.Set(api.HeaderClient, "1")
		a, err := e.do(request)
		var refused api.Error
		if err == nil && json.Unmarshal(a.body, &refused) == nil && refused.Code != "" {
			continue
		}
		var found any = err
		if err == nil {
			found = a.describe()
		}
		e.add(proxy, Problem, "Let the proxy pass on GET, POST, PUT and DELETE below the public URL (nginx: no limit_except, a client_max_body_size of 64k at least).",
			"%s requests do not reach the server: %v", to.method, found)
	}
}
