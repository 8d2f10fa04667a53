package storetest

import (
	"sync"

	"github.com/tabard-auth/tabard/backend/audit"
	"github.com/tabard-auth/tabard/backend/directory"
	"github.com/tabard-auth/tabard/backend/policy"
	"github.com/tabard-auth/tabard/backend/signingkey"
)

func newKey(organization string, generation int64) signingkey.Stored {
	return signingkey.Stored{
		ID: directory.NewID("k"), Organization: organization, Generation: generation, Algorithm: signingkey.ES256,
		Sealed: "sealed", CreatedAt: Now, SignsAt: Now + 3600, MadeBy: audit.CommandLine,
	}
}

// key stores a signing key.
func (s *suite) key(organization string, generation int64) signingkey.Stored {
	s.Helper()
	k := newKey(organization, generation)
	s.must(s.AddSigningKey(s.ctx, k))
	return k
}

func (s *suite) chain(organization string) signingkey.Chain {
	s.Helper()
	chain, err := s.SigningKeys(s.ctx, organization)
	s.must(err)
	return chain
}

func oneKey(s *suite) {
	var group sync.WaitGroup
	errs := make([]error, 4)
	for i := range errs {
		group.Go(func() { errs[i] = s.AddSigningKey(s.ctx, newKey("", 1)) })
	}
	group.Wait()
	for _, err := range errs {
		s.must(err)
	}
	first := s.chain("")
	s.is(len(first), 1)
	s.key("", 1)
	s.is(s.chain(""), first)
}

func keysOfIssuers(s *suite) {
	second, first := s.key("", 2), s.key("", 1)
	own := s.key("org_acme", 1)
	s.is(s.chain(""), signingkey.Chain{first, second})
	s.is(s.chain("org_acme"), signingkey.Chain{own})
	s.is(s.chain("org_globex"), signingkey.Chain(nil))
}

func advancesKeys(s *suite) {
	k, other := s.key("", 1), s.key("", 2)
	s.must(s.AdvanceSigningKey(s.ctx, k.ID, Now+4000))
	s.is(s.chain(""), signingkey.Chain{k, other})
	k.SignsAt = Now + 600
	for range 2 {
		s.must(s.AdvanceSigningKey(s.ctx, k.ID, Now+600))
		s.is(s.chain(""), signingkey.Chain{k, other})
	}
}

func retiresKeys(s *suite) {
	k, other := s.key("", 1), s.key("", 2)
	retire := func(id string, now int64) bool {
		retired, err := s.RetireSigningKey(s.ctx, id, audit.CommandLine, now)
		s.must(err)
		return retired
	}
	before, err := s.Workspace(s.ctx)
	s.must(err)
	s.is([]bool{retire(k.ID, Now+10), retire(k.ID, Now+20), retire("nothing", Now)}, []bool{true, false, false})
	k.RetiresAt = Now + 10
	s.is(s.chain(""), signingkey.Chain{k, other})
	after, err := s.Workspace(s.ctx)
	s.must(err)
	s.is(after.Revision > before.Revision, true)
	s.must(s.ResumeSigningKeys(s.ctx, "", Now+10))
	s.is(s.chain(""), signingkey.Chain{k, other})
}

func endsKeys(s *suite) {
	retired, used, workspace := s.key("org_acme", 1), s.key("org_acme", 2), s.key("", 1)
	_, err := s.RetireSigningKey(s.ctx, retired.ID, audit.CommandLine, Now)
	s.must(err)
	retired.RetiresAt = Now
	ending := used
	ending.RetiresAt = Now + 100
	for _, at := range []int64{Now + 100, Now + 200} { // the first counts
		s.must(s.EndSigningKeys(s.ctx, "org_acme", at))
		s.is(s.chain("org_acme"), signingkey.Chain{retired, ending})
	}
	s.must(s.ResumeSigningKeys(s.ctx, "org_acme", Now+100)) // not after it
	s.is(s.chain("org_acme"), signingkey.Chain{retired, ending})
	s.must(s.ResumeSigningKeys(s.ctx, "org_acme", Now+99))
	s.is(s.chain("org_acme"), signingkey.Chain{retired, used})
	s.is(s.chain(""), signingkey.Chain{workspace})

	s.must(s.EndSigningKeys(s.ctx, "org_acme", Now+100))
	sooner, err := s.RetireSigningKey(s.ctx, used.ID, audit.CommandLine, Now+50)
	s.must(err)
	s.is(sooner, true)
	s.is(s.chain("org_acme")[1].RetiresAt, int64(Now+50))
}

func keyIssuers(s *suite) {
	s.key("", 1)
	acme, hooli, gone := s.key("org_acme", 1), s.key("org_hooli", 1), s.key("org_gone", 1)
	next := s.key("org_acme", 2)
	list := func(after string, limit int) []signingkey.Issuer {
		all, err := s.SigningKeyIssuers(s.ctx, after, limit)
		s.must(err)
		return all
	}
	rules := policy.Rules{AccessTTL: 60}
	want := []signingkey.Issuer{
		{Organization: "org_acme", Rules: rules, Keys: signingkey.Chain{acme, next}},
		{Organization: "org_gone", Closed: true, Keys: signingkey.Chain{gone}},
		{Organization: "org_hooli", Rules: rules, Closed: true, Keys: signingkey.Chain{hooli}},
	}
	s.is(list("", 10), want)
	s.is(list("", 2), want[:2])
	s.is(list("org_gone", 2), want[2:])
}

func followsUpKeys(s *suite) {
	first, second, own := s.key("", 1), s.key("", 2), s.key("org_acme", 1)
	withdrawn := s.key("", 3)
	_, err := s.RetireSigningKey(s.ctx, withdrawn.ID, audit.CommandLine, Now+10)
	s.must(err)
	_, err = s.RetireSigningKey(s.ctx, own.ID, audit.Server, Now+20)
	s.must(err)
	for range 2 {
		s.must(s.FollowUpSigningKeys(s.ctx, Now, Now+15))
	}
	events, err := s.Events(s.ctx, audit.Query{Limit: 10})
	s.must(err)
	s.is(len(events), 5) // own retires later
	s.is(events[0], audit.Event{
		ID: "retired:" + withdrawn.ID, At: Now + 10, Action: audit.RetireSigningKey, Outcome: audit.Done, Actor: audit.CommandLine,
	})
	own.RetiresAt, withdrawn.RetiresAt = Now+20, Now+10
	s.is(s.chain(""), signingkey.Chain{first, second, withdrawn})

	s.must(s.FollowUpSigningKeys(s.ctx, Now+3599, Now+3600))
	s.is(s.chain(""), signingkey.Chain{first, second})
	s.is(s.chain("org_acme"), signingkey.Chain(nil))
	events, err = s.Events(s.ctx, audit.Query{OrganizationID: "org_acme", Limit: 10})
	s.must(err)
	s.is(len(events), 2)
	s.is(events[0].Actor, audit.Server)

	s.must(s.FollowUpSigningKeys(s.ctx, Now+3600, Now+3600)) // the second took over then
	s.is(s.chain(""), signingkey.Chain{second})
}
