package httpbrowser

import (
	"fmt"
	"net"
	"net/http"
	"net/http/httptest"
)

// Hosts is a network in memory: it passes requests to the handlers of their host and
// port, in the same process. It serves as Browser.Transport and as the backend's way to
// its provider.
type Hosts map[string]http.Handler

// RoundTrip implements http.RoundTripper.
func (h Hosts) RoundTrip(r *http.Request) (*http.Response, error) {
	handler, ok := h[r.URL.Host]
	if !ok {
		return nil, &net.OpError{Op: "dial", Net: "tcp", Err: fmt.Errorf("httpbrowser: no host %q", r.URL.Host)}
	}
	received := r.Clone(r.Context())
	if received.Host = r.Host; received.Host == "" {
		received.Host = r.URL.Host
	}
	received.RequestURI, received.RemoteAddr = r.URL.RequestURI(), "127.0.0.1:50000"
	if received.Body == nil {
		received.Body = http.NoBody
	}
	recorder := httptest.NewRecorder()
	handler.ServeHTTP(recorder, received)
	response := recorder.Result()
	response.Request = r
	return response, nil
}
