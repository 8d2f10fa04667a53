package browserapi_test

import (
	"encoding/json"
	"net/http"
	"net/url"
	"strings"
	"testing"

	"github.com/tabard-auth/tabard/web-demo/idp"
	"github.com/tabard-auth/tabard/web-demo/idp/logintest"
)

// recordOf returns the last log record of a request to a path.
func recordOf(w *backend, path string) (record struct{ Level, Cause, Code, Fault string }) {
	w.Helper()
	lines := strings.Split(strings.TrimSpace(w.Logged.String()), "\n")
	for i := len(lines) - 1; i >= 0; i-- {
		if strings.Contains(lines[i], `"path":"/auth`+path) {
			if err := json.Unmarshal([]byte(lines[i]), &record); err != nil {
				w.Fatal(err)
			}
			return record
		}
	}
	w.Fatalf("nothing is logged of %s", path)
	return record
}

// TestProviderFault_LoggedAndCounted checks that the log has the provider's own
// message.
func TestProviderFault_LoggedAndCounted(t *testing.T) {
	for name, test := range map[string]struct {
		lie         func(*logintest.Provider)
		fault, says string
	}{
		"client secret expired": {func(p *logintest.Provider) {
			p.Faults = map[string]idp.Fault{"/token": {Status: 401, Error: "invalid_client", Description: "AADSTS7000222: expired\nlevel=INFO"}}
		}, "client", "invalid_client: AADSTS7000222: expired level=INFO"},
		"redirect URI": {func(p *logintest.Provider) {
			p.Faults = map[string]idp.Fault{"/token": {Status: 400, Error: "invalid_request", Description: "redirect_uri"}}
		}, "request", "redirect_uri"},
		"clock": {func(p *logintest.Provider) { p.Claims = func(c map[string]any) { c["exp"] = 1000 } }, "clock", "NTP"},
		"key set": {func(p *logintest.Provider) {
			p.Faults = map[string]idp.Fault{"/jwks.json": {Status: 200, Body: "<html>", ContentType: "text/html"}}
		}, "keys", "key set"},
		"5xx": {func(p *logintest.Provider) {
			p.Faults = map[string]idp.Fault{"/token": {Status: 503, Error: "temporarily_unavailable", Description: "maintenance"}}
		}, "away", "503: temporarily_unavailable: maintenance"},
		"by way of the browser": {func(p *logintest.Provider) {
			p.Answer = func(v url.Values) {
				v.Del("code")
				v.Set("error", "unauthorized_client")
				v.Set("error_description", "not assigned")
			}
		}, "reported", "not assigned"},
	} {
		t.Run(name, func(t *testing.T) {
			w := newCountedBackend(t, nil)
			test.lie(w.Provider)
			b := w.browser()
			b.Step(w.callbackOf(b, ""))
			got := recordOf(w, "/callback")
			if got.Level != "ERROR" || got.Fault != test.fault || !strings.Contains(got.Cause, test.says) {
				t.Errorf("%+v", got)
			}
			w.counts(`tabard_provider_faults_total{what="`+test.fault+`"} 1`, `tabard_faults_total{what="storage"} 0`)
		})
	}
}

func TestProviderFault_RefusalOfPerson(t *testing.T) {
	w := newCountedBackend(t, nil)
	w.Provider.Answer = func(v url.Values) {
		v.Del("code")
		v.Set("error", "access_denied")
		v.Set("error_description", "Carol pressed Cancel")
	}
	b := w.browser()
	b.Step(w.callbackOf(b, ""))
	if got := recordOf(w, "/callback"); got.Level != "INFO" || got.Fault != "" || !strings.Contains(got.Cause, "Carol pressed Cancel") {
		t.Errorf("%+v", got)
	}
	w.Provider.Answer = nil
	b.Step(publicURL + "/callback?state=x")
	if strings.Contains(metricsOf(w), `tabard_provider_faults_total{what="reported"} 1`) || strings.Contains(w.Logged.String(), "ERROR") {
		t.Errorf("a person's refusal is an error: %s", w.Logged)
	}
}

// TestProviderFault_ForgedLogoutToken checks that a forged token, which anybody can
// send, is not logged as a fault.
func TestProviderFault_ForgedLogoutToken(t *testing.T) {
	w := newCountedBackend(t, nil)
	forged := logintest.New(t, issuer).LogoutToken("logout+jwt", map[string]any{"iss": issuer})
	answer := w.browser().Without("Origin").SubmitStep(publicURL+"/backchannel-logout", url.Values{"logout_token": {forged}})
	if answer.Status != http.StatusBadRequest || strings.Contains(w.Logged.String(), `"ERROR"`) {
		t.Errorf("%d %s", answer.Status, w.Logged)
	}
}
