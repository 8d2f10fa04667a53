package sqlstore

import (
	"cmp"
	"context"
	"crypto/sha256"
	"database/sql"
	"iter"
	"strings"

	"github.com/tabard-auth/tabard/backend/directory"
)

const (
	// The stored users and their memberships in an organization, to skip those that
	// match the file. Rows and a closing parenthesis follow.
	selectPlaces = `
SELECT u.iss, u.sub, COALESCE(m.roles, ''), COALESCE(m.source, ''), COALESCE(m.attributes, '')
FROM users u LEFT JOIN memberships m ON m.user_id = u.id AND m.organization_id = ?1
WHERE (u.iss, u.sub) IN (VALUES `

	countFromFile = `
SELECT COUNT(*) FROM memberships WHERE organization_id = ?1 AND source = '` + fromFile + `'`

	selectFromFile = `
SELECT m.user_id, u.iss, u.sub FROM memberships m JOIN users u ON u.id = m.user_id
WHERE m.organization_id = ?1 AND m.user_id > ?2 AND m.source = '` + fromFile + `' ORDER BY m.user_id LIMIT ?3`
)

// person identifies a user by issuer and subject.
type person struct{ iss, sub string }

func personOf(m directory.Member) person { return person{m.Issuer, m.Subject} }

func (p person) compare(q person) int {
	return cmp.Or(strings.Compare(p.iss, q.iss), strings.Compare(p.sub, q.sub))
}

// storedMembership is the stored membership of a user, empty without one.
type storedMembership struct{ roles, source, attributes string }

// describedMember returns the text of a membership in a diff.
func describedMember(roles, attributes string) string {
	if attributes == "" || attributes == "{}" {
		return roles
	}
	return roles + " " + attributes
}

// fromFile is the source of memberships from a workspace file.
const fromFile = string(directory.FromFile)

// members updates an organization's members.
func (a *applier) members(ctx context.Context, had *matched, o *directory.DesiredOrganization) error {
	before := 0
	if !had.added {
		if err := a.row(ctx, countFromFile, had.id).Scan(&before); err != nil {
			return err
		}
	}
	for some := range chunks(o.AllMembers(), batch) {
		were, err := a.admit(ctx, had, o.Slug, some)
		if err != nil {
			return err
		}
		before -= were
	}
	if before <= 0 { // the file still names all of them
		return nil
	}
	return a.removeUnnamed(ctx, had.id, o)
}

// chunks groups a sequence into slices of the given size.
func chunks[T any](all iter.Seq[T], size int) iter.Seq[[]T] {
	return func(yield func([]T) bool) {
		var some []T
		for one := range all {
			if some = append(some, one); len(some) == size {
				if !yield(some) {
					return
				}
				some = some[:0]
			}
		}
		if len(some) > 0 {
			yield(some)
		}
	}
}

// admit makes people members, and returns how many of them the file had admitted
// before.
func (a *applier) admit(ctx context.Context, o *matched, slug string, people []directory.Member) (were int, err error) {
	known, err := a.storedMemberships(ctx, o.id, people)
	if err != nil {
		return 0, err
	}
	for _, m := range people {
		p, roles := personOf(m), list(m.Roles).text()
		had, isKnown := known[p]
		attributes := cmp.Or(string(m.Attributes), had.attributes)
		if had.source == fromFile {
			if were++; had.roles == roles && had.attributes == attributes {
				continue
			}
		}
		if had.source == "" {
			a.changes.Members.Added++
			a.report(directory.Addition, "membership", slug, m.Subject, "%s", describedMember(roles, attributes))
		} else {
			a.changes.Members.Changed++
			a.report(directory.Change, "membership", slug, m.Subject, "%s (%s) -> %s (file)",
				describedMember(had.roles, had.attributes), had.source, describedMember(roles, attributes))
		}
		if !isKnown {
			a.pending.users = append(a.pending.users, pendingUser{p, directory.NewID("usr_"), m.Name, m.Email})
		}
		a.pending.members = append(a.pending.members, pendingMember{p, o.id, roles, string(m.Attributes), had.source == ""})
	}
	return were, a.flushFull(ctx)
}

// storedMemberships returns the stored memberships of known users.
func (a *applier) storedMemberships(ctx context.Context, organizationID string, people []directory.Member) (map[person]storedMembership, error) {
	args := []any{organizationID}
	for _, m := range people {
		args = append(args, m.Issuer, m.Subject)
	}
	all := make(map[person]storedMembership, len(people))
	err := a.each(ctx, func(rows *sql.Rows) error {
		var p person
		var stored storedMembership
		err := rows.Scan(&p.iss, &p.sub, &stored.roles, &stored.source, &stored.attributes)
		all[p] = stored
		return err
	}, selectPlaces+values(1, len(people), 2)+")", args...)
	return all, err
}

// removeUnnamed ends the memberships from the file that it no longer names.
func (a *applier) removeUnnamed(ctx context.Context, organizationID string, o *directory.DesiredOrganization) error {
	named := make(map[digest]struct{}, o.MemberCount())
	for m := range o.AllMembers() {
		named[personOf(m).digest()] = struct{}{}
	}
	for after, read := "", batch; read == batch; {
		read = 0
		err := a.each(ctx, func(rows *sql.Rows) error {
			read++
			var p person
			if err := rows.Scan(&after, &p.iss, &p.sub); err != nil {
				return err
			}
			if _, is := named[p.digest()]; !is {
				a.changes.Members.Removed++
				a.report(directory.Removal, "membership", o.Slug, p.sub, "")
				a.pending.leavers = append(a.pending.leavers, pendingLeaver{after, organizationID})
			}
			return nil
		}, selectFromFile, organizationID, after, batch)
		if err != nil {
			return err
		}
		if err := a.flushFull(ctx); err != nil {
			return err
		}
	}
	return nil
}

// digest identifies a user in little memory.
type digest [16]byte

func (p person) digest() (d digest) {
	sum := sha256.Sum256([]byte(p.iss + "\x00" + p.sub))
	copy(d[:], sum[:])
	return d
}
