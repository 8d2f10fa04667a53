package remote

import (
	"cmp"
	"context"
	"crypto/sha256"
	"encoding/json"
	"fmt"
	"net/http"
	"strings"

	"github.com/tabard-auth/tabard/backend/admin"
	"github.com/tabard-auth/tabard/backend/api"
	"github.com/tabard-auth/tabard/backend/directory"
	"github.com/tabard-auth/tabard/backend/policy"
)

const (
	// pageSize is the most memberships in one request: each takes two statements, and
	// D1's smallest plan allows fifty a request.
	pageSize = 20
	// pageBytes is the size of a request, without its last member, from which it is
	// sent.
	pageBytes = 8 << 10
)

// ApplyOptions are the options of Apply.
type ApplyOptions struct {
	// DryRun reports the differences without changing anything.
	DryRun bool
	// OnProgress is called after each organization with the number of memberships
	// compared.
	OnProgress func(members int)
	// OnDifference is called with each difference, before it is changed.
	OnDifference func(directory.Difference)
}

// Apply changes the workspace's policy, and the organizations of a workspace file with
// their policies and members, to match the file. Applied again it changes nothing;
// after an interruption the next call does the rest. As with a database, members that
// an earlier file named and this one does not are removed; those admitted by an
// administrator or a claim stay.
//
// Objects that the administration API cannot change stay as they are: apps, roles,
// connections and the other fields at the top of the file. A disabled organization
// stays disabled.
func (c *Client) Apply(ctx context.Context, d directory.Desired, how ApplyOptions) (directory.Changes, error) {
	a := &applier{Client: c, ApplyOptions: how}
	err := a.run(ctx, d)
	return a.changes, err
}

type applier struct {
	*Client
	ApplyOptions
	changes directory.Changes
}

func (a *applier) reportDifference(kind directory.DifferenceKind, what, organization, name, format string, args ...any) {
	if a.OnDifference != nil {
		a.OnDifference(directory.Difference{Kind: kind, What: what, Organization: organization, Name: name, Detail: fmt.Sprintf(format, args...)})
	}
}

// change sends a request that changes something, except in a dry run.
func (a *applier) change(ctx context.Context, method, at string, body, into any) error {
	if a.DryRun {
		return nil
	}
	return a.request(ctx, method, at, body, into)
}

func (a *applier) run(ctx context.Context, d directory.Desired) error {
	byID, bySlug := map[string]admin.Organization{}, map[string]admin.Organization{}
	if err := eachItem(ctx, a.Client, "/organizations", func(o admin.Organization) { byID[o.ID], bySlug[o.Slug] = o, o }); err != nil {
		return err
	}
	stored := make([]admin.Organization, len(d.Organizations))
	var conflicts directory.Conflicts
	for i, o := range d.Organizations {
		if stored[i] = bySlug[o.Slug]; o.ID != "" {
			stored[i] = byID[o.ID]
		}
		if o.ID != "" && stored[i].ID == "" && len(conflicts) < directory.MaxProblems {
			conflicts = append(conflicts, directory.Conflict{Line: o.Line, Text: fmt.Sprintf(
				"there is no organization %s. The administration API assigns the ids of new organizations: leave the id out", o.ID)})
		}
	}
	if conflicts != nil {
		return conflicts
	}
	changed, err := a.policy(ctx, "workspace", "", "/policy", d.Workspace.Policy)
	if err != nil {
		return err
	}
	a.changes.Workspace = changed
	done := 0
	for i, o := range d.Organizations {
		if err := a.organization(ctx, stored[i], &o); err != nil {
			return fmt.Errorf("organization %s: %w", o.Slug, err)
		}
		done += o.MemberCount()
		if a.OnProgress != nil {
			a.OnProgress(done)
		}
	}
	return nil
}

func (a *applier) policy(ctx context.Context, what, organization, at string, wanted policy.Rules) (changed bool, err error) {
	var stored policy.Rules
	if err := a.request(ctx, http.MethodGet, at, nil, &stored); err != nil {
		return false, err
	}
	before, after := encodeRules(stored), encodeRules(wanted)
	if before == after {
		return false, nil
	}
	a.reportDifference(directory.Change, what, organization, "policy", "%s -> %s", before, after)
	return true, a.change(ctx, http.MethodPut, at, wanted, nil)
}

func encodeRules(r policy.Rules) string {
	written, _ := json.Marshal(r) // numbers and texts always encode
	return string(written)
}

func (a *applier) organization(ctx context.Context, stored admin.Organization, o *directory.DesiredOrganization) error {
	added := stored.ID == ""
	changed := false
	switch names := (admin.OrganizationNames{Slug: o.Slug, Name: o.Name}); {
	case added:
		a.changes.Organizations.Added++
		a.reportDifference(directory.Addition, "organization", o.Slug, "", "%q", o.Name)
		err := a.change(ctx, http.MethodPost, "/organizations", names, &stored)
		if hasCode(err, api.AlreadyExists) { // created by a request whose response was lost
			err = a.request(ctx, http.MethodGet, "/organizations/"+o.Slug, nil, &stored)
		}
		if err != nil {
			return err
		}
		if a.DryRun { // there are no members to compare with
			return a.members(ctx, "", o)
		}
	case stored.Slug != o.Slug || stored.Name != o.Name:
		changed = true
		a.reportDifference(directory.Change, "organization", o.Slug, "", "%s %q -> %q", stored.Slug, stored.Name, o.Name)
		if err := a.change(ctx, http.MethodPatch, "/organizations/"+stored.ID, names, nil); err != nil {
			return err
		}
	}
	at := "/organizations/" + stored.ID
	if o.Disabled && !stored.Disabled {
		changed = true
		a.reportDifference(directory.Change, "organization", o.Slug, "", "disabled")
		if err := a.change(ctx, http.MethodPost, at+"/disable", nil, nil); err != nil {
			return err
		}
	}
	ruled, err := a.policy(ctx, "organization", o.Slug, at+"/policy", o.Rules)
	if err != nil {
		return err
	}
	stated, err := a.attributes(ctx, at, stored, o)
	if err != nil {
		return err
	}
	if (changed || ruled || stated) && !added {
		a.changes.Organizations.Changed++
	}
	return a.members(ctx, at, o)
}

// attributes changes an organization's attributes to those that the file states.
func (a *applier) attributes(ctx context.Context, at string, stored admin.Organization, o *directory.DesiredOrganization) (changed bool, err error) {
	if o.Attributes == "" {
		return false, nil
	}
	before, after := attributesOf(stored.Attributes), o.Attributes
	if before == after {
		return false, nil
	}
	a.reportDifference(directory.Change, "organization", o.Slug, "attributes", "%s -> %s", before, after)
	changes := admin.AttributeChanges{Attributes: after.Values()}
	for name := range stored.Attributes {
		if _, stays := changes.Attributes[name]; !stays {
			changes.Attributes[name] = nil
		}
	}
	return true, a.change(ctx, http.MethodPatch, at+"/attributes", changes, nil)
}

// attributesOf returns attributes as a file states them.
func attributesOf(all admin.Attributes) directory.Attributes {
	if len(all) == 0 {
		return "{}"
	}
	return directory.NewAttributes(all)
}

// fileMember is a member of the file as a request names it.
func fileMember(m directory.Member) admin.FileMember {
	f := admin.FileMember{Issuer: m.Issuer, Subject: m.Subject, Name: m.Name, Email: m.Email, Roles: m.Roles}
	if m.Attributes != "" {
		f.Attributes = m.Attributes.Values()
	}
	return f
}

// personKey stands for an issuer and a subject and takes little memory.
type personKey [16]byte

func newPersonKey(iss, sub string) (p personKey) {
	sum := sha256.Sum256([]byte(iss + "\x00" + sub))
	copy(p[:], sum[:])
	return p
}

// memberSet is the members of an organization that the backend has, in little memory:
// their places, which are few, are kept once.
type memberSet struct {
	members map[personKey]uint32 // into places
	places  []place
	known   map[string]uint32
}

// place is what a membership says of a member.
type place struct {
	roles      string
	attributes directory.Attributes
	source     directory.Source
}

func (s *memberSet) add(p personKey, m place) {
	key := string(m.source) + "\n" + string(m.attributes) + "\n" + m.roles
	index, known := s.known[key]
	if !known {
		index = uint32(len(s.places))
		s.places, s.known[key] = append(s.places, m), index
	}
	s.members[p] = index
}

// take removes a member from the set, and returns their place, empty without one.
func (s *memberSet) take(p personKey) (had place) {
	if index, is := s.members[p]; is {
		had = s.places[index]
		delete(s.members, p)
	}
	return had
}

// left reports whether a member that the file gave is still in the set.
func (s *memberSet) left() bool {
	for _, index := range s.members {
		if s.places[index].source == directory.FromFile {
			return true
		}
	}
	return false
}

func (a *applier) eachMember(ctx context.Context, at string, each func(personKey, admin.Member) error) error {
	var failed error
	err := eachItem(ctx, a.Client, at+"/members", func(m admin.Member) {
		if m.Status == admin.StatusMember && failed == nil {
			failed = each(newPersonKey(m.Issuer, m.Subject), m)
		}
	})
	return cmp.Or(failed, err)
}

// asFile reports whether the member is as the file states.
func (m place) asFile(f directory.Member) bool {
	return m.source == directory.FromFile && m.roles == strings.Join(f.Roles, "\n") && (f.Attributes == "" || f.Attributes == m.attributes)
}

// members changes an organization's members to match the file. If at is empty, there
// are none yet.
func (a *applier) members(ctx context.Context, at string, o *directory.DesiredOrganization) error {
	stored := &memberSet{members: map[personKey]uint32{}, known: map[string]uint32{}}
	if at != "" {
		if err := a.eachMember(ctx, at, func(p personKey, m admin.Member) error {
			stored.add(p, place{strings.Join(m.Roles, "\n"), attributesOf(m.Attributes), m.Source})
			return nil
		}); err != nil {
			return err
		}
	}
	page := memberPage{applier: a, at: at}
	for m := range o.AllMembers() {
		had := stored.take(newPersonKey(m.Issuer, m.Subject))
		if had.asFile(m) {
			continue
		}
		if had.source == "" {
			a.changes.Members.Added++
			a.reportDifference(directory.Addition, "membership", o.Slug, m.Subject, "%q", m.Roles)
		} else {
			a.changes.Members.Changed++
			a.reportDifference(directory.Change, "membership", o.Slug, m.Subject, "%q (%s) -> %q (file)", strings.Fields(had.roles), had.source, m.Roles)
		}
		if err := page.set(ctx, fileMember(m)); err != nil {
			return err
		}
	}
	if stored.left() {
		if err := a.removeUnnamed(ctx, at, o.Slug, stored, &page); err != nil {
			return err
		}
	}
	return page.send(ctx)
}

// removeUnnamed removes the members that an earlier file gave and this one does not name,
// which are left in the set.
func (a *applier) removeUnnamed(ctx context.Context, at, slug string, left *memberSet, page *memberPage) error {
	return a.eachMember(ctx, at, func(p personKey, m admin.Member) error {
		if left.take(p).source != directory.FromFile {
			return nil
		}
		a.changes.Members.Removed++
		a.reportDifference(directory.Removal, "membership", slug, m.UserID, "")
		return page.remove(ctx, m.UserID)
	})
}

// memberPage collects the changes of the next request.
type memberPage struct {
	*applier
	at    string
	what  admin.FileMembers
	bytes int
}

func (p *memberPage) set(ctx context.Context, m admin.FileMember) error {
	written, err := json.Marshal(m)
	if err != nil {
		return err
	}
	p.bytes += len(written)
	p.what.Members = append(p.what.Members, m)
	return p.sendFull(ctx)
}

func (p *memberPage) remove(ctx context.Context, userID string) error {
	p.bytes += len(userID)
	p.what.Removed = append(p.what.Removed, userID)
	return p.sendFull(ctx)
}

func (p *memberPage) sendFull(ctx context.Context) error {
	if len(p.what.Members)+len(p.what.Removed) < pageSize && p.bytes < pageBytes {
		return nil
	}
	return p.send(ctx)
}

func (p *memberPage) send(ctx context.Context) error {
	if p.bytes == 0 {
		return nil
	}
	what := p.what
	p.what, p.bytes = admin.FileMembers{}, 0
	return p.change(ctx, http.MethodPost, p.at+"/file-members", what, nil)
}
