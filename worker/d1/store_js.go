package d1

import (
	"context"
	"database/sql"
	"database/sql/driver"

	"github.com/tabard-auth/tabard/backend/store/sqlstore"
)

// Store returns the store in the database of the Worker's binding.
func Store() *sqlstore.Store {
	db := Open()
	read := func(ctx context.Context, text string, args, fields []any) error {
		return db.QueryRowContext(ctx, text, args...).Scan(fields...)
	}
	batch := func(ctx context.Context, all []*sqlstore.Statement) error { return Batch(ctx, db, all) }
	return sqlstore.NewRemote(read, batch, db, sqlstore.SQLite)
}

// Batch implements [sqlstore.Batch].
func Batch(ctx context.Context, db *sql.DB, all []*sqlstore.Statement) error {
	sent := make([]statement, len(all))
	for i, s := range all {
		args, err := defaultValues(s.Args)
		if err != nil {
			return err
		}
		sent[i] = statement{s.Text, args, s.Fields != nil}
	}
	results, err := db.QueryContext(ctx, "", sent)
	if err != nil {
		return err
	}
	defer results.Close()
	for i, s := range all {
		if i > 0 && !results.NextResultSet() {
			break
		}
		if s.Found = results.Next(); s.Found && s.Fields != nil {
			if err := results.Scan(s.Fields...); err != nil {
				return err
			}
		}
	}
	return results.Err()
}

// defaultValues converts parameters as database/sql does.
func defaultValues(args []any) ([]any, error) {
	all := make([]any, len(args))
	for i, arg := range args {
		var err error
		if all[i], err = driver.DefaultParameterConverter.ConvertValue(arg); err != nil {
			return nil, err
		}
	}
	return all, nil
}
