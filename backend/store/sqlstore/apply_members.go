package sqlstore

import (
	"context"
	"database/sql"
	"fmt"
	"slices"
	"strings"

	"github.com/tabard-auth/tabard/backend/directory"
)

const (
	selectMembers = `
SELECT u.id, u.iss, u.sub, m.roles, m.source
FROM memberships m JOIN users u ON u.id = m.user_id WHERE m.organization_id = ?1`

	// Each is followed by its rows, and those by its end.
	knowUsers = `
INSERT INTO users (id, iss, sub, name, email, created_at) VALUES `
	knowUsersEnd = `
ON CONFLICT (iss, sub) DO UPDATE SET iss = excluded.iss
RETURNING id, iss, sub`

	upsertMembers = `
INSERT INTO memberships (user_id, organization_id, roles, source, created_at) VALUES `
	upsertMembersEnd = `
ON CONFLICT (user_id, organization_id) DO UPDATE SET` + asMember

	deleteMember = `
DELETE FROM memberships WHERE user_id = ?1 AND organization_id = ?2`
)

// batch is the most rows that one statement writes.
const batch = 100

// person identifies a person: issuer and subject.
type person struct{ iss, sub string }

func personOf(m directory.Member) person { return person{m.Issuer, m.Subject} }

// member is a membership as it is stored.
type member struct{ userID, roles, source string }

// fromFile is the source of the memberships that a workspace file gave.
const fromFile = string(directory.FromFile)

// members updates an organization's members.
func (a *applying) members(ctx context.Context, organizationID string, wanted []directory.Member) error {
	stored, err := a.storedMembers(ctx, organizationID)
	if err != nil {
		return err
	}
	var differing []directory.Member
	for _, m := range wanted {
		had, known := stored[personOf(m)]
		delete(stored, personOf(m))
		switch {
		case !known:
			a.changes.Members.Added++
		case had.roles == list(m.Roles).text() && had.source == fromFile:
			continue
		default:
			a.changes.Members.Changed++
		}
		differing = append(differing, m)
	}
	for some := range slices.Chunk(differing, batch) {
		if err := a.admit(ctx, organizationID, some); err != nil {
			return err
		}
	}
	return a.dismiss(ctx, organizationID, stored)
}

func (a *applying) storedMembers(ctx context.Context, organizationID string) (map[person]member, error) {
	all := map[person]member{}
	err := a.each(ctx, func(rows *sql.Rows) error {
		var p person
		var m member
		if err := rows.Scan(&m.userID, &p.iss, &p.sub, &m.roles, &m.source); err != nil {
			return err
		}
		all[p] = m
		return nil
	}, selectMembers, organizationID)
	return all, err
}

// admit makes people, known or new, members.
func (a *applying) admit(ctx context.Context, organizationID string, people []directory.Member) error {
	var args []any
	for _, m := range people {
		args = append(args, directory.NewID("usr_"), m.Issuer, m.Subject, m.Name, m.Email, a.now)
	}
	ids := map[person]string{}
	err := a.each(ctx, func(rows *sql.Rows) error {
		var id string
		var p person
		if err := rows.Scan(&id, &p.iss, &p.sub); err != nil {
			return err
		}
		ids[p] = id
		return nil
	}, knowUsers+values(len(people), 6)+knowUsersEnd, args...)
	if err != nil {
		return err
	}
	args = args[:0]
	for _, m := range people {
		args = append(args, ids[personOf(m)], organizationID, list(m.Roles).text(), fromFile, a.now)
	}
	return a.exec(ctx, upsertMembers+values(len(people), 5)+upsertMembersEnd, args...)
}

// dismiss ends the memberships that the file gave earlier.
func (a *applying) dismiss(ctx context.Context, organizationID string, left map[person]member) error {
	for _, m := range left {
		if m.source != fromFile {
			continue
		}
		a.changes.Members.Removed++
		if err := a.exec(ctx, deleteMember, m.userID, organizationID); err != nil {
			return err
		}
	}
	return nil
}

// values returns the parameters of a number of rows: (?1,?2),(?3,?4).
func values(rows, columns int) string {
	var text strings.Builder
	for i := range rows * columns {
		switch {
		case i%columns > 0:
			text.WriteString(",")
		case i > 0:
			text.WriteString("),(")
		default:
			text.WriteString("(")
		}
		fmt.Fprintf(&text, "?%d", i+1)
	}
	text.WriteString(")")
	return text.String()
}
