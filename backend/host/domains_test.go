package host_test

import (
	"fmt"
	"testing"
	"time"

	"github.com/tabard-auth/tabard/backend/directory"
	"github.com/tabard-auth/tabard/backend/domain"
	"github.com/tabard-auth/tabard/backend/domain/domaintest"
	"github.com/tabard-auth/tabard/backend/host"
	"github.com/tabard-auth/tabard/backend/store/sqlstore"
)

// claimed returns a store with an organization and a number of domains, and a DNS server
// that has their records.
func claimed(t *testing.T, n int) (*sqlstore.Store, *domaintest.Server) {
	t.Helper()
	store, dns := emptyStore(t), domaintest.New(t)
	d := directory.Desired{Organizations: []directory.DesiredOrganization{{Organization: directory.Organization{ID: "org_acme", Slug: "acme", Name: "Acme"}}}}
	if _, err := store.Apply(t.Context(), d, 1); err != nil {
		t.Fatal(err)
	}
	for i := range n {
		name := fmt.Sprintf("d%02d.example", i)
		if err := store.CreateDomain(t.Context(), directory.Domain{OrganizationID: "org_acme", Name: name, Token: "token"}); err != nil {
			t.Fatal(err)
		}
		dns.Set(domain.RecordName(name), domain.RecordText("token"))
	}
	return store, dns
}

// verified counts the verified domains.
func verified(t *testing.T, store *sqlstore.Store) (n int) {
	t.Helper()
	all, err := store.DomainsOf(t.Context(), "org_acme", "", 1000)
	if err != nil {
		t.Fatal(err)
	}
	for _, d := range all {
		if d.VerifiedAt != 0 {
			n++
		}
	}
	return n
}

// TestHousekeeping_ChecksDomains checks that housekeeping verifies domains, looks them up
// again by a schedule, and takes a domain away whose record is gone. DNS that does not
// answer takes nothing away for a week.
func TestHousekeeping_ChecksDomains(t *testing.T) {
	store, dns := claimed(t, 45)
	now := time.Unix(1_800_000_000, 0)
	h := housekeeping(store, "a")
	h.Resolver, h.Now = dns.Resolver(), func() time.Time { return now }
	run := func(after time.Duration, want, asked int) {
		t.Helper()
		now = now.Add(after)
		before := len(dns.Asked())
		if turn, err := h.Run(t.Context()); err != nil || !turn {
			t.Fatalf("turn %v: %v", turn, err)
		}
		if got := verified(t, store); got != want {
			t.Errorf("%d domains are verified, not %d", got, want)
		}
		if got := len(dns.Asked()) - before; asked >= 0 && got != asked {
			t.Errorf("DNS was asked %d times, not %d", got, asked)
		}
	}
	run(0, 45, 45)
	run(time.Hour, 45, 0)
	dns.Set("_tabard.d07.example")
	run(10*time.Hour, 45, 0)
	run(13*time.Hour, 44, 45)
	run(time.Hour, 44, 1)
	dns.Break(true)
	run(24*time.Hour, 44, -1)
	run(5*24*time.Hour, 44, -1)
	run(3*24*time.Hour, 0, -1)
	dns.Break(false)
	run(time.Hour, 44, 45)
}

// TestHousekeeping_NoResolver checks that without a resolver no domain changes.
func TestHousekeeping_NoResolver(t *testing.T) {
	store, _ := claimed(t, 2)
	if _, err := housekeeping(store, "a").Run(t.Context()); err != nil {
		t.Fatal(err)
	}
	if got := verified(t, store); got != 0 {
		t.Errorf("%d domains are verified", got)
	}
}

// TestCheckDomains_LongestWaitingFirst: names for which DNS never answers hold up no check
// of another, where a run looks up fewer than are due.
func TestCheckDomains_LongestWaitingFirst(t *testing.T) {
	store, dns := claimed(t, 30)
	var broken []string
	for i := range 20 {
		broken = append(broken, fmt.Sprintf("_tabard.d%02d.example", i))
	}
	dns.Fault(domaintest.Fails, broken...)
	now := time.Unix(1_800_000_000, 0)
	runs := func(want int) { // three look up as many as there are
		t.Helper()
		for range 3 {
			if _, err := host.CheckDomains(t.Context(), store, dns.Resolver(), now, 10); err != nil {
				t.Fatal(err)
			}
			now = now.Add(time.Hour)
		}
		if got := verified(t, store); got != want {
			t.Errorf("%d domains are verified, not %d", got, want)
		}
	}
	runs(10)
	now = now.Add(24 * time.Hour)
	dns.Set("_tabard.d25.example")
	runs(9)
	dns.Fault(domaintest.None)
	runs(29)
}
