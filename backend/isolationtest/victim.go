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

// victim makes a tenant's record and reads its view. The tenant sends the request of a
// route for it before, if there is one.
func (k *check) victim(ctx context.Context, t int, first *Route) (*victim, error) {
	r, err := k.makeRecord(ctx, t, nil)
	if err != nil {
		return nil, err
	}
	if first != nil {
		if _, err := k.send(ctx, call{route: *first, values: k.freshened(*first, t, r.values), token: k.Tenants[t].Token}); err != nil {
			return nil, err
		}
	}
	if k.late && !k.sure[k.testing] { // what a route at fault does needs no further proof
		if err := wait(ctx, k.Settle); err != nil {
			return nil, err
		}
	}
	v := &victim{t, r, nil}
	return v, k.read(ctx, v)
}

// read reads a victim's view twice, to find the parts that never change.
func (k *check) read(ctx context.Context, v *victim) error {
	v.found = view{}
	for _, route := range k.Routes {
		if !route.reads() {
			continue
		}
		of := call{route: route, values: v.values, token: k.Tenants[v.index].Token}
		first, err := k.send(ctx, of)
		if err != nil {
			return err
		}
		second, err := k.send(ctx, of)
		if err != nil {
			return err
		}
		k.scan(act{of, v.index, ownView}, second)
		if second.good() {
			k.links[v.index].add(k.service, second.named[0], second)
		}
		seen := v.found[route]
		seen.answer, seen.volatile = second, second.streams || !first.same(second)
		v.found[route] = seen
	}
	return nil
}

// renew takes a new record of the tenant's. What the other's own views show of the one before
// is reported, and says nothing of the next attempts.
func (k *check) renew(ctx context.Context, v *victim) error {
	k.told(1-v.index, v.record)
	next, err := k.victim(ctx, v.index, nil)
	if err == nil {
		*v = *next
	}
	return err
}

// changed returns a difference in the tenant's view, or none. What the other tenant wrote
// into it counts as seen: it is no leak.
func (k *check) changed(ctx context.Context, v *victim) (found difference, err error) {
	var now []answer
	for _, route := range k.Routes {
		was, ok := v.found[route]
		if !ok || k.unsteady[route] >= unsteady {
			continue
		}
		is, err := k.send(ctx, call{route: route, values: v.values, token: k.Tenants[v.index].Token})
		if err != nil {
			return found, err
		}
		now = append(now, is)
		if found.what == "" {
			gone := strings.Contains(was.body, v.canary) != strings.Contains(is.body, v.canary)
			found = k.differ(route, was.answer, is, gone || !was.volatile)
		}
	}
	for _, a := range now {
		if found.what != "" {
			k.named(v.index, a.body)
		}
	}
	return found, nil
}

// try makes an attempt. If it could write, it looks at the other tenant's view, and at
// the sender's own, in which a copy may be.
func (k *check) try(ctx context.Context, route Route, a attempt, by int, v *victim) (answer, error) {
	if a.first || a.unnamed {
		var first *Route
		if a.first {
			first = &route
		}
		if err := k.replace(ctx, v, first); err != nil {
			return answer{}, err
		}
	}
	own, ok, err := k.ownFor(ctx, route, a, by, v)
	if err != nil || !ok {
		return answer{}, err
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
	found, err := k.changed(ctx, v)
	if err != nil {
		return err
	}
	if found.what != "" {
		again, err := k.changesAgain(ctx, t, a, v, found)
		if err != nil {
			return err
		}
		if again.what != "" {
			f := k.finding(Changed, t, got)
			f.Evidence, f.Seen = again.what, again.where
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
		values, err := c.read(got, nil)
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
