package isolationtest

import (
	"context"
	"fmt"
	"net/http"
	"strings"
)

// Check tests a service. An error means that it could not: an organization's own record
// cannot be made, or the service does not answer. The report then covers the attempts
// up to that point.
func Check(ctx context.Context, c Config) (Report, error) {
	if err := c.prepare(); err != nil {
		return Report{}, err
	}
	k := &check{service{c}, Report{Findings: []Finding{}, Omitted: []string{}}}
	for i, of := range c.Tenants {
		if of.Expired == "" {
			k.report.Omitted = append(k.report.Omitted, "an expired token of "+of.Organization)
		}
		if of.Slug == "" {
			k.report.Omitted = append(k.report.Omitted, "the slug of "+of.Organization)
		}
		for _, route := range c.Routes {
			if err := k.route(ctx, route, c.Tenants[1-i], of); err != nil {
				return k.report, err
			}
		}
	}
	k.fill(ctx)
	return k.report, nil
}

// fill lets an organization have the maximum number of records, and the other make one
// more.
func (k *check) fill(ctx context.Context) {
	by, of := k.Tenants[0], k.Tenants[1]
	for range k.Quota {
		if _, err := k.create(ctx, by); err != nil {
			break // the quota is reached
		}
	}
	if _, err := k.create(ctx, of); err != nil {
		k.report.Findings = append(k.report.Findings, Finding{
			Problem: Changed, Route: k.Records[0].Route, Attempt: "as many records as the quota allows", By: by.Organization, Of: of.Organization, Evidence: err.Error(),
		})
	}
}

// check is one run of the tests.
type check struct {
	service
	report Report
}

// victim is a tenant's record and the tenant's view of it.
type victim struct {
	Tenant
	record
	found view
}

// view is the answers to a tenant by each route that reads. If a route's answers always
// differ, only the record counts.
type view map[Route]struct {
	answer
	volatile bool
}

// route tests one route in every way. After each attempt that could write, it checks
// the other tenant's view.
func (k *check) route(ctx context.Context, route Route, by, of Tenant) error {
	v, err := k.victim(ctx, of)
	if err != nil {
		return err
	}
	own, err := k.create(ctx, by)
	if err != nil {
		return err
	}
	for _, a := range k.attempts(route, by, of) {
		if !route.reads() && k.namesRecord(route) { // the last attempt may have deleted it
			if own, err = k.create(ctx, by); err != nil {
				return err
			}
		}
		got, err := k.send(ctx, route, k.values(a.at, own, v.record), k.withToken(a.token), func(r *http.Request) {
			if a.change != nil {
				a.change(r)
			}
		})
		if err != nil {
			return err
		}
		changed := ""
		if !route.reads() {
			if changed, err = k.changed(ctx, v); err != nil {
				return err
			}
		}
		k.judge(Finding{Route: route, Attempt: a.name, By: by.Organization, Of: of.Organization}, a, got, v.canary, changed)
		if changed != "" {
			if v, err = k.victim(ctx, of); err != nil {
				return err
			}
		}
	}
	return k.control(ctx, route, by)
}

func (k *check) judge(f Finding, a attempt, got answer, canary, changed string) {
	k.report.Attempts++
	f.Status, f.Evidence = got.status, got.start()
	switch {
	case strings.Contains(got.body, canary):
		f.Problem = Leaked
	case changed != "":
		f.Problem, f.Evidence = Changed, changed
	case a.refused && got.status < 400:
		f.Problem = Accepted
	case got.status >= 500:
		f.Problem = Failed
	default:
		return
	}
	k.report.Findings = append(k.report.Findings, f)
}

// control sends a tenant's own request, which must be served.
func (k *check) control(ctx context.Context, route Route, by Tenant) error {
	own, err := k.create(ctx, by)
	if err != nil {
		return err
	}
	got, err := k.send(ctx, route, own.values, k.withToken(by.Token))
	if err == nil && !got.good() {
		k.report.Findings = append(k.report.Findings, Finding{Unproven, route, "its own request", by.Organization, by.Organization, got.status, got.start()})
	}
	return err
}

// victim makes a tenant's record and reads its view twice, to find the parts that never
// change.
func (k *check) victim(ctx context.Context, t Tenant) (*victim, error) {
	r, err := k.create(ctx, t)
	if err != nil {
		return nil, err
	}
	v := &victim{t, r, view{}}
	for _, route := range k.Routes {
		if !route.reads() {
			continue
		}
		first, err := k.send(ctx, route, r.values, k.withToken(t.Token))
		if err != nil {
			return nil, err
		}
		second, err := k.send(ctx, route, r.values, k.withToken(t.Token))
		if err != nil {
			return nil, err
		}
		seen := v.found[route]
		seen.answer, seen.volatile = second, first != second
		v.found[route] = seen
	}
	return v, nil
}

// changed returns a difference in the tenant's view, or "" if there is none.
func (k *check) changed(ctx context.Context, v *victim) (string, error) {
	for route, was := range v.found {
		is, err := k.send(ctx, route, v.values, k.withToken(v.Token))
		if err != nil {
			return "", err
		}
		gone := strings.Contains(was.body, v.canary) != strings.Contains(is.body, v.canary)
		if was.status != is.status || gone || !was.volatile && was.body != is.body {
			return fmt.Sprintf("its own %s %s was answered %d, %q, and then %d, %q", route.Method, route.Path, was.status, was.start(), is.status, is.start()), nil
		}
	}
	return "", nil
}
