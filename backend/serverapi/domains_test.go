package serverapi_test

import (
	"context"
	"net/http"
	"strings"
	"testing"

	"github.com/tabard-auth/tabard/backend/admin"
	"github.com/tabard-auth/tabard/backend/domain/domaintest"
)

// resolving gives the backend a DNS server.
func (w *backend) resolving() *domaintest.Server {
	w.Helper()
	dns := domaintest.New(w)
	w.Resolver = dns.Resolver()
	w.Restart()
	return dns
}

func (w *backend) domain(method, path, key string, want int) (d admin.Domain) {
	w.Helper()
	got := w.ask(method, "/organizations/"+path, "", key)
	if got.Status != want {
		w.Fatalf("%s %s: %d %s", method, path, got.Status, got.Body)
	}
	got.into(w, &d)
	return d
}

// TestDomains_Verified: a domain is verified while its record is in DNS.
func TestDomains_Verified(t *testing.T) {
	w := newBackend(t, nil)
	dns := w.resolving()
	var d admin.Domain
	got := w.ask("POST", "/organizations/acme/domains", `{"domain":"BÜCHER.example."}`, w.acme)
	if got.into(t, &d); got.Status != http.StatusCreated || d.Domain != "xn--bcher-kva.example" || d.Verified || d.Record.Type != "TXT" || d.Record.Name != "_tabard.xn--bcher-kva.example" {
		t.Fatalf("%d %s", got.Status, got.Body)
	}
	if got := w.ask("POST", "/organizations/acme/domains", `{"domain":"bücher.example"}`, w.acme); got.code() != "already_exists" {
		t.Errorf("again: %d %s", got.Status, got.Body)
	}
	check := func(verified bool, problem string) {
		t.Helper()
		for _, path := range []string{"acme/domains/b%C3%BCcher.example/check", "acme/domains/" + d.Domain + "/check"} {
			if got := w.domain("POST", path, w.acme, http.StatusOK); got.Verified != verified || string(got.Problem) != problem {
				t.Errorf("%+v", got)
			}
		}
	}
	check(false, "record_missing")
	dns.Set(d.Record.Name, d.Record.Value)
	check(true, "")
	dns.Break(true)
	check(true, "dns_unavailable")
	dns.Break(false)
	dns.Set(d.Record.Name)
	check(false, "record_missing")
	dns.Set(d.Record.Name, d.Record.Value)
	check(true, "")

	var all admin.List[admin.Domain]
	w.ask("GET", "/organizations/acme/domains", "", w.acme).into(t, &all)
	if len(all.Items) != 1 || !all.Items[0].Verified {
		t.Errorf("%+v", all)
	}
	if got := w.ask("DELETE", "/organizations/acme/domains/"+d.Domain, "", w.acme); got.Status != http.StatusNoContent {
		t.Errorf("%d %s", got.Status, got.Body)
	}
	w.domain("GET", "acme/domains/"+d.Domain, w.acme, http.StatusNotFound)
	if got := strings.Join(w.domainEvents(), " "); !strings.Contains(got, "domain.create") || !strings.Contains(got, "domain.verify") || !strings.Contains(got, "domain.lose") || !strings.Contains(got, "domain.delete") {
		t.Errorf("the audit log has %s", got)
	}
}

// domainEvents returns the actions about domains in acme's audit log.
func (w *backend) domainEvents() (all []string) {
	w.Helper()
	var events admin.List[struct {
		Action string `json:"action"`
		Note   string `json:"note"`
	}]
	w.ask("GET", "/organizations/acme/audit?limit=100", "", w.acme).into(w, &events)
	for _, e := range events.Items {
		if strings.HasPrefix(e.Action, "domain.") {
			if all = append(all, e.Action); e.Note == "" {
				w.Errorf("%s names no domain", e.Action)
			}
		}
	}
	return all
}

// TestDomains_FirstVerifiedHasIt: the second organization is told why it does not get the
// domain, until the first one's record is gone.
func TestDomains_FirstVerifiedHasIt(t *testing.T) {
	w := newBackend(t, nil)
	dns := w.resolving()
	values := map[string]string{}
	for _, slug := range []string{"acme", "globex"} {
		var d admin.Domain
		w.ask("POST", "/organizations/"+slug+"/domains", `{"domain":"shared.example"}`, w.whole).into(t, &d)
		values[slug] = d.Record.Value
	}
	if values["acme"] == values["globex"] {
		t.Fatal("both have one record")
	}
	check := func(slug string) admin.Domain {
		t.Helper()
		return w.domain("POST", slug+"/domains/shared.example/check", w.whole, http.StatusOK)
	}
	dns.Set("_tabard.shared.example", values["acme"], values["globex"])
	if got := check("globex"); !got.Verified {
		t.Errorf("%+v", got)
	}
	if got := check("acme"); got.Verified || got.Problem != "domain_taken" {
		t.Errorf("%+v", got)
	}
	dns.Set("_tabard.shared.example", values["acme"])
	if got := check("acme"); got.Problem != "domain_taken" {
		t.Errorf("before the first one is looked up: %+v", got)
	}
	check("globex")
	if got := check("acme"); !got.Verified {
		t.Errorf("%+v", got)
	}
}

// TestDomains_Refused: names that nobody owns alone, and other organizations' domains.
func TestDomains_Refused(t *testing.T) {
	w := newBackend(t, nil)
	dns := w.resolving()
	for _, name := range []string{"com", "co.uk", "github.io", "localhost", "192.0.2.1", "a@acme.example", "*.acme.example", "", strings.Repeat("a.", 60) + "example"} {
		if got := w.ask("POST", "/organizations/acme/domains", `{"domain":"`+name+`"}`, w.acme); got.code() != "invalid_request" || !strings.Contains(got.Body, "domain: ") {
			t.Errorf("%.40q: %d %s", name, got.Status, got.Body)
		}
	}
	w.ask("POST", "/organizations/globex/domains", `{"domain":"globex.example"}`, w.whole)
	for _, request := range []string{"GET globex/domains", "GET globex/domains/globex.example", "POST globex/domains/globex.example/check", "DELETE globex/domains/globex.example", "GET acme/domains/globex.example", "POST acme/domains/globex.example/check"} {
		method, path, _ := strings.Cut(request, " ")
		if got := w.ask(method, "/organizations/"+path, "", w.acme); got.Status != http.StatusNotFound {
			t.Errorf("%s: %d %s", request, got.Status, got.Body)
		}
	}
	if asked := dns.Asked(); len(asked) != 0 {
		t.Errorf("DNS was asked for %v", asked)
	}
}

// TestDomains_NoResolver: a host without a resolver says so.
func TestDomains_NoResolver(t *testing.T) {
	w := newBackend(t, nil)
	w.ask("POST", "/organizations/acme/domains", `{"domain":"acme.example"}`, w.acme)
	if got := w.ask("POST", "/organizations/acme/domains/acme.example/check", "", w.acme); got.code() != "temporarily_unavailable" {
		t.Errorf("%d %s", got.Status, got.Body)
	}
	if d, err := w.Store.Domain(context.Background(), "org_acme", "acme.example"); err != nil || d.CheckedAt != 0 {
		t.Errorf("%+v, %v", d, err)
	}
}
