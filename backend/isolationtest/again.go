package isolationtest

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"
)

const (
	// calm is for how long a view must stay the same by itself, at least. Caches of lists
	// and counts rarely live longer.
	calm = 2500 * time.Millisecond
	// unsteady is how many differences of a view that came by themselves leave it out.
	unsteady = 2
)

// difference is what differs in a tenant's own view, and where.
type difference struct {
	route       Route
	what, where string
}

// differ compares two answers to a tenant. Members that are known to depend on the other's
// rows are left out: they are reported once.
func (k *check) differ(route Route, was, is answer, bodies bool) difference {
	name := fmt.Sprintf("its own %s %s", route.Method, route.Path)
	if was.status != is.status {
		return difference{route, fmt.Sprintf("%s was answered %d, %q, and then %d, %q", name, was.status, was.start(), is.status, is.start()), "the status of " + name}
	}
	if !bodies || was.body == is.body {
		return difference{}
	}
	before, now := leaves(was.body), leaves(is.body)
	var members []string
	for member := range joinedNames(before, now) {
		if before[member] != now[member] && !k.shared[route]["body "+member] {
			members = append(members, member)
		}
	}
	slices.SortFunc(members, func(a, b string) int { // those that both have say most
		in := func(member string) int { return len(before[member]) * len(now[member]) }
		if (in(a) > 0) != (in(b) > 0) {
			return in(b) - in(a)
		}
		return strings.Compare(a, b)
	})
	if len(members) == 0 {
		if len(k.shared[route]) > 0 {
			return difference{}
		}
		old, new := around(was.body, is.body)
		return difference{route, fmt.Sprintf("%s was %q and is %q", name, old, new), name}
	}
	old, new := around(before[members[0]], now[members[0]])
	text := fmt.Sprintf("%s: %s was %s and is %s", name, members[0], valueOf(before, members[0], old), valueOf(now, members[0], new))
	if n := len(members) - 1; n > 0 {
		text += fmt.Sprintf(" (and %d more differ, such as %s)", n, members[1])
	}
	return difference{route, text, "the member " + members[0] + " of " + name}
}

func joinedNames(a, b map[string]string) map[string]string {
	all := maps.Clone(a)
	maps.Copy(all, b)
	return all
}

func valueOf(members map[string]string, name, shown string) string {
	if _, ok := members[name]; !ok {
		return "missing"
	}
	return fmt.Sprintf("%q", shown)
}

// around returns the parts of two texts about the place where they begin to differ.
func around(a, b string) (string, string) {
	const before, after = 30, 60
	i := 0
	for i < len(a) && i < len(b) && a[i] == b[i] {
		i++
	}
	cut := func(text string) string {
		from, to := max(0, i-before), min(len(text), i+after)
		part := strings.ToValidUTF8(text[min(from, to):to], "")
		if from > 0 {
			part = "…" + part
		}
		if to < len(text) {
			part += "…"
		}
		return part
	}
	return cut(a), cut(b)
}

// ownFor returns the record of the sender's for an attempt. It is false if there can be none.
func (k *check) ownFor(ctx context.Context, route Route, a attempt, by int, v *victim) (record, bool, error) {
	if a.twin {
		return k.twin(ctx, by, v)
	}
	if a.writes && !a.at.record && route.namesRecord(k.OrganizationParam) { // the last attempt may have deleted it
		own, err := k.newOwn(ctx, by)
		return own, err == nil, err
	}
	return k.own[by], true, nil
}

// twin makes a record of the sender's with the texts of the other's.
func (k *check) twin(ctx context.Context, by int, v *victim) (record, bool, error) {
	twin := k.fresh(k.Tenants[by])
	twin.canary, twin.values["canary"] = v.canary, v.canary
	k.told(by, v.record)
	made, _, err := k.createWith(ctx, k.Tenants[by], twin, nil)
	if err != nil {
		return made, false, ctx.Err() // texts may have to be unique
	}
	made.canary = ""
	k.learn(by, made)
	k.made[by] = append(k.made[by], made)
	return made, true, nil
}

func (k *check) replace(ctx context.Context, v *victim, first *Route) error {
	next, err := k.victim(ctx, v.index, first)
	if err == nil {
		*v = *next
	}
	return err
}

// changesAgain makes an attempt again, with new records of both, and returns what it
// changes. What changes without it as well, or not for long, is no finding: jobs end,
// caches are filled anew. That is only waited for until a route is known to be at fault.
func (k *check) changesAgain(ctx context.Context, t act, a attempt, v *victim, before difference) (found difference, err error) {
	var first *Route
	if a.first {
		first = &t.route
	}
	if err := k.replace(ctx, v, first); err != nil {
		return found, err
	}
	own, ok, err := k.ownFor(ctx, t.route, a, t.by, v)
	if err != nil || !ok {
		return found, err
	}
	known := k.sure[t.route]
	if !known {
		if err := k.settle(ctx, v); err != nil {
			return found, err
		}
	}
	t.values, t.change = k.freshened(t.route, t.by, k.values(a.at, own, v.record)), a.edit(own, v.record)
	got, err := k.send(ctx, t.call)
	if err != nil {
		return found, err
	}
	k.named(t.by, got.named...)
	found, err = k.changed(ctx, v)
	if err == nil && found.what != "" && !known {
		if err = wait(ctx, max(calm, k.Settle)); err == nil {
			found, err = k.changed(ctx, v)
		}
	}
	if err != nil {
		return found, err
	}
	if found.what == "" {
		k.byItself(before.route)
	} else {
		k.sure[t.route] = true
	}
	return found, k.replace(ctx, v, nil)
}

// settle waits until what follows a record's creation is over, and sees which views change
// by themselves.
func (k *check) settle(ctx context.Context, v *victim) error {
	if err := wait(ctx, max(calm, k.Settle)); err != nil {
		return err
	}
	if err := k.read(ctx, v); err != nil {
		return err
	}
	if err := wait(ctx, max(calm, k.Settle)); err != nil {
		return err
	}
	was := v.found
	if err := k.read(ctx, v); err != nil {
		return err
	}
	for route, seen := range v.found {
		if !was[route].same(seen.answer) {
			seen.volatile, k.late = true, true
			v.found[route] = seen
			k.byItself(route)
		}
	}
	return nil
}

// byItself notes that a view changed without an attempt.
func (k *check) byItself(route Route) {
	if k.unsteady[route]++; k.unsteady[route] == unsteady {
		k.omit(fmt.Sprintf("changes of %s %s, whose answers change by themselves", route.Method, route.Path))
	}
}

// delays sees whether a tenant's view changes by itself after it makes a record.
func (k *check) delays(ctx context.Context, t int) error {
	v, err := k.victim(ctx, t, nil)
	if err != nil {
		return err
	}
	if err := wait(ctx, k.Settle); err != nil {
		return err
	}
	found, err := k.changed(ctx, v)
	k.late = k.late || found.what != ""
	return err
}
