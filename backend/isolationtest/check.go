package isolationtest

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strings"
)

// ownView begins the description of a tenant's look at its own records.
const ownView = "its own view"

// Check tests a service. An error means that it could not: an organization's own record
// cannot be made, or the service does not answer. The report then covers the attempts
// up to that point.
func Check(ctx context.Context, c Config) (Report, error) {
	if err := c.prepare(); err != nil {
		return Report{}, err
	}
	k := &check{service: service{c}, ledger: newLedger(), streamed: map[Route]bool{}, shared: map[Route]map[string]bool{}, sure: map[Route]bool{}, unsteady: map[Route]int{}, report: Report{Findings: []Finding{}, Omitted: []string{}}}
	for i := range k.links {
		k.links[i] = newLinks()
	}
	err := k.run(ctx)
	k.add(k.pending...)
	k.report.sort()
	return k.report, err
}

// check is one run of the tests.
type check struct {
	service
	ledger
	report  Report
	pending []Finding // found since the last attempt began
	own     [2]record // of each tenant, to attempt with
	made    [2][]record
	links   [2]*links
	limited bool
	renewed int // how often the victim of a route was renewed
	// streamed are the routes whose answers have no end.
	streamed map[Route]bool
	testing  Route                     // the route under test
	late     bool                      // views change some time after a record is made
	unsteady map[Route]int             // how often a view changed by itself
	shared   map[Route]map[string]bool // parts of views that depend on the other's rows
	sure     map[Route]bool            // routes that are known to change the other's records
}

func (k *check) run(ctx context.Context) error {
	for _, of := range k.Tenants {
		for missing, what := range map[string]string{"an expired token": of.Expired, "a token of another audience": of.OtherAudience, "the slug": of.Slug} {
			if what == "" {
				k.report.Omitted = append(k.report.Omitted, missing+" of "+of.Organization)
			}
		}
	}
	sortTexts(k.report.Omitted)
	if err := k.begin(ctx); err != nil {
		return err
	}
	for of := range k.Tenants {
		for _, route := range k.tested() {
			if err := k.route(ctx, route, 1-of, of); err != nil {
				return err
			}
			if err := k.tidy(ctx, 1-of); err != nil {
				return err
			}
		}
		for _, phase := range []func(context.Context, int, int) error{k.retries, k.oracles, k.foreignLinks} {
			if err := errors.Join(phase(ctx, 1-of, of), k.tidy(ctx, 0), k.tidy(ctx, 1)); err != nil {
				return err
			}
		}
	}
	if err := k.settled(ctx); err != nil {
		return err
	}
	return k.fill(ctx)
}

// tested are the routes to test, first those of which little is tried.
func (k *check) tested() (all []Route) {
	for _, variant := range []bool{true, false} {
		for _, route := range k.Routes {
			if route.variant == variant && k.Only(route) {
				all = append(all, route)
			}
		}
	}
	return all
}

// begin makes records of both, reads them, and sees whether the views of one depend on
// the other's.
func (k *check) begin(ctx context.Context) error {
	for range 2 {
		for t := range k.Tenants {
			if _, err := k.newOwn(ctx, t); err != nil {
				return err
			}
		}
	}
	for t := range k.Tenants {
		if err := k.look(ctx, t, k.own[t].values, ""); err != nil {
			return err
		}
	}
	for t := range k.Tenants {
		if err := errors.Join(k.influences(ctx, t), k.limits(ctx, t), k.delays(ctx, t)); err != nil {
			return err
		}
	}
	return errors.Join(k.streams(ctx), k.atOnce(ctx))
}

// newOwn makes a record of a tenant, to attempt with.
func (k *check) newOwn(ctx context.Context, t int) (record, error) {
	r, err := k.makeRecord(ctx, t, nil)
	if err == nil {
		k.own[t] = r
	}
	return r, err
}

// makeRecord makes a record of a tenant, and removes older ones if there is no room.
func (k *check) makeRecord(ctx context.Context, t int, change func(*http.Request)) (record, error) {
	r, answers, err := k.create(ctx, k.Tenants[t], change)
	if err != nil && len(k.made[t]) > 0 {
		if err := k.removeAll(ctx, t, 0); err != nil {
			return r, err
		}
		r, answers, err = k.create(ctx, k.Tenants[t], change)
	}
	if err != nil {
		return r, err
	}
	k.learn(t, r)
	k.made[t] = append(k.made[t], r)
	for _, a := range answers {
		k.scan(act{by: t, attempt: ownView + " of what it makes", call: call{route: k.Records[0].Route}}, a)
		k.links[t].add(k.service, "", a)
	}
	return r, nil
}

// kept is how many records of a tenant stay while the tests go on.
const kept = 12

// tidy removes a tenant's older records, where the service has a route that does.
func (k *check) tidy(ctx context.Context, t int) error { return k.removeAll(ctx, t, kept) }

// removeAll removes a tenant's older records by every route that removes one, the innermost
// first: lists that grow make each attempt slower.
func (k *check) removeAll(ctx context.Context, t, but int) error {
	of := func(r Route) int { return len(r.ids(k.OrganizationParam)) }
	removals := slices.DeleteFunc(slices.Clone(k.Routes), func(r Route) bool { return r.Method != http.MethodDelete || of(r) == 0 })
	slices.SortStableFunc(removals, func(a, b Route) int { return of(b) - of(a) })
	for len(removals) > 0 && len(k.made[t]) > but {
		r := k.made[t][0]
		k.made[t] = k.made[t][1:]
		if r.canary == k.own[t].canary {
			continue // still in use
		}
		for _, remove := range removals {
			ids := remove.ids(k.OrganizationParam)
			if last := ids[len(ids)-1]; r.values[last] == k.own[t].values[last] {
				continue // of a later record as well
			}
			if _, err := k.send(ctx, call{route: remove, values: r.values, token: k.Tenants[t].Token}); err != nil {
				return err
			}
		}
	}
	return nil
}

// act is a request by a tenant that belongs to an attempt.
type act struct {
	call
	by      int
	attempt string
}

// ask sends a request, follows where it leads, and looks for the other tenant's
// secrets in every answer.
func (k *check) ask(ctx context.Context, t act) (answer, error) {
	a, err := k.send(ctx, t.call)
	if err != nil {
		return a, err
	}
	k.report.Attempts++
	if a.status == http.StatusTooManyRequests && !k.limited {
		k.limited = true
		k.report.Omitted = append(k.report.Omitted, "requests that a rate limit refused with 429")
	}
	k.named(t.by, a.named...)
	k.scan(t, a)
	from := ""
	if len(a.named) > 0 {
		from = a.named[0]
	}
	all, err := k.follow(ctx, from, a, t.token)
	for _, next := range all { // of the route that it leads to: a redirect makes any method GET
		t.attempt = strings.TrimSuffix(t.attempt, redirected) + redirected
		t.route = k.routeOf(next)
		k.scan(t, next)
	}
	return a, err
}

// scan reports the other tenant's secrets in an answer.
func (k *check) scan(t act, a answer) {
	if h, ok := k.search(t.by, a); ok {
		f := k.finding(Leaked, t, a)
		f.Seen = h.String()
		k.pending = append(k.pending, f)
	}
}

func (k *check) finding(problem Problem, t act, a answer) Finding {
	return Finding{
		Problem: problem, Route: t.route, Attempt: t.attempt, Status: a.status, Evidence: a.start(), Request: a.request,
		By: k.Tenants[t.by].Organization, Of: k.Tenants[1-t.by].Organization,
	}
}

// look reads a tenant's own view with values.
func (k *check) look(ctx context.Context, t int, values map[string]string, why string) error {
	for _, route := range k.Routes {
		if !route.reads() {
			continue
		}
		own := act{call{route: route, values: values, token: k.Tenants[t].Token}, t, ownView + why}
		a, err := k.ask(ctx, own)
		if err != nil {
			return err
		}
		k.caches(own, a)
		k.streamed[route] = k.streamed[route] || a.streams
		if a.good() && len(a.named) > 0 {
			k.links[t].add(k.service, a.named[0], a)
		}
	}
	return nil
}

// route tests one route in every way.
func (k *check) route(ctx context.Context, route Route, by, of int) error {
	k.testing = route
	v, err := k.victim(ctx, of, nil)
	if err != nil {
		return err
	}
	if _, err := k.newOwn(ctx, by); err != nil {
		return err
	}
	k.renewed = 0
	open := map[target]bool{} // the plain request is found already
	accepted := map[target]bool{}
	for _, a := range k.attempts(route, k.Tenants[by], k.Tenants[of]) {
		if open[a.at] && a.token == k.Tenants[by].Token {
			continue // the plain request shows as much
		}
		done, err := k.tryAll(ctx, route, a, by, v, accepted[a.at])
		if err != nil {
			return err
		}
		if a.change == nil {
			accepted[a.at] = !done.refuses()
			open[a.at] = open[a.at] || a.token == k.Tenants[by].Token && k.found(route)
		}
		k.flush()
	}
	if err := k.stir(ctx, route, by, v); err != nil {
		return err
	}
	return k.control(ctx, route, by)
}

// found reports whether the attempt under way leaked or changed something by a route.
func (k *check) found(route Route) bool {
	return slices.ContainsFunc(k.pending, func(f Finding) bool {
		return (f.Problem == Leaked || f.Problem == Changed) && f.Route == route && !after(f.Attempt)
	})
}

func (k *check) flush() {
	k.add(k.pending...)
	k.pending = nil
}

// enough is how many parts of an attempt are reported.
const enough = 3

// tryAll makes an attempt, and its parts if there is a reason.
func (k *check) tryAll(ctx context.Context, route Route, a attempt, by int, v *victim, accepted bool) (answer, error) {
	k.flush()
	got, err := k.try(ctx, route, a, by, v)
	shown := slices.ContainsFunc(k.pending, func(f Finding) bool { return after(f.Attempt) })
	k.pending = slices.DeleteFunc(k.pending, func(f Finding) bool { return after(f.Attempt) && k.repeated(f) })
	if err == nil && shown && k.renewed < maxOfRoute {
		k.renewed++
		err = k.renew(ctx, v)
	}
	if err != nil || len(a.parts) == 0 || len(k.pending) == 0 && !(accepted && got.refuses()) {
		return got, err
	}
	whole := k.pending
	k.pending = nil
	found := 0
	for _, part := range a.parts {
		if _, err := k.tryAll(ctx, route, part, by, v, false); err != nil {
			return got, err
		}
		if len(k.pending) > 0 {
			found++
		}
		if k.flush(); found == enough {
			break
		}
	}
	if found == 0 { // only all of them together do
		k.pending = whole
	}
	return got, nil
}

// control sends a tenant's own request, which must be served.
func (k *check) control(ctx context.Context, route Route, by int) error {
	own, err := k.newOwn(ctx, by)
	if err != nil {
		return err
	}
	t := act{call{route: route, values: k.freshened(route, by, own.values), token: k.Tenants[by].Token}, by, "its own request"}
	got, err := k.ask(ctx, t)
	if err == nil && !got.good() { // the record may be made later, as by a job
		if err = wait(ctx, k.Settle); err == nil {
			got, err = k.ask(ctx, t)
		}
	}
	switch {
	case err != nil:
	case got.good(): // what it made may have an address of its own: an export, a job
		k.links[by].add(k.service, "", got)
	default:
		f := k.finding(Unproven, t, got)
		f.Of = f.By
		k.pending = append(k.pending, f)
	}
	k.flush()
	return err
}

// fill lets an organization have the maximum number of records, and the other make one
// more.
func (k *check) fill(ctx context.Context) error {
	if k.Quota == 0 {
		return nil
	}
	if err := k.removeAll(ctx, 1, 0); err != nil {
		return err
	}
	by, of := k.Tenants[0], k.Tenants[1]
	for range k.Quota {
		if _, _, err := k.create(ctx, by, nil); err != nil {
			break // the quota is reached
		}
	}
	if _, _, err := k.create(ctx, of, nil); err != nil {
		k.add(Finding{
			Problem: Changed, Route: k.Records[0].Route, Attempt: "as many records as the quota allows", By: by.Organization, Of: of.Organization, Evidence: err.Error(),
			Why: fmt.Sprintf("%s cannot make a record because %s has many", of.Organization, by.Organization),
		})
	}
	return nil
}
