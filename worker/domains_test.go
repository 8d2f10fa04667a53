//go:build !js

package main_test

import (
	"fmt"
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/tabard-auth/tabard/backend/domain"
	"github.com/tabard-auth/tabard/backend/domain/domaintest"
	"github.com/tabard-auth/tabard/backend/signingkey"
	"github.com/tabard-auth/tabard/browser_test/contract"
	"github.com/tabard-auth/tabard/browser_test/kit/httpbrowser"
	"github.com/tabard-auth/tabard/browser_test/kit/ports"
	"github.com/tabard-auth/tabard/worker/workerd"
)

// storedDomain is a domain of northwind before the cron trigger fires.
type storedDomain struct {
	name     string
	verified bool
	answered time.Duration // since DNS last answered
	there    bool          // its record
	fault    domaintest.Fault
	after    bool // whether it leads to northwind afterward
}

var storedDomains = []storedDomain{
	{"new.example", false, 0, true, domaintest.None, true},
	{"forgotten.example", false, 0, false, domaintest.None, false},
	{"daily.example", true, 25 * time.Hour, true, domaintest.None, true},
	{"lost.example", true, 25 * time.Hour, false, domaintest.None, false},
	{"fresh.example", true, time.Hour, false, domaintest.None, true}, // not due yet
	{"failing.example", true, 6 * 24 * time.Hour, false, domaintest.Fails, true},
	{"silent.example", true, 6 * 24 * time.Hour, false, domaintest.Silent, true},
	{"truncated.example", true, 6 * 24 * time.Hour, true, domaintest.Truncated, true},
	{"unknown.example", false, 0, true, domaintest.Fails, false},
	{"given-up.example", true, 8 * 24 * time.Hour, true, domaintest.Fails, false},
}

// TestDomains_OnD1: the cron trigger and the administration API look records up by DNS
// over HTTPS; a domain whose record is gone leads nobody to its organization.
func TestDomains_OnD1(t *testing.T) {
	t.Parallel()
	dns := domaintest.New(t)
	port := ports.Hold(t)
	origin := fmt.Sprintf("http://localhost:%d", port)
	issuer := contract.Provider(t, origin+"/auth", origin)
	variables := workerd.Variables(origin+"/auth", issuer, contract.ClientID, contract.ClientSecret)
	variables["TABARD_LOOPBACK_CONNECTIONS"], variables["TABARD_DNS_OVER_HTTPS"] = "true", dns.OverHTTPS(t)
	secret, err := signingkey.ParseSecret(variables["TABARD_SECRET"])
	workerd.Must(t, err)
	key, script := adminKey(t, variables)
	for _, d := range storedDomains {
		script += insertDomain(d)
		if d.there {
			dns.Set(domain.RecordName(d.name), domain.RecordText("token"))
		}
		if d.fault != domaintest.None {
			dns.Fault(d.fault, domain.RecordName(d.name))
		}
	}
	workerd.Start(t, workerd.Options{
		Port: port, Entry: "workerd/faulty.mjs", Variables: variables, Desired: contract.Seal(contract.Desired(issuer, origin), secret), Script: script,
	})
	if got := ask(t, http.MethodGet, origin+"/cdn-cgi/handler/scheduled", nil); got.StatusCode != http.StatusOK {
		t.Fatalf("the cron trigger: %d", got.StatusCode)
	}
	for _, d := range storedDomains {
		if got := leadsToNorthwind(t, origin, "nina@"+d.name); got != d.after {
			t.Errorf("%s leads to northwind: %v", d.name, got)
		}
	}

	a := admin{t, origin + "/auth/admin/v1", key}
	check := func(name, problem string, verified bool) {
		t.Helper()
		got := a.mustSucceed("POST", "/organizations/northwind/domains/"+name+"/check", "")
		if said, _ := got["problem"].(string); said != problem || got["verified"] != verified || leadsToNorthwind(t, origin, "nina@"+name) != verified {
			t.Errorf("%s: %v", name, got)
		}
	}
	made := a.mustSucceed("POST", "/organizations/northwind/domains", `{"domain":"BÜCHER.example."}`)
	record := made["record"].(map[string]any)
	name := made["domain"].(string)
	check(name, "record_missing", false)
	dns.Alias(record["name"].(string), "records.host.example")
	dns.SetStrings("records.host.example", []string{"v=spf1"}, []string{record["value"].(string)[:20], record["value"].(string)[20:]})
	check(name, "", true)
	dns.Fault(domaintest.Fails)
	check(name, "dns_unavailable", true)
	dns.Fault(domaintest.None)
	dns.Set("records.host.example")
	check(name, "record_missing", false)
}

// insertDomain returns the SQL that stores a domain.
func insertDomain(d storedDomain) string {
	verified, checked := "NULL", "0"
	if d.verified {
		verified = "1"
	}
	if d.answered > 0 {
		checked = fmt.Sprintf("CAST(strftime('%%s', 'now') AS INTEGER) - %d", int(d.answered.Seconds()))
	}
	return fmt.Sprintf("INSERT INTO domains (organization_id, name, token, source, created_at, verified_at, checked_at) VALUES ('org_northwind', '%s', 'token', 'admin', 1, %s, %s);\n",
		d.name, verified, checked)
}

// leadsToNorthwind reports whether an address leads to northwind's own provider.
func leadsToNorthwind(t *testing.T, origin, address string) bool {
	t.Helper()
	b := httpbrowser.New(t, origin, origin+"/auth")
	to := b.Step(origin + "/auth/login?email=" + url.QueryEscape(address)).Header.Get("Location")
	if !strings.Contains(to, "login_hint="+url.QueryEscape(address)) {
		t.Fatalf("%s leads to %q", address, to)
	}
	return strings.Contains(to, "/northwind/")
}
