// Package storetest contains the tests that every store must pass.
package storetest

import (
	"context"
	"errors"
	"reflect"
	"sync"
	"testing"

	"github.com/tabard-auth/tabard/backend/admin"
	"github.com/tabard-auth/tabard/backend/audit"
	"github.com/tabard-auth/tabard/backend/directory"
	"github.com/tabard-auth/tabard/backend/orgsession"
	"github.com/tabard-auth/tabard/backend/policy"
	"github.com/tabard-auth/tabard/backend/session"
	"github.com/tabard-auth/tabard/backend/signingkey"
)

// Store is the methods that the tests use.
type Store interface {
	session.Store
	directory.Store
	orgsession.Store
	signingkey.Admin
	signingkey.ReplicaKeyStore
	signingkey.Epochs
	audit.Store
	Connections
	File
	Housekeeping
	Endings
	ProviderTokens
	Companions
	admin.Store
	FollowUpThefts(ctx context.Context, endUser bool, now int64) error
	DeleteExpired(ctx context.Context, before, limit int64) (int64, error)
	DeleteEvents(ctx context.Context, before, limit int64) (int64, error)
	ClaimedRoles(ctx context.Context, userID string) (map[string][]string, error)
	ConnectionByDomain(ctx context.Context, name string) (directory.Connection, error)
	ProviderClaims(ctx context.Context, userID string) (directory.ProviderClaims, error)
	ChangeProviderClaims(ctx context.Context, userID string, from, to directory.ProviderClaims) error
	DueDomains(ctx context.Context, answered, tried int64, limit int) ([]directory.Domain, error)
	ConnectionsByIssuer(ctx context.Context, issuer string, limit int) ([]directory.Connection, error)
}

// Now is the time at which the suite begins, in Unix seconds.
const Now = 1_800_000_000

// Desired is the initial directory of the suite: alice is a member of acme and globex,
// bob of acme; hooli is disabled.
func Desired() directory.Desired {
	person := func(sub string, roles ...string) directory.Member {
		return directory.Member{User: directory.User{Issuer: "https://id.test", Subject: sub, Name: "Name of " + sub}, Roles: roles}
	}
	organization := func(slug string, disabled bool, members ...directory.Member) directory.DesiredOrganization {
		return directory.DesiredOrganization{
			Organization: directory.Organization{ID: "org_" + slug, Slug: slug, Name: "The " + slug, Disabled: disabled,
				Rules: policy.Rules{AccessTTL: 60}},
			Members: members,
		}
	}
	return directory.Desired{
		Workspace: directory.Workspace{
			Apps: []directory.App{{ID: "app", Name: "App", Origins: []string{"https://app.test"}, Audience: "https://app.test/api"}},
		},
		Organizations: []directory.DesiredOrganization{
			organization("acme", false, person("alice", "admin", "billing"), person("bob")),
			organization("globex", false, person("alice", "viewer")),
			organization("hooli", true, person("alice", "admin")),
		},
	}
}

// promises are the tests of every store.
var promises = []struct {
	sentence string
	kept     func(*suite)
}{
	{"a session is read as it was created", readsWhatWasCreated},
	{"a person is found by issuer and subject alone", findsPeople},
	{"a sign-in attempt makes one session", oneSessionAnAttempt},
	{"a sign-in attempt makes one session in a race", oneSessionInARace},
	{"a session's id is no other's", oneSessionAnID},
	{"what is not there is not found", notFound},
	{"a session without a device key is bound to one, once, in its first two minutes", bindsOnce},
	{"of keys that race for a session one is bound", bindsOneInARace},
	{"a session that ended keeps its time and reason", endsOnce},
	{"all of a person's sessions end, and nobody else's", endsAPersons},
	{"a provider's logout ends what it is about", endsUpstream},
	{"a provider's logout names its newest session", replacesUpstream},
	{"a person's live sessions are listed, the newest first", listsLive},
	{"a session that ends with the browser stays so", endsWithTheBrowser},
	{"a provider's token is kept with what is known of its uses", keepsProviderTokens},
	{"of those that find a revalidation due one claims it", claimsOnce},
	{"the end of a session leaves no provider's token", endsProviderTokens},
	{"a session is revalidated with the one that it was entered from", followsTheParent},
	{"what rests on a connection ends alone", endsTheConnected},
	{"a person's sign-ins in browsers are listed, the newest first", listsSignIns},
	{"a session ends beside others that are live", revokesBeside},
	{"of sessions that end beside each other at once one remains", revokesBesideAtOnce},
	{"a browser's live sessions are listed, the newest first", listsOfBrowser},
	{"a browser's sessions that ended are listed, the last first", listsEndedOfBrowser},
	{"a session that ended is presented in vain", presentsInVain},
	{"an organization is entered once and left until it is entered again", entersAndLeaves},
	{"an event is recorded with the change that it is about, and not without it", recordsCompanions},
	{"leaving an organization that was never entered counts", leavesUnentered},
	{"an end for idleness overtaken by activity ends nothing", leavesNobodyActive},
	{"activity counts in its organization, never backwards, and revives nothing", touches},
	{"a living organization session is raised, and no other", raises},
	{"one session too many ends the one idle longest", supersedes},
	{"an attempt brings one authentication", authenticatesOnce},
	{"all sessions of the workspace that began before a time end, in batches", endsAllInBatches},
	{"a database without an epoch takes the first that is named, and keeps it", keepsAnEpoch},
	{"a database with sessions and no epoch takes none that a file names", adoptsNoNamedEpoch},
	{"a subject is read by the organization's id and slug alike", subjects},
	{"attributes and providers' claims are kept, and a change of what was changed meanwhile is refused", keepsAttributes},
	{"an organization that does not admit is like one that does not exist", strangers},
	{"an organization's rules are read by its id, unless it is disabled", organizationRules},
	{"memberships are listed by name, disabled organizations left out", memberships},
	{"a person is who the provider says, for good", signsIn},
	{"claimed memberships follow the claim and leave the others alone", claims},
	{"a connection is kept, and all of it changes but its issuer", keepsConnections},
	{"connections are listed by pages", listsConnections},
	{"enabled connections are found by their issuer", findsByIssuer},
	{"sessions without a provider's token and enabled connections are seen", countsForTheDoctor},
	{"the workspace's document is replaced unless it has changed meanwhile", replacesTheDocument},
	{"an organization's connections and domains become those of a file", appliesSettings},
	{"a file takes no connection of another organization or issuer", refusesForeignSettings},
	{"domains are kept, verified and lost", keepsDomains},
	{"of organizations that claim a domain the first verified one has it", firstVerifiedHasIt},
	{"a verified domain leads to an enabled connection", findsByDomain},
	{"domains are due that were not looked up of late, the longest waiting first", findsDueDomains},
	{"one connection of an organization is enabled at most", enablesOne},
	{"a deleted connection's id never comes back", deletesForGood},
	{"people sign in at the organization's own connection that is enabled", leadsToTheConnection},
	{"a connection's subject is one person, and nobody is two there", linksOnce},
	{"of people who race for a connection's subject one is linked", linksOneInARace},
	{"a connection's memberships follow it and leave the others alone", provisions},
	{"a confined session finds its organization alone", confines},
	{"a confined session's end reaches no other", endsTheConfined},
	{"a connection's logout ends what began there", endsAtTheConnection},
	{"a session that was entered from another inherits its one organization", inherits},
	{"nothing is inherited from where it has ended", inheritsNothingEnded},
	{"a session that joined another acts by its organization sessions", actsByTheFirst},
	{"a person's sessions at an origin end alone", endsAtAnOrigin},
	{"enabled organizations are named by id or slug", namesEnabledOrganizations},
	{"a session of a step-up takes over the old one's place", takesOver},
	{"a session of a step-up takes over nothing that was signed out of", takesOverNothingSignedOut},
	{"what was entered from a session ends with it", endsWithItsParent},
	{"what was entered from an organization session ends with it", endsWithItsParentsStay},
	{"what was entered from a session counts with it", countsWithItsParent},
	{"whoever is let in again begins there anew", beginsAnew},
	{"what takes no access away ends nothing", changesNothing},
	{"whatever rests on a connection begins anew once it is enabled again", connectsAnew},
	{"a theft that a crash cut short is followed up", followsUp},
	{"a theft reaches what browsers hold, from what browsers hold", reachesBrowsers},
	{"sessions that ended long ago are forgotten", forgets},
	{"an event recorded twice counts once", eventsOnce},
	{"the trail is read by pages, the newest first", eventPages},
	{"the trail is filtered", eventsFiltered},
	{"the trail is forgotten from its oldest end", eventsForgotten},
	{"a lease is one holder's at a time", leases},
	{"the trail is exported from its oldest end, and an export never goes back", exports},
	{"an organization is made once a slug, renamed, ruled and blocked", administersOrganizations},
	{"of organizations that race for a slug one is made", oneOrganizationInARace},
	{"a deleted organization lets nobody in, and its id stays taken", deletesOrganizations},
	{"members are listed, and removed where no file names them", administersMembers},
	{"a file's members come and go in any number at once", changesFileMembers},
	{"an invitation is kept once a person, listed, and withdrawn", keepsInvitations},
	{"an invitation is accepted by whom it names, once, and by nobody who is kept out", acceptsInvitations},
	{"of acceptances that race one makes a member", acceptsOnceInARace},
	{"an invitation ends with its time, its organization, and the membership that came of it", endsInvitations},
	{"an organization's own provider names whom it invites", invitesByConnection},
	{"a member gets other roles where nobody may be made one", changesMembersOnly},
	{"a blocked membership admits to nothing, whatever gives it", blocksMembers},
	{"staff access admits until it ends by itself, or is ended", staffEnds},
	{"staff are listed, and are no members, whom staff access is refused", listsStaff},
	{"no source of memberships prolongs, ends or makes one of staff access", staffStays},
	{"people are listed and blocked", administersUsers},
	{"a session ends in one organization and lives in the others", endsStays},
	{"of two who change the workspace's policy at once one is told", rulesWorkspaceOnce},
	{"a key is found by its newest hash, until it is revoked and after", keepsKeys},
	{"replicas that start together end with one signing key", oneKey},
	{"an issuer's signing keys are its own, in the order of their generations", keysOfIssuers},
	{"a signing key takes over sooner, never later", advancesKeys},
	{"a signing key retires once, and keeps its time", retiresKeys},
	{"keys that nobody uses end, unless somebody does before", endsKeys},
	{"organizations that have keys are listed with what decides over them", keyIssuers},
	{"keys that were made and retired are recorded once, those long gone forgotten", followsUpKeys},
	{"sessions that end are in the feed, with those that were entered from them", endsSessionsInTheFeed},
	{"organization sessions that are ended are in the feed", endsOrganizationSessionsInTheFeed},
	{"memberships and people that lose access are in the feed", endsMembershipsInTheFeed},
	{"organizations that are disabled, ruled or renamed are in the feed", endsOrganizationsInTheFeed},
	{"what the workspace takes away is in the feed", endsForTheWorkspaceInTheFeed},
	{"very many endings of one kind are few in the feed", coarsensInTheFeed},
	{"a subject is read with the feed's number, and the feed's oldest end is forgotten", numbersTheFeed},
	{"a feed that is restarted is beyond every number of before", restartsTheFeed},
	{"which replica has which values of the secret is known", recordsReplicaKeys},
	{"the last record of a value of the secret in each place is kept", keepsLastReplicaKeys},
}

// Run tests the store that open returns. Each call of open returns an empty store in
// which Desired was applied.
func Run(t *testing.T, open func(*testing.T) Store) { RunOneOf(t, 1, open) }

// RunOneOf is Run with one of every n tests, for a variant of a database whose other tests
// take long.
func RunOneOf(t *testing.T, n int, open func(*testing.T) Store) {
	for i, promise := range promises {
		if i%n > 0 {
			continue
		}
		t.Run(promise.sentence, func(t *testing.T) {
			promise.kept(&suite{T: t, Store: open(t), ctx: t.Context()})
		})
	}
}

type suite struct {
	*testing.T
	Store
	ctx context.Context
}

func (s *suite) must(err error) {
	s.Helper()
	if err != nil {
		s.Fatal(err)
	}
}

func (s *suite) is(got, want any) {
	s.Helper()
	if !reflect.DeepEqual(got, want) {
		s.Errorf("got  %+v\nwant %+v", got, want)
	}
}

// person signs in a person, with or without organizations.
func (s *suite) person(sub string) directory.User {
	s.Helper()
	u, err := s.SignIn(s.ctx, directory.User{ID: directory.NewID("usr_"), Issuer: "https://id.test", Subject: sub}, Now)
	s.must(err)
	return u
}

func newSession(user directory.User) session.Session {
	id := session.NewID()
	_, row := session.First(id, session.NewTokenID(), Now)
	return session.Session{
		ID: id, App: "app", UserID: user.ID, Secret: session.NewSecret(), Row: row,
		CreatedAt: Now, ExpiresAt: Now + 3600,
		SignIn:  policy.Authentication{Time: Now - 5, ACR: "urn:test", AMR: []string{"pwd", "otp"}, Connection: "own"},
		Attempt: directory.NewID(""), JKT: "thumb", UpstreamSID: "up", UpstreamToken: "sealed",
		UserAgent: `Browser "1"; 'x'`, Address: "127.0.0.1",
	}
}

func (s *suite) session(user directory.User) session.Session {
	s.Helper()
	n := newSession(user)
	s.must(s.Create(s.ctx, n))
	return n
}

func (s *suite) stored(id session.ID) session.Session {
	s.Helper()
	got, err := s.Session(s.ctx, id)
	s.must(err)
	return got
}

func readsWhatWasCreated(s *suite) {
	n := s.session(s.person("alice"))
	s.is(s.stored(n.ID), n)
}

func oneSessionAnAttempt(s *suite) {
	alice := s.person("alice")
	first := s.session(alice)
	s.must(s.Create(s.ctx, first)) // a reply was lost
	second := newSession(alice)
	second.Attempt = first.Attempt
	s.is(s.Create(s.ctx, second), session.ErrAttemptUsed)
	_, err := s.Session(s.ctx, second.ID)
	s.is(err, session.ErrNotFound)
	made, err := s.OfAttempt(s.ctx, first.Attempt)
	s.must(err)
	s.is(made, s.stored(first.ID))
	s.must(s.Revoke(s.ctx, first.ID, session.ReasonSignedOut, Now+1))
	made, err = s.OfAttempt(s.ctx, first.Attempt)
	s.must(err)
	s.is(made.RevokedAt, int64(Now+1))
	_, err = s.OfAttempt(s.ctx, "of nothing")
	s.is(err, session.ErrNotFound)
}

func oneSessionAnID(s *suite) {
	alice := s.person("alice")
	first := s.session(alice)
	second := newSession(alice)
	second.ID = first.ID
	s.is(s.Create(s.ctx, second), session.ErrIDTaken)
	second.Attempt = first.Attempt
	s.is(s.Create(s.ctx, second), session.ErrAttemptUsed)
	s.is(s.stored(first.ID), first)
}

func oneSessionInARace(s *suite) {
	alice := s.person("alice")
	attempt := directory.NewID("")
	errs := make([]error, 8)
	var group sync.WaitGroup
	for i := range errs {
		group.Go(func() {
			n := newSession(alice)
			n.Attempt = attempt
			errs[i] = s.Create(s.ctx, n)
		})
	}
	group.Wait()
	made := 0
	for _, err := range errs {
		if err == nil {
			made++
		} else if !errors.Is(err, session.ErrAttemptUsed) {
			s.Error(err)
		}
	}
	s.is(made, 1)
}

func notFound(s *suite) {
	_, err := s.Session(s.ctx, session.NewID())
	s.is(err, session.ErrNotFound)
	_, err = s.Subject(s.ctx, session.NewID(), "acme", Now)
	s.is(err, session.ErrNotFound)
}

func endsOnce(s *suite) {
	n := s.session(s.person("alice"))
	s.must(s.Revoke(s.ctx, n.ID, session.ReasonSignedOut, Now+1))
	s.must(s.Revoke(s.ctx, n.ID, session.ReasonSuperseded, Now+2))
	got := s.stored(n.ID)
	s.is(got.RevokedAt, int64(Now+1))
	s.is(got.RevokeReason, session.ReasonSignedOut)
}

func endsAPersons(s *suite) {
	alice, bob := s.person("alice"), s.person("bob")
	one, two, other := s.session(alice), s.session(alice), s.session(bob)
	s.must(s.RevokeUser(s.ctx, alice.ID, "", session.ReasonSignedOut, Now+1))
	s.is(s.stored(one.ID).RevokedAt, int64(Now+1))
	s.is(s.stored(two.ID).RevokedAt, int64(Now+1))
	s.is(s.stored(other.ID), other)
}

func listsLive(s *suite) {
	alice := s.person("alice")
	older, newer, over, gone := newSession(alice), newSession(alice), newSession(alice), s.session(alice)
	older.CreatedAt, over.ExpiresAt = Now-10, Now
	for _, n := range []session.Session{older, newer, over} {
		s.must(s.Create(s.ctx, n))
	}
	s.session(s.person("bob"))
	s.must(s.Revoke(s.ctx, gone.ID, session.ReasonSignedOut, Now))
	got, err := s.Live(s.ctx, alice.ID, "", Now, 10)
	s.must(err)
	s.is(got, []session.Session{newer, older})
	got, err = s.Live(s.ctx, alice.ID, "", Now, 1)
	s.must(err)
	s.is(len(got), 1)
}

func presentsInVain(s *suite) {
	n := s.session(s.person("alice"))
	s.must(s.Revoke(s.ctx, n.ID, session.ReasonSignedOut, Now+1))
	p := session.Redemption{
		Token:  session.Successor(n.ID, n.Row, session.NewTokenID(), Now+2),
		Limits: session.LimitsFor(false), Now: Now + 2,
	}
	row, err := s.Redeem(s.ctx, p)
	s.must(err)
	s.is(row, s.stored(n.ID).Row)
	s.is(row.RevokeReason, session.ReasonSignedOut)
}
