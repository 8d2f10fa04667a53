package cli

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"encoding/pem"
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/tabard-auth/tabard/web-demo/idp"
	"github.com/tabard-auth/tabard/web-demo/idp/logintest"
)

// clientKeyFile is a file with a key by which a client authenticates.
func clientKeyFile(t *testing.T) string {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	text, err := x509.MarshalPKCS8PrivateKey(key)
	if err != nil {
		t.Fatal(err)
	}
	path := filepath.Join(t.TempDir(), "client.pem")
	if err := os.WriteFile(path, pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: text}), 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

// TestAClientKeyTakesThePlaceOfASecret.
func TestAClientKeyTakesThePlaceOfASecret(t *testing.T) {
	args, _ := given("oidc-client-secret", "")
	if wrong := checked(t, append(args, "--oidc-client-key-file", clientKeyFile(t)), nil); wrong != nil {
		t.Error(wrong)
	}
}

// TestServe_SpeaksWithItsProviderAsSet: by a key, a pushed request and a form, inside, and
// sends browsers to the issuer.
func TestServe_SpeaksWithItsProviderAsSet(t *testing.T) {
	p := logintest.New(t, "https://id.example.test")
	inside := httptest.NewServer(p)
	t.Cleanup(inside.Close)
	folder := t.TempDir()
	database, file := "sqlite:"+filepath.Join(folder, "tabard.db"), filepath.Join(folder, "workspace.yaml")
	if err := os.WriteFile(file, []byte(`{apps: [{id: web, origins: ["http://localhost:8080"], audience: api}]}`), 0o600); err != nil {
		t.Fatal(err)
	}
	if _, said, err := tabard(t, "apply", file, "--database", database); err != nil {
		t.Fatal(said)
	}
	args, _ := given("database", database)
	s := settingsFor(t, append(args, "--listen", "127.0.0.1:0", "--oidc-issuer", p.Issuer, "--oidc-client-secret", "",
		"--oidc-client-key-file", clientKeyFile(t), "--oidc-push-requests", "--oidc-response-mode", "form_post", "--oidc-internal-url", inside.URL)...)
	server := startServer(t, s)
	server.unread()
	at := "http://" + server.address + "/auth"
	p.ClientAuth, p.PushedRequests, p.FormPost = []string{"private_key_jwt"}, idp.PushRequired, true
	p.ClientKeys = func() []byte { return answered(t, http.MethodGet, at+"/.well-known/client-jwks.json", nil, nil).body }
	begun := answered(t, http.MethodGet, at+"/login", nil, nil)
	if !strings.HasPrefix(begun.Header.Get("Location"), "https://id.example.test/authorize?client_id=tabard&request_uri=") {
		t.Fatalf("%s %s", begun.Status, begun.Header)
	}
	fields := p.SignIn(begun.Header.Get("Location"), "alice")
	landed := answered(t, http.MethodPost, at+"/callback", fields, begun.Cookies())
	if landed.StatusCode != http.StatusOK || len(landed.Cookies()) == 0 || !strings.Contains(string(landed.body), "url=http://localhost:8080/") {
		t.Errorf("%s %v %s", landed.Status, landed.Header, landed.body)
	}
	server.stop()
}

type whole struct {
	*http.Response
	body []byte
}

// answered is an answer to a page of the backend's own, redirects included.
func answered(t *testing.T, method, address string, form url.Values, cookies []*http.Cookie) whole {
	t.Helper()
	request, err := http.NewRequestWithContext(t.Context(), method, address, strings.NewReader(form.Encode()))
	if err != nil {
		t.Fatal(err)
	}
	request.Header.Set("Sec-Fetch-Site", "same-origin")
	if form != nil {
		request.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	}
	for _, c := range cookies {
		request.AddCookie(c)
	}
	response, err := http.DefaultTransport.RoundTrip(request)
	if err != nil {
		t.Fatal(err)
	}
	defer response.Body.Close()
	body, err := io.ReadAll(response.Body)
	if err != nil {
		t.Fatal(err)
	}
	return whole{response, body}
}
