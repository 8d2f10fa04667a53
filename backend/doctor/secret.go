package doctor

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"github.com/tabard-auth/tabard/backend/secrets"
	"github.com/tabard-auth/tabard/backend/store/inspect"
)

// steps are the names of the steps of a replacement.
var steps = map[secrets.Step]string{
	secrets.Promote: "step 2 of 3, which starts to use the new value",
	secrets.Remove:  "step 3 of 3, which removes the old value",
}

// secret checks that the replicas have the secret of these settings, and reports the
// progress of its replacement.
func (e *examination) secret(ctx context.Context, d *inspect.Database) {
	const subject = "secret"
	if e.Secret == nil {
		return
	}
	ids, err := e.Secret.IDs()
	if err != nil {
		e.add(subject, Problem, "Each value must be different.", "it cannot be used: %v", err)
		return
	}
	all, err := d.Store.SecretKeys(ctx)
	if err != nil {
		e.add(subject, Problem, "Check the database.", "the record of the replicas' secrets cannot be read: %v", err)
		return
	}
	differs := false
	for _, r := range secrets.Live(all, e.Now) {
		e.living = append(e.living, r.Name)
		if slices.Equal(r.IDs, ids) {
			continue
		}
		differs = true
		e.add(subject, Warning, "Give it the same file and restart it.",
			"replica %s has %s, and the secret file %s", r.Name, strings.Join(r.IDs, ", "), strings.Join(ids, ", "))
	}
	if len(ids) == 1 {
		if !differs {
			e.ok(subject, "every running replica has the values of the secret file")
		}
		return
	}
	e.replacement(ctx, d, secrets.Examination{Store: d.Store, Secret: *e.Secret, Now: e.Now, Look: true}, ids)
}

// replacement reports the next step.
func (e *examination) replacement(ctx context.Context, d *inspect.Database, x secrets.Examination, ids []string) {
	const subject = "secret"
	all, err := d.Store.SecretKeys(ctx)
	if err != nil {
		return // already reported
	}
	step, known := secrets.Next(ids, all)
	if !known || len(ids) > 2 {
		e.add(subject, Look, "Run: tabard secret status", "the file holds %d values, and no replica has been seen with them", len(ids))
		return
	}
	blockers, err := x.Blockers(ctx, step)
	switch {
	case err != nil:
		e.add(subject, Problem, "Check the database.", "the progress of its replacement cannot be read: %v", err)
	case len(blockers) == 0:
		e.add(subject, Look, "Run: tabard secret rotate", "it is being replaced, and %s, is safe now", steps[step])
	default:
		e.add(subject, Look, "Then run: tabard secret rotate", "%s", fmt.Sprintf("it is being replaced, and %s, is not safe yet: %s", steps[step], strings.Join(blockers, "; ")))
	}
}
