package isolationtest

import (
	"context"
	"fmt"
	"net/http"
	"slices"
	"strings"
)

func sortTexts(all []string) { slices.Sort(all) }

// victim is a tenant's record and the tenant's view of it.
type victim struct {
	index int
	record
	found view
}

// view is the answers to a tenant by each route that reads. If a route's answers always
// differ, only the record counts.
type view map[Route]struct {
	answer
	volatile bool
}

// victim makes a tenant's record and reads its view twice, to find the parts that never
// change.
func (k *check) victim(ctx context.Context, t int) (*victim, error) {
	r, err := k.makeRecord(ctx, t, nil)
	if err != nil {
		return nil, err
	}
	v := &victim{t, r, view{}}
	for _, route := range k.Routes {
		if !route.reads() {
			continue
		}
		of := call{route: route, values: r.values, token: k.Tenants[t].Token}
		first, err := k.send(ctx, of)
		if err != nil {
			return nil, err
		}
		second, err := k.send(ctx, of)
		if err != nil {
			return nil, err
		}
		k.scan(act{of, t, ownView}, second)
		if second.good() {
			k.links[t].add(k.service, second.named[0], second)
		}
		seen := v.found[route]
		seen.answer, seen.volatile = second, second.streams || !first.same(second)
		v.found[route] = seen
	}
	return v, nil
}

// renew takes a new record of the tenant's. What the other's own views show of the one before
// is reported, and says nothing of the next attempts.
func (k *check) renew(ctx context.Context, v *victim) error {
	k.told(1-v.index, v.record)
	next, err := k.victim(ctx, v.index)
	if err == nil {
		*v = *next
	}
	return err
}

// changed returns a difference in the tenant's view, or "" if there is none. What the
// other tenant wrote into it counts as seen: it is no leak.
func (k *check) changed(ctx context.Context, v *victim) (difference string, err error) {
	var now []answer
	for _, route := range k.Routes {
		was, ok := v.found[route]
		if !ok {
			continue
		}
		is, err := k.send(ctx, call{route: route, values: v.values, token: k.Tenants[v.index].Token})
		if err != nil {
			return "", err
		}
		now = append(now, is)
		gone := strings.Contains(was.body, v.canary) != strings.Contains(is.body, v.canary)
		if difference == "" && (was.status != is.status || gone || !was.volatile && was.body != is.body) {
			difference = fmt.Sprintf("its own %s %s was answered %d, %q, and then %d, %q", route.Method, route.Path, was.status, was.start(), is.status, is.start())
		}
	}
	for _, a := range now {
		if difference != "" {
			k.named(v.index, a.body)
		}
	}
	return difference, nil
}

// try makes an attempt. If it could write, it looks at the other tenant's view, and at
// the sender's own, in which a copy may be.
func (k *check) try(ctx context.Context, route Route, a attempt, by int, v *victim) (answer, error) {
	own := k.own[by]
	if a.writes && !a.at.record && route.namesRecord(k.OrganizationParam) { // the last attempt may have deleted it
		var err error
		if own, err = k.newOwn(ctx, by); err != nil {
			return answer{}, err
		}
	}
	t := act{call{route: route, values: k.freshened(route, by, k.values(a.at, own, v.record)), token: a.token, change: a.edit(own, v.record)}, by, a.name}
	got, err := k.ask(ctx, t)
	if err != nil {
		return got, err
	}
	f := k.finding(Failed, t, got)
	switch {
	case a.refused && !got.refuses() && got.status < 400:
		f.Problem = Accepted
		k.addUnlessLeaked(f)
	case got.status >= 500 && !a.odd:
		k.addUnlessLeaked(f)
	}
	if !a.writes {
		return got, nil
	}
	if err := k.afterWrite(ctx, t, a, v, got); err != nil {
		return got, err
	}
	return got, nil
}

// edit returns an attempt's change of a request for two records.
func (a attempt) edit(own, others record) func(r *http.Request) {
	if a.change == nil {
		return nil
	}
	return func(r *http.Request) { a.change(r, own, others) }
}

// addUnlessLeaked adds a finding, unless the same request leaked as well.
func (k *check) addUnlessLeaked(f Finding) {
	for _, g := range k.pending {
		if g.Problem == Leaked && g.Route == f.Route && g.Attempt == f.Attempt {
			return
		}
	}
	k.pending = append(k.pending, f)
}

// afterWrite reads both tenants' views after an attempt that could write. A change of
// the other's view counts if the attempt makes it again, at a new record.
func (k *check) afterWrite(ctx context.Context, t act, a attempt, v *victim, got answer) error {
	difference, err := k.changed(ctx, v)
	if err != nil {
		return err
	}
	if difference != "" {
		again, err := k.changesAgain(ctx, t, a, v)
		if err != nil {
			return err
		}
		if again != "" {
			f := k.finding(Changed, t, got)
			f.Evidence, f.Seen = difference, "an answer to the other organization"
			k.pending = append(k.pending, f)
		}
	}
	why := fmt.Sprintf(" after %s %s by %s", t.route.Method, t.route.Path, a.name)
	if err := k.look(ctx, t.by, k.own[t.by].values, why); err != nil {
		return err
	}
	return k.lookAtMade(ctx, t, got, why)
}

// lookAtMade reads the record that an attempt made of the sender's.
func (k *check) lookAtMade(ctx context.Context, t act, got answer, why string) error {
	if !got.good() {
		return nil
	}
	for _, c := range k.Records {
		if len(c.Values) == 0 {
			continue
		}
		values, err := c.read(got)
		if err != nil {
			continue // it made none of these
		}
		made := record{organization: k.Tenants[t.by].Organization, values: map[string]string{}}
		for name, value := range k.own[t.by].values {
			made.values[name] = value
		}
		for name, value := range values {
			made.values[name] = value
		}
		made.canary = "" // its text is not known
		k.made[t.by] = append(k.made[t.by], made)
		if err := k.look(ctx, t.by, made.values, why); err != nil {
			return err
		}
	}
	return nil
}

// changesAgain makes an attempt again, with new records of both.
func (k *check) changesAgain(ctx context.Context, t act, a attempt, v *victim) (string, error) {
	next, err := k.victim(ctx, v.index)
	if err != nil {
		return "", err
	}
	*v = *next
	own, err := k.newOwn(ctx, t.by)
	if err != nil {
		return "", err
	}
	t.values, t.change = k.freshened(t.route, t.by, k.values(a.at, own, v.record)), a.edit(own, v.record)
	got, err := k.send(ctx, t.call)
	if err != nil {
		return "", err
	}
	k.named(t.by, got.named...)
	difference, err := k.changed(ctx, v)
	if err != nil || difference == "" {
		return difference, err
	}
	next, err = k.victim(ctx, v.index)
	if err != nil {
		return "", err
	}
	*v = *next
	return difference, nil
}
