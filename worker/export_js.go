package main

import (
	"context"
	"encoding/json"
	"fmt"
	"strings"
	"time"

	"github.com/tabard-auth/tabard/backend/admin"
	"github.com/tabard-auth/tabard/backend/audit"
	"github.com/tabard-auth/tabard/backend/store/sqlstore"
	"github.com/tabard-auth/tabard/worker/edge"
)

const (
	exportName = "r2"        // of the position that the database keeps
	exportLag  = time.Minute // events of the last minute may still be on their way
	exportPage = 1000        // events of an object
	maxPages   = 50          // of one run
)

// exportAudit writes the events of the audit log that are new to the R2 bucket of the binding
// AUDIT, as JSON lines in the form of the administration API. From the first run on, events
// are not deleted before they are exported. Without the binding it does nothing.
func exportAudit(ctx context.Context, store *sqlstore.Store, now time.Time) error {
	bucket, ok := edge.OpenBucket("AUDIT")
	if !ok {
		return nil
	}
	after, err := store.AuditExport(ctx, exportName)
	if err == nil {
		err = store.SetAuditExport(ctx, exportName, after)
	}
	for range maxPages {
		if err != nil {
			break
		}
		var page []audit.Event
		if page, err = store.EventsAfter(ctx, after, now.Add(-exportLag).Unix(), exportPage); err != nil || len(page) == 0 {
			break
		}
		if err = putEvents(ctx, bucket, page); err != nil {
			break
		}
		last := page[len(page)-1]
		after = audit.Position{At: last.At, ID: last.ID}
		err = store.SetAuditExport(ctx, exportName, after)
	}
	if err != nil {
		return fmt.Errorf("export of the audit log: %w", err)
	}
	return nil
}

// putEvents stores a page under the name of its first event, so that a page that is exported again
// takes the place of itself.
func putEvents(ctx context.Context, bucket edge.Bucket, page []audit.Event) error {
	var lines strings.Builder
	encoder := json.NewEncoder(&lines)
	for _, event := range page {
		if err := encoder.Encode(admin.EventOf(event)); err != nil {
			return err
		}
	}
	first := page[0]
	key := fmt.Sprintf("audit/%s/%d-%s.jsonl", time.Unix(first.At, 0).UTC().Format("2006/01/02"), first.At, first.ID)
	return bucket.Put(ctx, key, lines.String())
}
