package isolationtest

import (
	"context"
	"fmt"
	"maps"
	"net/http"
	"slices"
	"strings"
	"time"
)

// question is one request for a foreign thing or for one that does not exist.
type question struct {
	act
	named   string // the id or the text; answers may repeat it
	foreign bool
}

// seen is the answers to one of both groups.
type seen struct {
	features []features
	took     []time.Duration
	last     answer
}

// oracles compare the answers about the other tenant's records with those about records
// that do not exist. They must be the same, in every part and in their time.
func (k *check) oracles(ctx context.Context, by, of int) error {
	var foreign []record
	for range rounds {
		r, err := k.makeRecord(ctx, of, nil)
		if err != nil {
			return err
		}
		foreign = append(foreign, r)
	}
	gone, err := k.gone(ctx, by)
	if err != nil {
		return err
	}
	if _, err := k.newOwn(ctx, by); err != nil {
		return err
	}
	for _, route := range k.tested() {
		for _, param := range route.ids(k.OrganizationParam) {
			if err := k.idOracle(ctx, route, param, by, foreign, gone); err != nil {
				return err
			}
		}
	}
	for _, route := range k.tested() {
		if route.reads() {
			if err := k.searchOracle(ctx, route, by, foreign); err != nil {
				return err
			}
		}
	}
	for _, c := range k.Records {
		if c.Make == nil && k.Only(c.Route) {
			if err := k.uniqueOracle(ctx, c.Route, by, foreign); err != nil {
				return err
			}
		}
	}
	return nil
}

// gone returns ids of a tenant's own records that it removed, by their wildcards, where the
// service has a route for that. They are well formed, whatever ids look like.
func (k *check) gone(ctx context.Context, t int) (map[string]string, error) {
	removed := map[string]string{}
	for _, route := range k.Routes {
		path, _, _ := strings.Cut(route.Path, "?")
		ids := Route{Path: path}.ids(k.OrganizationParam)
		if route.Method != http.MethodDelete || len(ids) == 0 || removed[ids[len(ids)-1]] != "" {
			continue
		}
		r, err := k.newOwn(ctx, t)
		if err != nil {
			return nil, err
		}
		a, err := k.send(ctx, call{route: route, values: r.values, token: k.Tenants[t].Token})
		if err != nil {
			return nil, err
		}
		if a.good() {
			removed[ids[len(ids)-1]] = r.values[ids[len(ids)-1]]
		}
	}
	return removed, nil
}

// waysToAsk are changes of a request that a service may answer before it sees whose the
// record is: with conditions, and for the methods of its address.
func waysToAsk(route Route) []func(r *http.Request) {
	with := func(name, value string) func(r *http.Request) {
		return func(r *http.Request) { r.Header.Set(name, value) }
	}
	if route.Method != http.MethodGet {
		return []func(r *http.Request){nil, with("If-Match", `"none"`)}
	}
	return []func(r *http.Request){nil, with("If-None-Match", "*"), func(r *http.Request) { r.Method = http.MethodOptions }}
}

// idOracle asks for foreign ids and made-up ones in turn.
func (k *check) idOracle(ctx context.Context, route Route, param string, by int, foreign []record, gone map[string]string) error {
	if k.reported(route, by) {
		return nil // the route does worse than to tell
	}
	if foreign[0].values[param] == k.own[by].values[param] {
		return nil // it is a name that both have
	}
	for _, way := range waysToAsk(route) {
		ask := func(id string, foreign bool) question {
			values := maps.Clone(k.own[by].values)
			values[param] = id
			return question{act{call{route: route, values: values, token: k.Tenants[by].Token, change: way}, by, "a foreign " + param + " and a made-up one, in turn"}, id, foreign}
		}
		var all []question
		for i, r := range foreign[:2] {
			all = append(all, ask(r.values[param], true), ask(unlike(r.values[param], i), false))
		}
		var missing []question
		if gone[param] != "" {
			missing = append(missing, ask(gone[param], false))
		}
		if err := k.compare(ctx, all, missing); err != nil {
			return err
		}
	}
	return nil
}

// reported reports whether a graver problem of a route is known.
func (k *check) reported(route Route, by int) bool {
	return slices.ContainsFunc(k.report.Findings, func(f Finding) bool {
		return f.Route == route && f.By == k.Tenants[by].Organization && (f.Problem == Leaked || f.Problem == Changed)
	})
}

// compare asks questions of both groups in turn, several times. A difference counts if
// the further ones, of what certainly is well formed, differ as well. Without them, a
// refusal of made-up ids may be one of their form, unless a change that names a foreign id
// is accepted.
func (k *check) compare(ctx context.Context, all, further []question) error {
	groups := map[bool]*seen{true: {}, false: {}}
	for range rounds {
		if err := k.round(ctx, all, groups); err != nil {
			return err
		}
	}
	what, differ := distinguishing(groups[true].features, groups[false].features)
	if differ && len(further) > 0 {
		others := map[bool]*seen{false: {}}
		if err := k.round(ctx, further, others); err != nil {
			return err
		}
		_, differ = distinguishing(groups[true].features, others[false].features)
	} else if differ && !(groups[true].last.good() && !all[0].route.reads()) && groups[false].last.status != groups[true].last.status && malformed(groups[false].last.status) {
		k.omit(fmt.Sprintf("a made-up id of %s %s in its ids' form", all[0].route.Method, all[0].route.Path))
		return nil
	}
	if !differ {
		var err error
		if what, differ, err = k.slower(ctx, all, groups); err != nil {
			return err
		}
	}
	if differ {
		f := k.finding(Distinguished, all[0].act, groups[true].last)
		if f.Seen = what; groups[true].last.good() && !all[0].route.reads() {
			f.Why = "the route accepts the other organization's record, and none that does not exist"
		}
		k.add(f)
	}
	k.flush()
	return nil
}

func (k *check) omit(what string) {
	if !slices.Contains(k.report.Omitted, what) {
		k.report.Omitted = append(k.report.Omitted, what)
	}
}

// malformed reports whether a status refuses an id for its form.
func malformed(status int) bool {
	return status == http.StatusBadRequest || status == http.StatusUnprocessableEntity
}

// round asks each question once.
func (k *check) round(ctx context.Context, all []question, groups map[bool]*seen) error {
	var texts []string // an answer may have what another question named: a row of an earlier attempt
	for _, q := range all {
		texts = append(texts, q.named)
	}
	for _, q := range all {
		a, err := k.ask(ctx, q.act)
		if err != nil {
			return err
		}
		group := groups[q.foreign]
		group.features = append(group.features, a.features(texts...))
		group.took = append(group.took, a.took)
		group.last = a
	}
	return nil
}

// Limits of a difference in time, so that noise is none.
const (
	leastGap    = 3 * time.Millisecond
	timedRounds = 12
)

// slower reports whether one group's answers take longer. A suspicion is tested by many
// more questions.
func (k *check) slower(ctx context.Context, all []question, groups map[bool]*seen) (string, bool, error) {
	warm := len(all) / 2 // the first of each are slower
	if !apart(groups[true].took[warm:], groups[false].took[warm:], 0) {
		return "", false, nil
	}
	again := map[bool]*seen{true: {}, false: {}}
	for range timedRounds {
		if err := k.round(ctx, all, again); err != nil {
			return "", false, err
		}
	}
	if !apart(again[true].took, again[false].took, len(again[true].took)/4) {
		return "", false, nil
	}
	middle := func(took []time.Duration) time.Duration { return slices.Sorted(slices.Values(took))[len(took)/2] }
	return fmt.Sprintf("time: %v, else %v, the median of %d each", middle(again[true].took), middle(again[false].took), len(again[true].took)), true, nil
}

// apart reports whether all but some outliers of a group are slower than the other's.
func apart(a, b []time.Duration, outliers int) bool {
	a, b = slices.Sorted(slices.Values(a)), slices.Sorted(slices.Values(b))
	above := func(slow, fast []time.Duration) bool {
		low, high := slow[outliers], fast[len(fast)-1-outliers]
		return low > high+leastGap && low > high+high/2
	}
	return above(a, b) || above(b, a)
}

// searchOracle looks for the beginning of the other's text and of one that does not
// exist.
func (k *check) searchOracle(ctx context.Context, route Route, by int, foreign []record) error {
	if k.reported(route, by) {
		return nil
	}
	for _, length := range []int{len(canaryPrefix) + excerpt, len(foreign[0].canary)} {
		var all []question
		for _, r := range foreign[:2] {
			all = append(all, k.textQuestion(route, by, r.canary[:length], true), k.textQuestion(route, by, newCanary()[:length], false))
		}
		if err := k.compare(ctx, all, nil); err != nil {
			return err
		}
	}
	return nil
}

// textQuestion returns a question for a text, in every parameter of a search.
func (k *check) textQuestion(route Route, by int, text string, foreign bool) question {
	values := maps.Clone(k.own[by].values)
	values["canary"] = text
	change := func(r *http.Request) {
		for _, name := range searchNames {
			if !r.URL.Query().Has(name) {
				setQuery(r, name, text)
			}
		}
	}
	return question{act{call{route: route, values: values, token: k.Tenants[by].Token, change: change}, by, "a search for a foreign text and for a made-up one, in turn"}, text, foreign}
}

// uniqueOracle makes records with the other's texts and with fresh ones.
func (k *check) uniqueOracle(ctx context.Context, route Route, by int, foreign []record) error {
	groups := map[bool]*seen{true: {}, false: {}}
	var first question
	for i, r := range foreign {
		for _, text := range []string{r.canary, newCanary()} {
			values := maps.Clone(k.own[by].values)
			values["canary"] = text
			q := question{act{call{route: route, values: values, token: k.Tenants[by].Token}, by, "the text of a foreign record and a fresh one, in turn"}, text, text == r.canary}
			if i == 0 && q.foreign {
				first = q
			}
			if err := k.round(ctx, []question{q}, groups); err != nil {
				return err
			}
			for _, c := range k.Records {
				if got, err := c.read(groups[q.foreign].last, nil); err == nil && len(c.Values) > 0 {
					made := maps.Clone(k.own[by].values)
					maps.Copy(made, got)
					k.made[by] = append(k.made[by], record{organization: k.Tenants[by].Organization, values: made})
				}
			}
		}
	}
	if what, differ := distinguishing(groups[true].features, groups[false].features); differ {
		f := k.finding(Distinguished, first.act, groups[true].last)
		f.Seen = what
		k.add(f)
	}
	k.flush()
	return nil
}
