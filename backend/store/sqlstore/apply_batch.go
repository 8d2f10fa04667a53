package sqlstore

import (
	"cmp"
	"context"
	"database/sql"
	"fmt"
	"slices"
	"strings"
	"time"
)

const (
	// batch is the maximum number of rows of one statement, and the number of pending
	// rows at which a transaction is committed.
	batch = 500
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

func (a *applier) flushFull(ctx context.Context) error {
	if a.pending.len() < batch {
		return nil
	}
	return a.flush(ctx)
}

// flush writes the pending rows in one transaction.
func (a *applier) flush(ctx context.Context) error {
	if a.pending.len() > 0 && !a.DryRun {
		if err := a.lock.held(ctx); err != nil {
			return err
		}
		a.pending.inOrder()
		began := time.Now()
		if err := retried(ctx, func() error { return a.commit(ctx) }); err != nil {
			return err
		}
		if a.pending.len() >= batch {
			if err := a.analyze(ctx); err != nil {
				return err
			}
			sleep(ctx, min(time.Since(began), longestRest))
		}
	}
	a.pending, a.committed = pendingWrites{}, a.changes
	return nil
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
	a.written += a.pending.len()
	if !a.dialect.dollar || a.written < 2*max(a.analyzed, batch/2) {
		return nil
	}
	a.analyzed = a.written
	return retried(ctx, func() error {
		_, err := a.pool.ExecContext(ctx, "ANALYZE users, memberships, organizations")
		return err
	})
}

// commit writes the pending rows in one transaction.
func (a *applier) commit(ctx context.Context) error {
	tx, err := a.pool.BeginTx(ctx, nil)
	if err != nil {
		return err
	}
	defer tx.Rollback()
	for _, s := range a.pending.statements {
		if _, err := tx.ExecContext(ctx, a.text(s.text), s.args...); err != nil {
			return err
		}
	}
	if err := a.writeMembers(ctx, tx); err != nil {
		return err
	}
	return tx.Commit()
}

func (a *applier) writeMembers(ctx context.Context, tx *sql.Tx) error {
	for some := range slices.Chunk(a.pending.users, batch) {
		var args []any
		for _, u := range some {
			args = append(args, u.id, u.iss, u.sub, u.name, u.email, a.now)
		}
		if err := a.run(ctx, tx, insertUsers+values(0, len(some), 6)+insertUsersEnd, args); err != nil {
			return err
		}
	}
	for some := range slices.Chunk(a.pending.members, batch) {
		args := []any{a.now}
		for _, m := range some {
			args = append(args, m.iss, m.sub, m.organizationID, m.roles, m.attributes)
		}
		if err := a.run(ctx, tx, upsertMembers+values(1, len(some), 5)+upsertMembersEnd, args); err != nil {
			return err
		}
	}
	for some := range slices.Chunk(a.pending.leavers, batch) {
		var args []any
		for _, l := range some {
			args = append(args, l.userID, l.organizationID)
		}
		if err := a.run(ctx, tx, deleteMembers+values(0, len(some), 2)+")", args); err != nil {
			return err
		}
	}
	return nil
}

func (a *applier) run(ctx context.Context, tx *sql.Tx, statement string, args []any) error {
	_, err := tx.ExecContext(ctx, a.dialect.uncached(statement), args...)
	return err
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
