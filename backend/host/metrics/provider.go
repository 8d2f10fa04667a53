package metrics

import (
	"net/http"
	"time"

	"github.com/prometheus/client_golang/prometheus"
)

// The owners of OpenID providers.
const (
	ProviderWorkspace  = "workspace"
	ProviderConnection = "connection" // an organization's own
)

func newProviderDuration() *prometheus.HistogramVec {
	h := prometheus.NewHistogramVec(prometheus.HistogramOpts{
		Name: "tabard_provider_request_duration_seconds",
		Help: "Duration of requests to OpenID providers, by provider (workspace, or connection: an organization's own) and outcome (answered or failed).",
		// A request is given up after ten seconds.
		Buckets: []float64{.01, .025, .05, .1, .25, .5, 1, 2.5, 5, 10},
	}, []string{"provider", "outcome"})
	for _, whose := range []string{ProviderWorkspace, ProviderConnection} {
		for _, outcome := range []string{outcomeAnswered, outcomeFailed} {
			h.WithLabelValues(whose, outcome)
		}
	}
	return h
}

const (
	outcomeAnswered = "answered"
	outcomeFailed   = "failed"
)

// Provider returns a transport that times the requests to OpenID providers.
func (m *Metrics) Provider(whose string, next http.RoundTripper) http.RoundTripper {
	return providerTransport{next, whose, m.asked}
}

type providerTransport struct {
	next  http.RoundTripper
	whose string
	asked *prometheus.HistogramVec
}

// RoundTrip implements http.RoundTripper.
func (p providerTransport) RoundTrip(r *http.Request) (*http.Response, error) {
	begun := time.Now()
	response, err := p.next.RoundTrip(r)
	outcome := outcomeAnswered
	if err != nil {
		outcome = outcomeFailed
	}
	p.asked.WithLabelValues(p.whose, outcome).Observe(time.Since(begun).Seconds())
	return response, err
}
