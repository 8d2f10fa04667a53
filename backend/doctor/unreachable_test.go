package doctor_test

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"io"
	"log"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/tabard-auth/tabard/backend/doctor"
	"github.com/tabard-auth/tabard/backend/signingkey"
)

// TestPublicAddress_ErrorsOfTLSAndDNS: each has its own advice, and none that is about the
// server or the proxy's paths.
func TestPublicAddress_ErrorsOfTLSAndDNS(t *testing.T) {
	secure := httptest.NewUnstartedServer(http.NotFoundHandler())
	secure.Config.ErrorLog = log.New(io.Discard, "", 0) // handshakes fail
	secure.StartTLS()
	defer secure.Close()
	plain := httptest.NewServer(http.NotFoundHandler())
	defer plain.Close()
	trusted := x509.NewCertPool()
	trusted.AddCert(secure.Certificate())
	later := func() time.Time { return secure.Certificate().NotAfter.Add(time.Hour) }
	unknown := func(context.Context, string, string) (net.Conn, error) {
		return nil, &net.DNSError{Err: "no such host", Name: "app.example.net", IsNotFound: true}
	}
	for want, test := range map[string]struct {
		to     *httptest.Server
		host   string
		config *tls.Config
		dial   func(ctx context.Context, network, address string) (net.Conn, error)
	}{
		"SSL_CERT_FILE":               {to: secure, host: "example.com"},
		"of another name":             {to: secure, host: "app.example.net", config: &tls.Config{RootCAs: trusted}},
		"has expired":                 {to: secure, host: "example.com", config: &tls.Config{RootCAs: trusted, Time: later}},
		"speaks no TLS":               {to: plain, host: "example.com"},
		"DNS does not know this name": {host: "app.example.net", dial: unknown},
	} {
		if test.dial == nil {
			test.dial = func(ctx context.Context, network, _ string) (net.Conn, error) {
				return new(net.Dialer).DialContext(ctx, network, test.to.Listener.Addr().String())
			}
		}
		transport := &http.Transport{DialContext: test.dial, TLSClientConfig: test.config}
		found := doctor.Examine(t.Context(), doctor.Config{PublicURL: "https://" + test.host + "/auth", Transport: transport, Now: now, Algorithm: signingkey.ES256})
		if len(found) == 0 || !strings.Contains(found[0].Advice, want) || strings.Contains(found[0].Advice, "path unchanged") {
			t.Errorf("%q is not the advice: %+v", want, found)
		}
	}
}
