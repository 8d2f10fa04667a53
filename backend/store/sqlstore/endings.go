package sqlstore

import (
	"context"
	"fmt"

	"github.com/tabard-auth/tabard/backend/token/secevent"
)

const (
	// feedNumber is the number of the newest event. A feed without any has no row, and the
	// number that the schema says.
	feedNumber = `COALESCE((SELECT f.number FROM feed f WHERE f.one = 1), 1)`

	selectFeed = `
SELECT ` + feedNumber + `, COALESCE((SELECT f.forgotten FROM feed f WHERE f.one = 1), 1),
	COALESCE((SELECT w.revision FROM workspace w WHERE w.one = 1), 0)`

	selectEndings = `
SELECT number, at, reason, session_id, user_id, organization_id, app, key_id FROM endings
WHERE number > ?1 ORDER BY number LIMIT ?2`

	selectEndingBefore = `SELECT COALESCE(MAX(number), 0) FROM endings WHERE at < ?1`

	// Cursors before the last event that is deleted are refused before it is.
	forgetEndings = `
UPDATE feed SET forgotten = (SELECT MAX(e.number) FROM endings e WHERE e.at < ?1)
WHERE EXISTS (SELECT 1 FROM endings e WHERE e.at < ?1 AND e.number > feed.forgotten)`

	deleteForgotten = `DELETE FROM endings WHERE number <= (SELECT f.forgotten FROM feed f WHERE f.one = 1)`

	restartFeed = `
INSERT INTO feed (one, number, forgotten) VALUES (1, CAST(?1 AS BIGINT), CAST(?1 AS BIGINT) - 1)
ON CONFLICT (one) DO UPDATE SET number = excluded.number, forgotten = excluded.forgotten`

	restartEndings = `
INSERT INTO endings (number, at, reason, session_id, user_id, organization_id, app, key_id)
VALUES (?1, ?2, 'restored', '', '', '', '', '')
ON CONFLICT (number) DO NOTHING`
)

// endings stores the feed of endings. Triggers write it.
type endings struct{ *database }

// Feed implements events.Store.
func (s endings) Feed(ctx context.Context) (f secevent.Feed, err error) {
	if err := s.row(ctx, selectFeed).Scan(&f.Number, &f.Forgotten, &f.Revision); err != nil {
		return f, fmt.Errorf("sqlstore: feed: %w", err)
	}
	return f, nil
}

// Endings implements events.Store.
func (s endings) Endings(ctx context.Context, after int64, limit int) ([]secevent.Event, error) {
	return collect(ctx, s, "endings", scanEnding, selectEndings, after, limit)
}

// EndingBefore implements events.Store.
func (s endings) EndingBefore(ctx context.Context, at int64) (number int64, err error) {
	if err := s.row(ctx, selectEndingBefore, at).Scan(&number); err != nil {
		return 0, fmt.Errorf("sqlstore: endings: %w", err)
	}
	return number, nil
}

// ForgetEndings deletes the events up to the last one before a time (Unix seconds).
func (s endings) ForgetEndings(ctx context.Context, before int64) error {
	if err := s.change(ctx, "forget endings", forgetEndings, before); err != nil {
		return err
	}
	return s.change(ctx, "forget endings", deleteForgotten)
}

// numbersASecond is more than how many numbers a feed takes in a second. So a number that
// is made of the time is beyond all that were taken before that time, in this database or
// in another one that continued the same backup.
const numbersASecond = 1 << 20

// RestartFeed empties the feed and continues it at a number beyond every one that it gave
// before, with an event that concerns the whole workspace. The database must not be served.
func (s endings) RestartFeed(ctx context.Context, now int64) error {
	f, err := s.Feed(ctx)
	if err != nil {
		return err
	}
	number := max(f.Number+numbersASecond, now*numbersASecond)
	if err := s.change(ctx, "restart feed", restartFeed, number); err != nil {
		return err
	}
	if err := s.change(ctx, "restart feed", restartEndings, number, now); err != nil {
		return err
	}
	return s.change(ctx, "restart feed", deleteForgotten)
}

func scanEnding(row scanner) (e secevent.Event, err error) {
	err = row.Scan(&e.Number, &e.At, &e.Reason, &e.Session, &e.User, &e.Organization, &e.App, &e.Key)
	return e, err
}
