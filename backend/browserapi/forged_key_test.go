package browserapi_test

import (
	"encoding/base64"
	"fmt"
	"net/http"
	"strings"
	"testing"

	"github.com/golang-jwt/jwt/v5"

	"github.com/tabard-auth/tabard/backend/directory"
)

// TestForgedKey_IsNoFault: tokens that name keys of no provider, which anybody can send,
// are no fault of a provider's and cause no server error. Good ones are taken meanwhile.
func TestForgedKey_IsNoFault(t *testing.T) {
	w := newCountedBackend(t, nil)
	alice := w.signedIn("alice")
	own := w.connect("acme", directory.Provisioning{})
	for i := range 20 {
		unsigned := func(typ, iss, aud string) string {
			encode := base64.RawURLEncoding.EncodeToString
			return encode(fmt.Appendf(nil, `{"alg":"ES256","typ":%q,"kid":"made-up-%d"}`, typ, i)) + "." + encode(fmt.Appendf(nil, `{"iss":%q,"aud":%q}`, iss, aud)) + ".AAAA"
		}
		revoke := revocationOf(w.Provider, "/global-token-revocation", "alice")
		revoke.authorization = "Bearer " + unsigned(revocationType, issuer, publicURL+revoke.path)
		for what, got := range map[string]int{
			"a logout token":                 w.backchannel(unsigned("logout+jwt", issuer, "tabard")).Code,
			"a logout token at a connection": backchannelAt(w, "/backchannel-logout/con_acme", unsigned("logout+jwt", own.Issuer, "tabard")).Code,
			"a revocation":                   w.revoke(revoke).Code,
		} {
			if got != http.StatusBadRequest && got != http.StatusUnauthorized && got != http.StatusTooManyRequests {
				t.Errorf("%s, %d: %d", what, i, got)
			}
		}
	}
	if strings.Contains(w.Logged.String(), `"ERROR"`) || strings.Contains(w.Logged.String(), `"fault"`) {
		t.Errorf("it is logged as a fault: %s", w.Logged)
	}
	w.counts(`tabard_provider_faults_total{what="away"} 0`, `tabard_provider_faults_total{what="keys"} 0`)
	w.mint(alice, "acme")
	if got := w.backchannel(w.logoutToken("alice", func(jwt.MapClaims) {})); got.Code != http.StatusOK {
		t.Errorf("a good one meanwhile: %d %s", got.Code, got.Body)
	}
}
