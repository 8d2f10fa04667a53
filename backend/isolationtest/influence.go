package isolationtest

import (
	"context"
	"maps"
	"net/http"
	"slices"
	"strings"
	"sync"
	"time"
)

// rounds is how often a difference must show itself.
const rounds = 3

// influences reads a tenant's own views before and after the other makes records. A
// part that changes each time with it, and never without, depends on the other's rows:
// a count, an order, a tag.
func (k *check) influences(ctx context.Context, t int) error {
	var always map[part]bool
	noise := map[part]bool{}
	shown := map[asked]answer{}
	var took time.Duration
	for round := range rounds {
		before, err := k.snapshot(ctx, t)
		if err != nil {
			return err
		}
		if err := wait(ctx, took); err != nil { // as long as making a record takes
			return err
		}
		still, err := k.snapshot(ctx, t)
		if err != nil {
			return err
		}
		began := time.Now()
		for range 2 { // a rounded count may hide one
			if _, err := k.makeRecord(ctx, 1-t, nil); err != nil {
				return err
			}
		}
		took = time.Since(began)
		after, err := k.snapshot(ctx, t)
		if err != nil {
			return err
		}
		now := map[part]bool{}
		for view := range after {
			shown[view] = after[view]
			for name := range differences(before[view].features(), still[view].features()) {
				noise[part{view, name}] = true
			}
			for name := range differences(still[view].features(), after[view].features()) {
				if round == 0 || always[part{view, name}] {
					now[part{view, name}] = true
				}
			}
		}
		if always = now; len(always) == 0 {
			return nil
		}
	}
	maps.DeleteFunc(always, func(p part, _ bool) bool { return noise[p] })
	k.reportParts(t, always, shown)
	return nil
}

// asked is a route that reads, and whether the request asked for counts.
type asked struct {
	route  Route
	counts bool
}

// askForCounts asks for what many services only count if they are asked.
func askForCounts(r *http.Request) {
	r.Header.Set("Prefer", "count=exact")
	r.Header.Set("Range-Unit", "items")
	for _, name := range []string{"count", "with_count", "include_count", "total", "include_total", "includeTotalCount", "$count"} {
		if !r.URL.Query().Has(name) {
			setQuery(r, name, "true")
		}
	}
}

// part is a feature of the answers to one view.
type part struct {
	asked
	name string
}

// reportParts reports the routes whose answers depend on the other's rows.
func (k *check) reportParts(t int, parts map[part]bool, shown map[asked]answer) {
	for _, view := range k.views() {
		var names []string
		for p := range parts {
			if p.asked == view {
				names = append(names, p.name)
			}
		}
		if len(names) == 0 {
			continue
		}
		slices.Sort(names)
		if k.shared[view.route] == nil {
			k.shared[view.route] = map[string]bool{}
		}
		for _, name := range names {
			k.shared[view.route][name] = true
		}
		f := k.finding(Leaked, act{call: call{route: view.route}, by: t, attempt: ownView + " before and after the other makes records"}, shown[view])
		f.Seen = "it changes whenever the other organization makes records, and never else: " + strings.Join(names[:min(3, len(names))], "; ")
		f.Why = "the answer counts, sorts or tags records of the other organization"
		k.add(f)
	}
	k.flush()
}

// snapshot returns a tenant's own views.
func (k *check) snapshot(ctx context.Context, t int) (map[asked]answer, error) {
	all := map[asked]answer{}
	for _, view := range k.views() {
		of := call{route: view.route, values: k.own[t].values, token: k.Tenants[t].Token}
		if view.counts {
			of.change = askForCounts
		}
		a, err := k.ask(ctx, act{of, t, ownView})
		if err != nil {
			return nil, err
		}
		all[view] = a
	}
	return all, nil
}

// views are the routes that read, each without and with a wish for counts.
func (k *check) views() (all []asked) {
	for _, route := range k.Routes {
		if route.reads() {
			all = append(all, asked{route, false}, asked{route, true})
		}
	}
	return all
}

// concurrent is how many requests of each tenant are sent at once.
const concurrent = 3

// atOnce sends both tenants' requests at the same time: state that they share shows
// one's rows to the other.
func (k *check) atOnce(ctx context.Context) error {
	for _, route := range k.Routes {
		if !route.reads() {
			continue
		}
		for range 2 * rounds {
			var tasks []func() error
			answers := make([]answer, 2*concurrent)
			for i := range answers {
				t := i % 2
				tasks = append(tasks, func() (err error) {
					answers[i], err = k.send(ctx, call{route: route, values: k.own[t].values, token: k.Tenants[t].Token})
					return err
				})
			}
			if err := parallel(tasks); err != nil {
				return err
			}
			for i, a := range answers {
				k.report.Attempts++
				k.scan(act{call{route: route}, i % 2, "requests of both at once"}, a)
			}
		}
		k.flush()
	}
	return k.makeAtOnce(ctx)
}

// makeAtOnce makes records of both at the same time.
func (k *check) makeAtOnce(ctx context.Context) error {
	for range rounds {
		var made [2]record
		var answers [2][]answer
		var tasks []func() error
		for t := range made {
			tasks = append(tasks, func() (err error) {
				made[t], answers[t], err = k.create(ctx, k.Tenants[t], nil)
				return err
			})
		}
		if parallel(tasks) != nil {
			return nil // services may refuse it, as under a quota
		}
		for t, r := range made {
			k.learn(t, r)
			k.made[t] = append(k.made[t], r)
		}
		for t := range made {
			for _, a := range answers[t] {
				k.scan(act{call{route: k.Records[0].Route}, t, "requests of both at once"}, a)
			}
			if err := k.look(ctx, t, made[t].values, " of a record made at once with the other's"); err != nil {
				return err
			}
		}
		k.flush()
	}
	return nil
}

// parallel runs tasks at the same time and returns one of their errors.
func parallel(tasks []func() error) error {
	errs := make([]error, len(tasks))
	var all sync.WaitGroup
	for i, task := range tasks {
		all.Go(func() { errs[i] = task() })
	}
	all.Wait()
	for _, err := range errs {
		if err != nil {
			return err
		}
	}
	return nil
}

// retries sends a creation with the idempotency key of the other tenant's.
func (k *check) retries(ctx context.Context, by, of int) error {
	for _, c := range k.Records {
		if c.Make != nil {
			return nil
		}
	}
	key := newCanary()[len(canaryPrefix):]
	change := func(r *http.Request) {
		for _, name := range []string{"Idempotency-Key", "X-Idempotency-Key", "X-Request-Id", "X-Correlation-Id"} {
			r.Header.Set(name, key)
		}
	}
	if _, err := k.makeRecord(ctx, of, change); err != nil {
		return nil // a service may refuse such keys
	}
	own := k.fresh(k.Tenants[by])
	values := maps.Clone(k.own[by].values)
	maps.Copy(values, own.values)
	k.learn(by, own)
	for _, c := range k.Records {
		a, err := k.ask(ctx, act{call{route: c.Route, values: values, token: k.Tenants[by].Token, change: change}, by, "the idempotency key of the other's request"})
		if err != nil {
			return err
		}
		if got, err := c.read(a, nil); err == nil {
			maps.Copy(values, got)
			k.made[by] = append(k.made[by], record{organization: own.organization, values: maps.Clone(values)})
		}
	}
	k.flush()
	return nil
}
