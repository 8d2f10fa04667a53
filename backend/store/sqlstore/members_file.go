package sqlstore

import (
	"context"
	"maps"
	"slices"

	"github.com/tabard-auth/tabard/backend/directory"
)

const (
	// statedAttributes keeps the attributes of a member that the file states none for.
	statedAttributes = `,
	attributes = CASE WHEN excluded.attributes = '' THEN memberships.attributes ELSE excluded.attributes END`

	// maxParameters is the most parameters of a statement on D1.
	maxParameters = 100
)

// ChangeFileMembers implements admin.FileStore.
func (s members) ChangeFileMembers(ctx context.Context, organizationID string, set []directory.Member, removed []string, now int64) error {
	named := map[string]directory.Member{}
	for _, m := range set {
		named[m.Issuer+"\x00"+m.Subject] = m
	}
	var rows memberRows
	for _, name := range slices.Sorted(maps.Keys(named)) { // the order of pendingWrites.inOrder
		m := named[name]
		rows.users = append(rows.users, []any{directory.NewID("usr_"), m.Issuer, m.Subject, m.Name, m.Email, now})
		rows.members = append(rows.members, []any{m.Issuer, m.Subject, organizationID, list(m.Roles).text(), string(m.Attributes)})
	}
	for _, id := range removed {
		rows.leavers = append(rows.leavers, []any{id, organizationID})
	}
	return s.together(ctx, "members of the file", rows.statements(now, maxParameters)...)
}

// memberRows are the parameters of insertUsers, upsertMembers and deleteMembers.
type memberRows struct{ users, members, leavers [][]any }

// statements returns the statements that write the rows, with at most so many parameters each.
func (r memberRows) statements(now int64, parameters int) []*Statement {
	return slices.Concat(
		chunked(insertUsers, insertUsersEnd, nil, r.users, parameters),
		chunked(upsertMembers, upsertMembersEnd, []any{now}, r.members, parameters),
		chunked(deleteMembers, ")", nil, r.leavers, parameters),
	)
}

// chunked returns statements of a beginning, rows and an end. The parameters before those of the
// rows are in each.
func chunked(begin, end string, before []any, rows [][]any, parameters int) (all []*Statement) {
	for len(rows) > 0 {
		columns := len(rows[0])
		n := min(len(rows), (parameters-len(before))/columns)
		args := slices.Concat(append([][]any{before}, rows[:n]...)...)
		all = append(all, &Statement{Text: begin + values(len(before), n, columns) + end, Args: args})
		rows = rows[n:]
	}
	return all
}
