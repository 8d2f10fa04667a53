package storetest

import (
	"fmt"
	"sync"

	"github.com/tabard-auth/tabard/backend/directory"
)

func domainOf(organization, name string) directory.Domain {
	return directory.Domain{OrganizationID: organization, Name: name, Token: "token " + organization, CreatedAt: Now}
}

func (s *suite) claimedDomain(organization, name string) directory.Domain {
	s.Helper()
	d := domainOf(organization, name)
	s.must(s.CreateDomain(s.ctx, d))
	return d
}

func keepsDomains(s *suite) {
	d := s.claimedDomain("org_acme", "acme.example")
	s.must(s.CreateDomain(s.ctx, d)) // a reply was lost
	other := d
	other.Token = "another"
	s.is(s.CreateDomain(s.ctx, other), directory.ErrDomainExists)
	s.is(s.CreateDomain(s.ctx, domainOf("org_nowhere", "a.example")), directory.ErrNoOrganization)
	got, err := s.Domain(s.ctx, "org_acme", "acme.example")
	s.must(err)
	s.is(got, d)
	_, err = s.Domain(s.ctx, "org_globex", "acme.example")
	s.is(err, directory.ErrNoDomain)
	second := s.claimedDomain("org_acme", "b.example")
	page, err := s.DomainsOf(s.ctx, "org_acme", "acme.example", 10)
	s.must(err)
	s.is(page, []directory.Domain{second})

	verified, err := s.VerifyDomain(s.ctx, d, Now+1)
	s.must(err)
	s.is(verified, true)
	_, err = s.VerifyDomain(s.ctx, d, Now+9)
	s.must(err)
	s.must(s.NoteDomain(s.ctx, d, directory.DNSUnavailable, Now+10))
	got, err = s.Domain(s.ctx, "org_acme", "acme.example")
	s.must(err)
	s.is([]any{got.VerifiedAt, got.CheckedAt, got.Problem}, []any{int64(Now + 1), int64(Now + 9), directory.DNSUnavailable})
	s.must(s.UnverifyDomain(s.ctx, d, directory.RecordMissing, Now+20))
	got, err = s.Domain(s.ctx, "org_acme", "acme.example")
	s.must(err)
	s.is([]any{got.VerifiedAt, got.CheckedAt, got.Problem}, []any{int64(0), int64(Now + 20), directory.RecordMissing})

	s.must(s.DeleteDomain(s.ctx, "org_acme", "acme.example"))
	s.is(s.DeleteDomain(s.ctx, "org_acme", "acme.example"), directory.ErrNoDomain)
	for i := range directory.MaxDomains - 1 {
		s.claimedDomain("org_acme", fmt.Sprintf("d%d.example", i))
	}
	s.is(s.CreateDomain(s.ctx, domainOf("org_acme", "more.example")), directory.ErrTooMany)
	s.must(s.DeleteOrganization(s.ctx, "org_acme", Now))
	all, err := s.DomainsOf(s.ctx, "org_acme", "", 10)
	s.must(err)
	s.is(len(all), 0)
}

// firstVerifiedHasIt: of organizations that claim one domain the first verified one has
// it, until it loses it.
func firstVerifiedHasIt(s *suite) {
	one, two := s.claimedDomain("org_acme", "shared.example"), s.claimedDomain("org_globex", "shared.example")
	verify := func(d directory.Domain, want bool) {
		s.Helper()
		got, err := s.VerifyDomain(s.ctx, d, Now)
		s.must(err)
		s.is(got, want)
	}
	verify(one, true)
	verify(two, false)
	verify(one, true)
	s.must(s.UnverifyDomain(s.ctx, one, directory.RecordMissing, Now))
	verify(two, true)
	verify(one, false)

	var wg sync.WaitGroup
	one, two = s.claimedDomain("org_acme", "race.example"), s.claimedDomain("org_globex", "race.example")
	verified := make([]bool, 8)
	for i := range verified {
		wg.Go(func() {
			verified[i], _ = s.VerifyDomain(s.ctx, []directory.Domain{one, two}[i%2], Now)
		})
	}
	wg.Wait()
	winners := map[int]bool{}
	for i, won := range verified {
		if won {
			winners[i%2] = true
		}
	}
	s.is(len(winners), 1)
}

// findsByDomain: only a verified domain of an enabled organization with an enabled
// connection leads to it.
func findsByDomain(s *suite) {
	found := func(name string) string {
		s.Helper()
		c, err := s.ConnectionByDomain(s.ctx, name)
		if err != nil {
			s.is(err, directory.ErrNoConnection)
		}
		return c.ID
	}
	d := s.claimedDomain("org_acme", "acme.example")
	s.connected("con_1")
	s.is(found("acme.example"), "")
	verified, err := s.VerifyDomain(s.ctx, d, Now)
	s.must(err)
	s.is([]any{verified, found("acme.example")}, []any{true, ""})
	s.must(s.EnableConnection(s.ctx, "org_acme", "con_1"))
	s.is([]any{found("acme.example"), found(""), found("mail.acme.example")}, []any{"con_1", "", ""})
	c, err := s.ConnectionByDomain(s.ctx, "acme.example")
	s.must(err)
	s.is(c, s.found("con_1"))
	s.must(s.SetOrganizationDisabled(s.ctx, "org_acme", true, Now))
	s.is(found("acme.example"), "")
	s.must(s.SetOrganizationDisabled(s.ctx, "org_acme", false, Now))
	s.must(s.UnverifyDomain(s.ctx, d, directory.RecordMissing, Now))
	s.is(found("acme.example"), "")
}

func findsDueDomains(s *suite) {
	a, b, c := s.claimedDomain("org_acme", "a.example"), s.claimedDomain("org_acme", "b.example"), s.claimedDomain("org_globex", "a2.example")
	due := func(answered, tried int64, limit int) (names []string) {
		s.Helper()
		all, err := s.DueDomains(s.ctx, answered, tried, limit)
		s.must(err)
		for _, d := range all {
			names = append(names, d.Name)
		}
		return names
	}
	s.is(due(0, 0, 10), []string{"a.example", "b.example", "a2.example"})
	_, err := s.VerifyDomain(s.ctx, a, Now)
	s.must(err)
	s.must(s.UnverifyDomain(s.ctx, b, directory.RecordMissing, Now-1))
	s.is(due(Now-1, Now-2, 10), []string{"a2.example"})
	s.is(due(Now-1, Now, 10), []string{"a2.example", "b.example"})
	s.is(due(Now, Now, 10), []string{"a2.example", "b.example", "a.example"})
	s.is(due(Now, Now, 2), []string{"a2.example", "b.example"})

	// DNS does not answer: those wait for their next turn.
	s.must(s.NoteDomain(s.ctx, c, directory.DNSUnavailable, Now+1))
	s.must(s.NoteDomain(s.ctx, a, directory.DNSUnavailable, Now+2))
	s.is(due(Now, Now+1, 10), []string{"b.example", "a2.example"})
	s.is(due(Now, Now+2, 10), []string{"b.example", "a2.example", "a.example"})
	s.is(due(Now-1, Now+2, 10), []string{"b.example", "a2.example"})
}
