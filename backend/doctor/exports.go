package doctor

import (
	"context"
	"time"

	"github.com/tabard-auth/tabard/backend/audit"
	"github.com/tabard-auth/tabard/backend/store/inspect"
)

// exports names the exports of the audit log that seem to run no more: events are kept for
// them, however old.
func (e *examination) exports(ctx context.Context, d *inspect.Database) {
	const subject = "audit exports"
	all, err := d.Store.AuditExports(ctx)
	if err != nil {
		e.add(subject, Problem, "Check the database.", "they cannot be read: %v", err)
		return
	}
	for _, x := range all {
		if behind := x.Behind(time.Unix(e.Now, 0)); behind > audit.LateExport {
			e.add(subject, Look, "Run it again, or end it: tabard audit export --end --name "+x.Name,
				"%s is %d days behind, and all events since are kept for it, however old", x.Name, int(behind/(24*time.Hour)))
		}
	}
}
