package doctor

import (
	"context"
	"encoding/json"
	"fmt"
	"maps"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/tabard-auth/tabard/backend/api"
	"github.com/tabard-auth/tabard/backend/probe"
)

// atOnce is the number of requests that a browser with many tabs sends at once.
const atOnce = 24

// publicMetadata is the answer to a request for the backend's metadata.
type publicMetadata struct {
	*answer
	issuer string
	err    error // the answer has no metadata, or there is none
}

// steady asks for the metadata many times at once, and returns one answer. It reports
// whether the same server gave all of them, or none did: a proxy may have servers of
// something else in its list, or limit requests.
func (e *examination) steady(ctx context.Context, base string) (one publicMetadata, same bool) {
	answers := make([]publicMetadata, atOnce)
	var all sync.WaitGroup
	for i := range answers {
		all.Go(func() { answers[i] = e.askMetadata(ctx, base) })
	}
	all.Wait()
	var wrong []string
	for _, a := range answers {
		if outcome := a.outcome(base); outcome != "" {
			wrong = append(wrong, outcome)
		}
	}
	if len(wrong) == 0 || len(wrong) == atOnce {
		return answers[0], true
	}
	slices.Sort(wrong)
	text := strings.Join(slices.Compact(slices.Clone(wrong)), "; ")
	advice := "Look at the proxy's list of servers: each has to be a server of this deployment that runs (nginx: upstream; HAProxy: backend; Caddy: reverse_proxy). Everything else may be wrong because of it."
	if strings.Contains(text, "429") || strings.Contains(text, "503") {
		advice = "Let the proxy limit no requests below the public URL (nginx: no limit_req, no limit_conn there): a browser with many tabs, or an office behind one address, sends as many, and the server has limits of its own (--rate-limits). " +
			"If it has no such limit, one of the servers is stopping or overloaded."
	}
	e.add(publicAddress, Problem, advice, "of %d requests at once, %d were not answered by this server: %s", atOnce, len(wrong), text)
	return one, false
}

// askMetadata asks on a connection of its own.
func (e *examination) askMetadata(ctx context.Context, base string) (m publicMetadata) {
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, base+api.PathOpenIDConfiguration, nil)
	if err != nil {
		return publicMetadata{err: err}
	}
	request.Close = true
	if m.answer, m.err = e.do(request); m.err == nil {
		var named struct {
			Issuer string `json:"issuer"`
		}
		m.err = m.readJSON(&named)
		m.issuer = named.Issuer
	}
	if m.err == nil && m.issuer == "" {
		m.err = fmt.Errorf("it answers %s without an issuer: something else than the server", m.describe())
	}
	return m
}

// outcome is what came in the place of the metadata of the server, or "".
func (m publicMetadata) outcome(base string) string {
	switch {
	case m.answer == nil:
		return m.err.Error()
	case m.err != nil:
		return m.describe()
	case m.issuer != base:
		return "a server with the public URL " + m.issuer
	}
	return ""
}

// hidesDots reports whether a server that is ready is reached by a path without a dot.
func (e *examination) hidesDots(ctx context.Context, base string) bool {
	var ready struct{ Status string }
	a, err := e.get(ctx, base+readyPath)
	return err == nil && json.Unmarshal(a.body, &ready) == nil && ready.Status == "ok"
}

// lateRenewal is the part of a certificate's life that is left when its renewal is late:
// one in so many. Clients of ACME renew it when a third is left.
const lateRenewal = 6

// transport examines TLS and the version of HTTP.
func (e *examination) transport(a *answer) {
	if a.tls == nil {
		return
	}
	if a.major < 2 {
		e.add(proxy, Warning, "Let the proxy speak HTTP/2 (nginx: listen 443 ssl http2; HAProxy: alpn h2,http/1.1).",
			"it does not speak HTTP/2: a browser opens six connections to a host for all its tabs, and requests wait for each other")
	}
	c := a.tls.PeerCertificates[0]
	if left := c.NotAfter.Sub(time.Unix(e.now()/1000, 0)); left < c.NotAfter.Sub(c.NotBefore)/lateRenewal {
		e.add(proxy, Warning, "Find out why it is not renewed.", "its certificate ends soon: on %s", c.NotAfter.UTC().Format(time.RFC1123))
	}
}

// protocol examines the version of HTTP by which the proxy asks the server.
func (e *examination) protocol(r probe.Report) {
	if r.Protocol == "HTTP/1.0" {
		e.add(proxy, Look, "Let the proxy speak HTTP/1.1 with the server and keep connections (nginx: proxy_http_version 1.1, proxy_set_header Connection \"\", keepalive in the upstream).",
			"the proxy asks the server by HTTP/1.0: every request takes a connection of its own, of which a busy proxy has too few")
	}
}

// plainTimeout limits the wait for an answer at the port of http.
const plainTimeout = 3 * time.Second

// withoutTLS asks at the port of http. Browsers that follow an old link, or a typed
// address, begin there.
func (e *examination) withoutTLS(ctx context.Context, public *url.URL) {
	if public.Scheme != "https" || public.Port() != "" {
		return
	}
	ctx, cancel := context.WithTimeout(ctx, plainTimeout) // a firewall may answer nothing
	defer cancel()
	plain := *public
	plain.Scheme = "http"
	if m := e.askMetadata(ctx, strings.TrimSuffix(plain.String(), "/")); m.err == nil {
		e.add(proxy, Warning, "Let port 80 answer with a redirect to https alone (nginx: return 301 https://$host$request_uri).",
			"port 80 passes requests on to the server without TLS: what is sent there can be read on the way, and no sign-in ends there")
	}
}

// sameServers tells whether every probe reached a replica.
func (e *examination) sameServers() {
	total := 0
	for _, n := range e.unanswered {
		total += n
	}
	if total == 0 {
		return
	}
	advice := "Look at the proxy's list of servers: each has to be a server of this deployment, with its secret."
	if e.releases {
		advice = "Upgrade all servers to one release, and run this command again. " + advice
	}
	e.add(proxy, Problem, advice, "of %d requests, %d reached something else than a server with this secret: %s", e.asked, total, strings.Join(slices.Sorted(maps.Keys(e.unanswered)), "; "))
}
