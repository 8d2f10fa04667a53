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
	if e.wrongFile {
		e.add(subject, Problem, "This file is the wrong one: give this command, and every command, the file that the replicas have. Change none of them. tabard secret status tells the values of a file.",
			"the secret file has %s, and every running replica (%d) has other values: %s", strings.Join(ids, ", "), len(e.living), strings.Join(e.living[0].IDs, ", "))
		return
	}
	differs := false
	for _, r := range e.living {
		if slices.Equal(r.IDs, ids) {
			continue
		}
		differs = true
		e.add(subject, Warning, "Give it the same file, and "+secrets.Reload+".",
			"replica %s has %s, and the secret file %s%s", r.Name, strings.Join(r.IDs, ", "), strings.Join(ids, ", "), r.Silence(e.Now))
	}
	if len(ids) == 1 {
		if !differs {
			e.ok(subject, "every running replica has the values of the secret file")
		}
		return
	}
	e.replacement(ctx, d, secrets.Examination{Store: d.Store, Secret: *e.Secret, Now: e.Now, Look: true}, ids)
}

// replicasSecrets reads which values the running replicas have. If they agree, and have
// none of these settings' secret, its file is the wrong one.
func (e *examination) replicasSecrets(ctx context.Context, d *inspect.Database) {
	all, err := d.Store.SecretKeys(ctx)
	if err != nil {
		e.add("secret", Problem, "Check the database.", "the record of the replicas' secrets cannot be read: %v", err)
		return
	}
	e.living = secrets.Live(all, e.Now)
	if e.Secret == nil || len(e.living) == 0 {
		return
	}
	ids, err := e.Secret.IDs()
	common := func(values []string) bool {
		return slices.ContainsFunc(values, func(id string) bool { return slices.Contains(e.living[0].IDs, id) })
	}
	e.wrongFile = err == nil && !common(ids) && !slices.ContainsFunc(e.living, func(r secrets.Replica) bool { return !common(r.IDs) })
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
