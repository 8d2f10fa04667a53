package sqlstore

import (
	"cmp"
	"context"
	"database/sql"
	"fmt"
	"slices"
	"sort"
	"strings"
	"time"
)

const (
	// batch is the maximum number of rows of one statement, and the number of pending
	// rows at which they are written. Fewer are written in one transaction.
	batch = 500
	// batchParameters are those of a statement of batch rows.
	batchParameters = 6 * batch
	// A transaction of a large file has as many rows as fit into commitTarget, since a
	// sign-in of one of its people waits for it: firstRows at first, and leastRows at
	// least.
	commitTarget         = 100 * time.Millisecond
	firstRows, leastRows = 100, 20
	// longestRest limits the pause after a transaction. The pause is as long as the
	// transaction, so that others have at least half of the database's time.
	longestRest = 250 * time.Millisecond
)

const (
	// The statements are followed by rows and an end. Existing users are not
	// overwritten.
	insertUsers = `
INSERT INTO users (id, iss, sub, name, email, created_at) VALUES `
	insertUsersEnd = `
ON CONFLICT (iss, sub) DO NOTHING`

	upsertMembers = `
INSERT INTO memberships (user_id, organization_id, roles, attributes, source, created_at)
SELECT u.id, v.column3, v.column4, v.column5, 'file', CAST(?1 AS BIGINT) FROM (VALUES `
	upsertMembersEnd = `) AS v JOIN users u ON u.iss = v.column1 AND u.sub = v.column2 WHERE TRUE
ON CONFLICT (user_id, organization_id) DO UPDATE SET` + asMember + statedAttributes

	deleteMembers = `
DELETE FROM memberships WHERE source = '` + fromFile + `' AND (user_id, organization_id) IN (VALUES `

	deleteMember = `
DELETE FROM memberships WHERE user_id = ?1 AND organization_id = ?2`
)

// pendingWrites are the writes of the next transaction, in this order.
type pendingWrites struct {
	statements []pendingStatement
	users      []pendingUser
	members    []pendingMember
	leavers    []pendingLeaver
}

type (
	pendingStatement struct {
		text string
		args []any
	}
	pendingUser struct {
		person
		id, name, email string
	}
	pendingMember struct {
		person
		organizationID, roles, attributes string
		added                             bool
	}
	pendingLeaver struct{ userID, organizationID string }
)

func (p *pendingWrites) add(statement string, args ...any) {
	p.statements = append(p.statements, pendingStatement{statement, args})
}

func (p *pendingWrites) len() int {
	return len(p.statements) + len(p.users) + len(p.members) + len(p.leavers)
}

// inOrder sorts rows in the common order of all writers, which avoids deadlocks.
func (p *pendingWrites) inOrder() {
	slices.SortFunc(p.users, func(a, b pendingUser) int { return a.compare(b.person) })
	slices.SortFunc(p.members, func(a, b pendingMember) int {
		return cmp.Or(a.compare(b.person), strings.Compare(a.organizationID, b.organizationID))
	})
}

// cut takes the statements and the first rows, after inOrder. Users come with their
// members.
func (p *pendingWrites) cut(rows int) (some pendingWrites) {
	some.statements, p.statements = p.statements, nil
	n := min(rows, len(p.members))
	some.members, p.members = p.members[:n], p.members[n:]
	users := len(p.users)
	if n > 0 && len(p.members) > 0 {
		last := some.members[n-1].person
		users = sort.Search(users, func(i int) bool { return p.users[i].compare(last) > 0 })
	}
	some.users, p.users = p.users[:users], p.users[users:]
	n = min(rows-n, len(p.leavers))
	some.leavers, p.leavers = p.leavers[:n], p.leavers[n:]
	return some
}

func (a *applier) flushFull(ctx context.Context) error {
	if a.pending.len() < batch {
		return nil
	}
	return a.flush(ctx)
}

// flush writes the pending rows: in one transaction, if they are all that a small file
// changes.
func (a *applier) flush(ctx context.Context) error {
	rows, small := &a.rows, a.written == 0 && a.pending.len() < batch
	if whole := batch; small {
		rows = &whole
	}
	a.pending.inOrder()
	for a.pending.len() > 0 && !a.DryRun {
		some := a.pending.cut(*rows)
		began := time.Now()
		if err := a.write(ctx, some); err != nil {
			return err
		}
		if small {
			break
		}
		took := time.Since(began)
		a.adapt(took)
		if err := a.analyze(ctx); err != nil {
			return err
		}
		sleep(ctx, min(took, longestRest))
	}
	a.pending, a.committed = pendingWrites{}, a.changes
	return nil
}

// write writes some rows in one transaction, and counts them.
func (a *applier) write(ctx context.Context, some pendingWrites) error {
	if err := a.lock.held(ctx); err != nil {
		return err
	}
	if err := retried(ctx, func() error { return a.commit(ctx, some) }); err != nil {
		return err
	}
	a.written += some.len()
	members := a.committed.Members
	for _, m := range some.members {
		if m.added {
			members.Added++
		} else {
			members.Changed++
		}
	}
	members.Removed += len(some.leavers)
	a.committed = a.changes // what is not of members came with the first rows
	a.committed.Members = members
	return nil
}

// adapt changes the number of rows of a transaction by the time that the last one took.
func (a *applier) adapt(took time.Duration) {
	switch {
	case took > commitTarget:
		a.rows = max(a.rows/2, leastRows)
	case took < commitTarget/2:
		a.rows = min(a.rows*2, batch)
	}
}

func sleep(ctx context.Context, pause time.Duration) {
	select {
	case <-time.After(pause):
	case <-ctx.Done():
	}
}

// analyze runs ANALYZE on PostgreSQL each time the number of written rows has doubled.
// Plans for small tables would scan the whole table for each row until autovacuum runs.
func (a *applier) analyze(ctx context.Context) error {
	if !a.dialect.dollar || a.written < 2*max(a.analyzed, batch/2) {
		return nil
	}
	a.analyzed = a.written
	return retried(ctx, func() error {
		_, err := a.pool.ExecContext(ctx, "ANALYZE users, memberships, organizations")
		return err
	})
}

// commit writes rows in one transaction.
func (a *applier) commit(ctx context.Context, p pendingWrites) error {
	tx, err := a.pool.BeginTx(ctx, nil)
	if err != nil {
		return err
	}
	defer tx.Rollback()
	for _, s := range p.statements {
		if _, err := tx.ExecContext(ctx, a.text(s.text), s.args...); err != nil {
			return err
		}
	}
	if err := a.writeMembers(ctx, tx, p); err != nil {
		return err
	}
	return tx.Commit()
}

func (a *applier) writeMembers(ctx context.Context, tx *sql.Tx, p pendingWrites) error {
	var rows memberRows
	for _, u := range p.users {
		rows.users = append(rows.users, []any{u.id, u.iss, u.sub, u.name, u.email, a.now})
	}
	for _, m := range p.members {
		rows.members = append(rows.members, []any{m.iss, m.sub, m.organizationID, m.roles, m.attributes})
	}
	for _, l := range p.leavers {
		rows.leavers = append(rows.leavers, []any{l.userID, l.organizationID})
	}
	for _, s := range rows.statements(a.now, batchParameters) {
		if _, err := tx.ExecContext(ctx, a.dialect.uncached(s.Text), s.Args...); err != nil {
			return err
		}
	}
	return nil
}

// uncached returns a multi-row statement in the dialect's form. There are too many
// variants to cache.
func (d Dialect) uncached(statement string) string {
	if d.dollar {
		return strings.ReplaceAll(statement, "?", "$")
	}
	return statement
}

// values returns the parameters of a number of rows, after those before:
// (?1,?2),(?3,?4).
func values(before, rows, columns int) string {
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
		fmt.Fprintf(&text, "?%d", before+i+1)
	}
	text.WriteString(")")
	return text.String()
}
