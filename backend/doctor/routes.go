package doctor

import (
	"context"
	"encoding/json"
	"net/http"
	"strings"

	"github.com/tabard-auth/tabard/backend/api"
	"github.com/tabard-auth/tabard/backend/signin"
)

const (
	jsonType = "application/json"
	formType = "application/x-www-form-urlencoded"

	// connection is the end of the addresses that each connection has.
	connection = "/doctor"
)

// address is an address below the public URL, and how it is asked.
type address struct {
	method, path    string
	mediaType, body string
	byProvider      bool // the provider's servers, or its pages, ask it
}

// addresses are those that browsers go to or ask, and that providers ask. None of the
// requests changes anything: the server refuses each.
var addresses = []address{
	{method: http.MethodGet, path: api.PathLogin},
	{method: http.MethodGet, path: api.PathLogin + connection},
	{method: http.MethodPost, path: api.PathLogin, mediaType: jsonType, body: "{}"},
	{method: http.MethodGet, path: api.PathCallback},
	{method: http.MethodGet, path: api.PathCallback + connection},
	{method: http.MethodPost, path: api.PathCallback, mediaType: formType, body: signin.Reposted + "=1"},
	{method: http.MethodPost, path: api.PathCallback + connection, mediaType: formType, body: signin.Reposted + "=1"},
	{method: http.MethodGet, path: api.PathSession},
	{method: http.MethodGet, path: api.PathSessions},
	{method: http.MethodPost, path: api.PathLogout, mediaType: jsonType, body: "{}"},
	{method: http.MethodPost, path: api.PathLend, mediaType: jsonType, body: "{}"},
	{method: http.MethodPost, path: api.PathHandover, mediaType: jsonType, body: "{}"},
	{method: http.MethodPost, path: api.PathHandoverCode, mediaType: formType},
	{method: http.MethodPost, path: api.PathHandoverOrigin, mediaType: jsonType, body: "{}"},
	{method: http.MethodPost, path: api.PathHandoverJoin, mediaType: jsonType, body: "{}"},
	{method: http.MethodPost, path: api.PathBackchannelLogout, mediaType: formType, byProvider: true},
	{method: http.MethodPost, path: api.PathBackchannelLogout + connection, mediaType: formType, byProvider: true},
	{method: http.MethodGet, path: api.PathFrontchannelLogout, byProvider: true},
	{method: http.MethodPost, path: api.PathRevocation, mediaType: jsonType, body: "{}", byProvider: true},
}

// routes asks each address, and names those that something else answers, such as a route
// of the app's of the same name, or a firewall.
func (e *examination) routes(ctx context.Context) {
	if e.unready || e.replaced {
		return // the server refuses these requests
	}
	var browsers, providers []string
	for _, a := range addresses {
		got := e.other(ctx, a)
		switch name := a.method + " " + e.base() + a.path + ": " + got; {
		case got == "":
		case a.byProvider:
			providers = append(providers, name)
		default:
			browsers = append(browsers, name)
		}
	}
	const advice = "Let the proxy send every path and method below the public URL to the server (nginx: no location of another kind below it; HAProxy: no earlier use_backend; a firewall: no rule there)."
	if len(browsers) > 0 {
		e.add(proxy, Problem, advice, "something else than the server answers addresses that browsers need to sign in, stay signed in, or sign out: %s", strings.Join(browsers, "; "))
	}
	if len(providers) > 0 {
		e.add(proxy, Warning, advice, "something else than the server answers addresses at which the provider says that a session ended: %s", strings.Join(providers, "; "))
	}
	if len(browsers)+len(providers) == 0 {
		e.ok(proxy, "the addresses that browsers and the provider need (%d) reach the server", len(addresses))
	}
}

func (e *examination) base() string { return strings.TrimSuffix(e.PublicURL, "/") }

// other returns what came in the place of the server's refusal, or "".
func (e *examination) other(ctx context.Context, a address) string {
	request, err := http.NewRequestWithContext(ctx, a.method, e.base()+a.path, strings.NewReader(a.body))
	if err != nil {
		return "" // found before
	}
	request.Header.Set("Accept", jsonType) // pages are for people
	if a.mediaType != "" {
		request.Header.Set("Content-Type", a.mediaType)
	}
	got, err := e.do(request)
	switch {
	case err != nil:
		return err.Error()
	case !got.refuses():
		return got.describe()
	}
	return ""
}

// refuses reports whether an answer is a refusal of the browsers' endpoints, which tell
// the time beside the code.
func (a *answer) refuses() bool {
	var refused api.Error
	if json.Unmarshal(a.body, &refused) != nil {
		return false
	}
	limited := refused.Code == api.RateLimited || refused.Code == api.TemporarilyUnavailable // said before an endpoint
	return limited || refused.Code != "" && refused.ServerTime > 0
}
