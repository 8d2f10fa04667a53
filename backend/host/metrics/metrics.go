// Package metrics exports the state of the server in Prometheus' text format. It
// observes requests around the handler, their outcomes in its log, and the changes of
// sessions in its store. No label contains an organization, a person, a session, a
// token, or text from a client.
//
// The Worker does not link it: Cloudflare has its own metrics.
package metrics

import (
	"net/http"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/collectors"
	"github.com/prometheus/client_golang/prometheus/promhttp"

	"github.com/tabard-auth/tabard/backend/login"
	"github.com/tabard-auth/tabard/backend/session"
)

// Path is the path of the metrics below the backend's base URL.
const Path = "/metrics"

// Metrics counts the events of one process.
type Metrics struct {
	registry      *prometheus.Registry
	requests      *requests
	faults        *prometheus.CounterVec
	providers     *prometheus.CounterVec
	events        *prometheus.CounterVec
	rotations     *prometheus.CounterVec
	unknown       *prometheus.CounterVec
	revalidations *prometheus.CounterVec
	asked         *prometheus.HistogramVec // providers

	housekeeping housekeeping
}

// New returns metrics with all counts at zero.
func New() *Metrics {
	m := &Metrics{
		registry: prometheus.NewRegistry(), housekeeping: newHousekeeping(),
		requests: newRequests(), asked: newProviderDuration(),
		faults: counter("tabard_faults_total",
			"Requests that failed on the server, by cause: provider (no answer, or it refused this server), panic, client (disconnected), or storage (all other causes).",
			"what"),
		providers: counter("tabard_provider_faults_total",
			"Sign-ins that failed because of the deployment or an OpenID provider, by cause: client (its id, secret or key), request (such as a redirect URI), token, keys or clock (of the provider), away (it does not answer), or reported (an error that came through the browser, which anybody can send).",
			"what"),
		events: counter("tabard_events_total",
			"Events that requests wrote to the audit log, by action and outcome. session.reused is a detected theft.",
			"action", "outcome"),
		rotations: counter("tabard_rotations_total",
			"Verdicts on refresh tokens that changed the rotation of a session: advance is an ordinary rotation, reuse a detected theft.",
			"verdict"),
		unknown: counter("tabard_unknown_claims_total",
			"Sign-ins that left roles and memberships unchanged because the provider's claims about them were unknown, by reason.",
			"reason"),
		revalidations: counter("tabard_revalidations_total",
			"Requests that ask OpenID providers if they still know a person, by outcome: confirmed, refused (the sessions that depend on the provider end), unreachable (the session continues), fault (the provider refuses this deployment; the session continues), or token_lost (an answer was lost, and the token is stale; the session continues for a time).",
			"outcome"),
	}
	m.registry.MustRegister(m.requests.count, m.requests.duration, m.faults, m.providers, m.events, m.rotations, m.unknown, m.revalidations, m.asked,
		m.housekeeping.left, m.housekeeping.last, m.housekeeping.behind,
		collectors.NewGoCollector(), collectors.NewBuildInfoCollector(),
		collectors.NewProcessCollector(collectors.ProcessCollectorOpts{}))
	for _, what := range []string{faultProvider, faultPanic, faultClient, faultStorage} {
		m.faults.WithLabelValues(what) // an alarm needs the 0 before the first event
	}
	for _, o := range []session.Outcome{session.Reuse, session.Lost} {
		m.rotations.WithLabelValues(o.String())
	}
	for _, o := range session.Revalidations() {
		m.revalidations.WithLabelValues(string(o))
	}
	for _, what := range login.Faults() {
		m.providers.WithLabelValues(string(what))
	}
	return m
}

func counter(name, help string, labels ...string) *prometheus.CounterVec {
	return prometheus.NewCounterVec(prometheus.CounterOpts{Name: name, Help: help}, labels)
}

// Page returns a handler for the metrics. The caller restricts access to it.
func (m *Metrics) Page() http.Handler {
	page := promhttp.HandlerFor(m.registry, promhttp.HandlerOpts{})
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Cache-Control", "no-store")
		w.Header().Set("X-Content-Type-Options", "nosniff")
		page.ServeHTTP(w, r)
	})
}
