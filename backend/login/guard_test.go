package login_test

import (
	"errors"
	"net"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"testing"

	"github.com/tabard-auth/tabard/backend/login"
	"github.com/tabard-auth/tabard/browser_test/kit/httpbrowser"
	"github.com/tabard-auth/tabard/web-demo/idp/logintest"
)

// recordingTransport is a transport that records its requests.
type recordingTransport []string

func (a *recordingTransport) RoundTrip(r *http.Request) (*http.Response, error) {
	*a = append(*a, r.URL.String())
	return &http.Response{StatusCode: http.StatusOK, Body: http.NoBody, Request: r}, nil
}

func get(t *testing.T, transport http.RoundTripper, address string) error {
	t.Helper()
	r, err := http.NewRequestWithContext(t.Context(), http.MethodGet, address, nil)
	if err != nil {
		return err
	}
	answer, err := transport.RoundTrip(r)
	if err == nil {
		answer.Body.Close()
	}
	return err
}

func TestGuarded_PublicHTTPSOnly(t *testing.T) {
	for _, address := range []string{
		"http://login.acme.example", "http://169.254.169.254", "https://169.254.169.254/latest/meta-data", "https://127.0.0.1",
		"https://127.0.0.1:8443", "https://[::1]", "https://[::ffff:127.0.0.1]", "https://[::ffff:a9fe:a9fe]", "https://[::127.0.0.1]",
		"https://[64:ff9b::a00:1]", "https://[2002:a00:1::]", "https://[fe80::1%25eth0]", "https://[fd00::1]", "https://[ff02::1]",
		"https://10.1.2.3", "https://172.16.0.1", "https://192.168.1.1", "https://100.64.0.1", "https://0.0.0.0", "https://255.255.255.255",
		"https://224.0.0.1", "https://localhost", "https://localhost.", "https://LOCALHOST", "https://a.localhost", "https://db", "https://db.internal",
		"https://printer.local", "https://router.lan", "https://nas.home.arpa", "https://2130706433", "https://0x7f.1", "https://127.1",
		"https://0177.0.0.1", "https://1.2.3.4.5", "https://１２７.0.0.1", "https://user@login.acme.example", "https://login..example", "https://.",
		"ftp://login.acme.example", "file:///etc/passwd",
	} {
		var asked recordingTransport
		if err := get(t, login.Guarded{Next: &asked}, address); err == nil || len(asked) != 0 {
			t.Errorf("%s is reached: %v", address, asked)
		}
	}
	for _, address := range []string{"https://login.acme.example", "https://login.acme.example:8443/x", "https://LOGIN.Acme.Example.", "https://9.acme.example", "https://93.184.216.34", "https://[2606:2800:220:1::1]"} {
		if err := get(t, login.Guarded{Next: &recordingTransport{}}, address); err != nil {
			t.Errorf("%s: %v", address, err)
		}
	}
}

func TestGuarded_Loopback(t *testing.T) {
	for _, address := range []string{"http://127.0.0.1:8081", "https://[::1]", "http://a.localhost:1"} {
		if err := get(t, login.Guarded{Next: &recordingTransport{}, Loopback: true}, address); err != nil {
			t.Errorf("%s: %v", address, err)
		}
	}
	for _, address := range []string{"http://10.0.0.1", "https://10.0.0.1", "http://login.acme.example", "https://db.internal"} {
		if err := get(t, login.Guarded{Next: &recordingTransport{}, Loopback: true}, address); !errors.Is(err, login.ErrAddress) {
			t.Errorf("%s: %v", address, err)
		}
	}
}

// TestTransport_ChecksDialedAddress checks names that DNS resolves to this machine.
func TestTransport_ChecksDialedAddress(t *testing.T) {
	asked := false
	server := httptest.NewTLSServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { asked = true }))
	defer server.Close()
	_, port, err := net.SplitHostPort(server.Listener.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	for _, host := range []string{"localhost", "127.0.0.1", "[::ffff:127.0.0.1]"} {
		if err := get(t, login.NewTransport(false), "https://"+host+":"+port); !errors.Is(err, login.ErrAddress) || asked {
			t.Errorf("%s: %v", host, err)
		}
	}
	open := login.NewTransport(true)
	open.TLSClientConfig = server.Client().Transport.(*http.Transport).TLSClientConfig
	if err := get(t, open, server.URL); err != nil || !asked {
		t.Errorf("for development: %v", err)
	}
}

// TestTransport_Loopback checks that a development server reaches this machine only.
func TestTransport_Loopback(t *testing.T) {
	for _, address := range []string{"10.255.255.1:1", "169.254.169.254:80", "[fe80::1]:1"} {
		_, err := login.NewTransport(true).DialContext(t.Context(), "tcp", address)
		if !errors.Is(err, login.ErrAddress) {
			t.Errorf("%s: %v", address, err)
		}
	}
}

func TestTransport_NoProxy(t *testing.T) {
	t.Setenv("HTTPS_PROXY", "http://127.0.0.1:1")
	if login.NewTransport(false).Proxy != nil {
		t.Error("a proxy would resolve names by itself")
	}
}

func TestIsPublic_SpecialAddresses(t *testing.T) {
	for text, public := range map[string]bool{
		"8.8.8.8": true, "2001:4860:4860::8888": true, "203.0.114.1": true, "172.32.0.1": true, "100.128.0.1": true,
		"203.0.113.1": false, "198.19.0.1": false, "192.0.0.8": false, "2001:db8::1": false, "2001::1": false, "3fff::1": false, "::": false,
		"::ffff:8.8.8.8": true, "fec0::1": false, "240.0.0.1": false, "192.88.99.1": false,
	} {
		if got := login.IsPublic(netip.MustParseAddr(text)); got != public {
			t.Errorf("%s: %t", text, got)
		}
	}
	if login.IsPublic(netip.Addr{}) {
		t.Error("no address is public")
	}
}

// tenants returns a relying party of p like that of an organization's own connection.
func tenants(p *logintest.Provider) *login.Provider {
	return tenantsOn(httpbrowser.Hosts{"id.example": p})
}

func tenantsOn(hosts httpbrowser.Hosts) *login.Provider {
	return login.New(login.Config{
		Issuer: issuer, ClientID: logintest.ClientID, ClientSecret: logintest.ClientSecret,
		RedirectURL: callback + "/con_acme", Transport: login.Guarded{Next: hosts},
	})
}

// TestGuarded_MetadataAddresses checks endpoints in the internal network, redirects,
// and large answers.
func TestGuarded_MetadataAddresses(t *testing.T) {
	for name, lie := range map[string]func(*logintest.Provider){
		"keys in the network": func(p *logintest.Provider) {
			p.Metadata = func(m map[string]any) { m["jwks_uri"] = "https://10.0.0.1/" }
		},
		"keys by a redirect": endpoint("/jwks.json", redirectingTo("https://10.0.0.1/")),
		"keys of 10 MB":      endpoint("/jwks.json", enormous),
		"tokens in the network": func(p *logintest.Provider) {
			p.Metadata = func(m map[string]any) { m["token_endpoint"] = "https://[::1]/" }
		},
		"tokens over http": func(p *logintest.Provider) {
			p.Metadata = func(m map[string]any) { m["token_endpoint"] = "http://id.example/token" }
		},
		"tokens by a redirect":   endpoint("/token", redirectingTo("https://10.0.0.1/")),
		"metadata by a redirect": endpoint("/.well-known/openid-configuration", redirectingTo("https://10.0.0.1/")),
		"a page of another scheme": func(p *logintest.Provider) {
			p.Metadata = func(m map[string]any) { m["authorization_endpoint"] = "http://id.example/" }
		},
	} {
		t.Run(name, func(t *testing.T) {
			p := provider(t)
			lie(p)
			inside := http.HandlerFunc(func(http.ResponseWriter, *http.Request) { t.Error("the network was asked") })
			c := tenantsOn(httpbrowser.Hosts{"id.example": p, "10.0.0.1": inside, "[::1]": inside, "::1": inside})
			attempt := login.NewAttempt("web", "https://app.example/", now)
			address, err := c.AuthorizationURL(t.Context(), attempt, login.Request{})
			if err == nil {
				_, err = c.Identify(t.Context(), attempt, p.SignIn(address, "alice"), now)
			}
			if err == nil {
				t.Error("somebody signed in")
			}
		})
	}
}

func redirectingTo(address string) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) { http.Redirect(w, r, address, http.StatusFound) }
}

func TestGuarded_HonestProvider(t *testing.T) {
	p := provider(t)
	if got, err := signInAt(t, tenants(p), p, nil); err != nil || got.Subject != "alice" {
		t.Errorf("%+v, %v", got, err)
	}
	if got := p.Redeemed[0].Get("redirect_uri"); got != callback+"/con_acme" {
		t.Errorf("the redirect URI is %s", got)
	}
}
