package storetest

import "github.com/tabard-auth/tabard/backend/directory"

func findsByIssuer(s *suite) {
	issuer := connection("con_1").Issuer
	found := func(issuer string, limit int) []string {
		s.Helper()
		all, err := s.ConnectionsByIssuer(s.ctx, issuer, limit)
		s.must(err)
		ids := []string{}
		for _, c := range all {
			ids = append(ids, c.ID)
		}
		return ids
	}
	s.connected("con_1")
	s.is(found(issuer, 10), []string{}) // it is not enabled
	s.must(s.EnableConnection(s.ctx, "org_acme", "con_1"))
	all, err := s.ConnectionsByIssuer(s.ctx, issuer, 10)
	s.must(err)
	s.is(all, []directory.Connection{s.found("con_1")})
	for _, other := range []string{"", issuer + "/", "https://LOGIN.acme.test", "https://login.acme"} {
		s.is(found(other, 10), []string{})
	}
	for id, organization := range map[string]string{"con_2": "org_globex", "con_3": "org_hooli"} { // hooli is disabled
		c := connection(id)
		c.OrganizationID = organization
		s.must(s.CreateConnection(s.ctx, c, Now))
		s.must(s.EnableConnection(s.ctx, organization, id))
	}
	s.is(found(issuer, 10), []string{"con_1", "con_2"})
	s.is(found(issuer, 1), []string{"con_1"})
	s.must(s.DeleteConnection(s.ctx, "org_acme", "con_1", Now))
	s.is(found(issuer, 10), []string{"con_2"})
}
