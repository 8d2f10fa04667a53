package sqlstore

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
)

// scanner is a row to be read, alone or of several.
type scanner interface{ Scan(fields ...any) error }

// found tells what came of reading one row: absent where there is none.
func found(what string, err, absent error) error {
	switch {
	case errors.Is(err, sql.ErrNoRows):
		return absent
	case err != nil:
		return fmt.Errorf("sqlstore: %s: %w", what, err)
	}
	return nil
}

// collect returns the rows that a statement answers with.
func collect[T any](ctx context.Context, s *Store, what string, scan func(scanner) (T, error), statement string, args ...any) ([]T, error) {
	rows, err := s.query(ctx, statement, args...)
	if err != nil {
		return nil, fmt.Errorf("sqlstore: %s: %w", what, err)
	}
	defer rows.Close()
	var all []T
	for rows.Next() {
		one, err := scan(rows)
		if err != nil {
			return nil, fmt.Errorf("sqlstore: %s: %w", what, err)
		}
		all = append(all, one)
	}
	if err := rows.Err(); err != nil {
		return nil, fmt.Errorf("sqlstore: %s: %w", what, err)
	}
	return all, nil
}

// change runs a statement that writes.
func (s *Store) change(ctx context.Context, what, statement string, args ...any) error {
	if _, err := s.exec(ctx, statement, args...); err != nil {
		return fmt.Errorf("sqlstore: %s: %w", what, err)
	}
	return nil
}

// changed is change, and tells whether a row was there to be changed.
func (s *Store) changed(ctx context.Context, what, statement string, args ...any) (bool, error) {
	result, err := s.exec(ctx, statement, args...)
	if err != nil {
		return false, fmt.Errorf("sqlstore: %s: %w", what, err)
	}
	n, err := result.RowsAffected()
	return n > 0, err
}
