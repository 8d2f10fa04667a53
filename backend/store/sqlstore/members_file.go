package sqlstore

import (
	"context"
	"slices"

	"github.com/tabard-auth/tabard/backend/directory"
)

const (
	// statedAttributes keeps the attributes of a member that the file states none for.
	statedAttributes = `,
	attributes = CASE WHEN excluded.attributes = '' THEN memberships.attributes ELSE excluded.attributes END`

	// maxParameters is the most parameters of a statement on D1.
	maxParameters = 100

	userValues, memberValues, leaverValues = 6, 5, 2
)

// ChangeFileMembers implements admin.FileStore.
func (s members) ChangeFileMembers(ctx context.Context, organizationID string, set []directory.Member, removed []string, now int64) error {
	var p pendingWrites
	for _, m := range set {
		one := personOf(m)
		p.users = append(p.users, pendingUser{one, directory.NewID("usr_"), m.Name, m.Email})
		p.members = append(p.members, pendingMember{one, organizationID, list(m.Roles).text(), string(m.Attributes), false})
	}
	for _, id := range removed {
		p.leavers = append(p.leavers, pendingLeaver{id, organizationID})
	}
	p.inOrder()
	return s.together(ctx, "members of the file", p.memberStatements(now, maxParameters)...)
}

// memberStatements returns the statements that write the users, members and leavers, with at
// most so many parameters each.
func (p *pendingWrites) memberStatements(now int64, parameters int) (all []*Statement) {
	for some := range slices.Chunk(p.users, parameters/userValues) {
		var args []any
		for _, u := range some {
			args = append(args, u.id, u.iss, u.sub, u.name, u.email, now)
		}
		all = append(all, &Statement{Text: insertUsers + values(0, len(some), userValues) + insertUsersEnd, Args: args})
	}
	for some := range slices.Chunk(p.members, (parameters-1)/memberValues) {
		args := []any{now}
		for _, m := range some {
			args = append(args, m.iss, m.sub, m.organizationID, m.roles, m.attributes)
		}
		all = append(all, &Statement{Text: upsertMembers + values(1, len(some), memberValues) + upsertMembersEnd, Args: args})
	}
	for some := range slices.Chunk(p.leavers, parameters/leaverValues) {
		var args []any
		for _, l := range some {
			args = append(args, l.userID, l.organizationID)
		}
		all = append(all, &Statement{Text: deleteMembers + values(0, len(some), leaverValues) + ")", Args: args})
	}
	return all
}
