package d1

import (
	"context"
	"database/sql"
	"database/sql/driver"
	"errors"
	"io"

	"github.com/tabard-auth/tabard/worker/edge"
)

// Open returns the database of the Worker's binding.
func Open() *sql.DB { return sql.OpenDB(connector{}) }

type connector struct{}

func (connector) Connect(context.Context) (driver.Conn, error) { return conn{}, nil }
func (connector) Driver() driver.Driver                        { return d1Driver{} }

type d1Driver struct{}

func (d1Driver) Open(string) (driver.Conn, error) { return conn{}, nil }

// conn has no state: every statement is a request of its own.
type conn struct{}

var (
	_ driver.QueryerContext    = conn{}
	_ driver.ExecerContext     = conn{}
	_ driver.NamedValueChecker = conn{}
)

func (conn) Close() error { return nil }

func (conn) Prepare(query string) (driver.Stmt, error) { return stmt{query}, nil }

var errNoTransactions = errors.New("d1: there are no transactions of several round trips")

func (conn) Begin() (driver.Tx, error) { return nil, errNoTransactions }

// CheckNamedValue lets the statements of [Batch] through.
func (conn) CheckNamedValue(value *driver.NamedValue) error {
	if _, ok := value.Value.([]statement); ok {
		return nil
	}
	return driver.ErrSkip
}

// QueryContext runs one statement, or those of [Batch], each with a result set of its own.
func (conn) QueryContext(ctx context.Context, query string, args []driver.NamedValue) (driver.Rows, error) {
	if len(args) == 1 {
		if all, ok := args[0].Value.([]statement); ok {
			outcomes, err := ask(ctx, all)
			return &rows{rest: outcomes}, err
		}
	}
	outcomes, err := ask(ctx, []statement{{query, values(args), true}})
	return &rows{rest: outcomes}, err
}

func (conn) ExecContext(ctx context.Context, query string, args []driver.NamedValue) (driver.Result, error) {
	outcomes, err := ask(ctx, []statement{{query, values(args), false}})
	if err != nil {
		return nil, err
	}
	return driver.RowsAffected(outcomes[0].changes), nil
}

func values(args []driver.NamedValue) []any {
	all := make([]any, len(args))
	for i, arg := range args {
		all[i] = arg.Value
	}
	return all
}

// ask sends statements and returns their outcomes, one for each.
func ask(ctx context.Context, all []statement) ([]outcome, error) {
	text, err := encode(all)
	if err != nil {
		return nil, err
	}
	answer, err := edge.Query(ctx, text)
	if err != nil {
		return nil, explain(err)
	}
	return decode(answer)
}

// stmt is a statement of database/sql's callers that prepare.
type stmt struct{ query string }

func (stmt) Close() error  { return nil }
func (stmt) NumInput() int { return -1 }

func (s stmt) Exec([]driver.Value) (driver.Result, error) { return nil, driver.ErrSkip }
func (s stmt) Query([]driver.Value) (driver.Rows, error)  { return nil, driver.ErrSkip }

func (s stmt) ExecContext(ctx context.Context, args []driver.NamedValue) (driver.Result, error) {
	return conn{}.ExecContext(ctx, s.query, args)
}

func (s stmt) QueryContext(ctx context.Context, args []driver.NamedValue) (driver.Rows, error) {
	return conn{}.QueryContext(ctx, s.query, args)
}

// rows are the rows of the first of the outcomes that are left.
type rows struct {
	rest []outcome
	at   int
}

var _ driver.RowsNextResultSet = (*rows)(nil)

func (r *rows) Columns() []string      { return r.rest[0].columns }
func (r *rows) Close() error           { return nil }
func (r *rows) HasNextResultSet() bool { return len(r.rest) > 1 }
func (r *rows) NextResultSet() error {
	if !r.HasNextResultSet() {
		return io.EOF
	}
	r.rest, r.at = r.rest[1:], 0
	return nil
}

func (r *rows) Next(dest []driver.Value) (err error) {
	own := r.rest[0].rows
	if r.at >= len(own) {
		return io.EOF
	}
	for i, raw := range own[r.at] {
		if dest[i], err = decodeValue(raw); err != nil {
			return err
		}
	}
	r.at++
	return nil
}
