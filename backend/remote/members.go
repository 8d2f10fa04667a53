package remote

import (
	"cmp"
	"context"
	"crypto/sha256"
	"encoding/json"
	"net/http"
	"strings"

	"github.com/tabard-auth/tabard/backend/admin"
	"github.com/tabard-auth/tabard/backend/directory"
)

const (
	// pageSize is the most memberships in one request.
	pageSize = admin.MaxLimit
	// pageBytes is the size of a request, without its last member, from which it is
	// sent.
	pageBytes = 8 << 10
)

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
