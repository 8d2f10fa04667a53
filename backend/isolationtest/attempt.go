package isolationtest

import (
	"maps"
	"net/http"
	"slices"
	"strings"
)

// attempt is one way to try to reach another organization's record.
type attempt struct {
	name  string
	token string
	at    target
	// change modifies the request further. Nil changes nothing.
	change edit
	// refused reports whether the answer must be a refusal. Otherwise it must only
	// contain no data of the other organization, and change none.
	refused bool
	// writes reports whether the request may change something.
	writes bool
	// odd marks requests that a service may fail at, such as those with strange paths.
	odd bool
	// first marks an attempt after the other did the same with its own record, and twin one
	// with a record of the sender's that has the texts of the other's.
	first, twin bool
	// unnamed marks an attempt at a record of which no request named a text before.
	unnamed bool
	// parts are the attempts that this one tries at once. Each is tried alone if this
	// one finds something, or is refused although the plain request is not.
	parts []attempt
}

// edit modifies a request, for a record of the sender's and one of the other's.
type edit func(r *http.Request, own, others record)

// target selects which values of the path and the body are the other organization's.
// The rest are of a record of its own.
type target struct {
	name         string
	organization string // "" keeps its own
	record       bool
}

// values returns the target's values. A canary is never the other organization's: only
// its owner sends it.
func (s service) values(at target, own, others record) map[string]string {
	values := maps.Clone(own.values)
	for name, value := range others.values {
		if at.record && name != s.OrganizationParam && name != "canary" {
			values[name] = value
		}
	}
	if at.organization != "" {
		values[s.OrganizationParam] = at.organization
	}
	return values
}

// attempts returns all attempts for a route: by one tenant, at the other's record. The
// first of them are plain requests.
func (s service) attempts(route Route, by, of Tenant) []attempt {
	if route.variant {
		return s.ofVariant(route, by)
	}
	var all []attempt
	whole := target{"the path of its organization and record", of.Organization, true}
	path, _, _ := strings.Cut(route.Path, "?")
	inPath := slices.Contains(Route{Path: path}.params(), s.OrganizationParam)
	if inPath || slices.Contains(append(route.params(), route.bodyParams()...), s.OrganizationParam) {
		for _, at := range []target{whole, {"the path's organization", of.Organization, false}, {"the path's organization, by slug", of.Slug, false}} {
			if at.organization != "" {
				all = append(all, attempt{name: at.name, at: at, refused: inPath})
			}
		}
	}
	own := target{name: "its own path"}
	targets := []target{own}
	foreign := []target{}
	if inPath {
		foreign = append(foreign, whole)
	}
	if route.namesRecord(s.OrganizationParam) {
		at := target{name: "the path's record", record: true}
		targets, foreign = append(targets, at), append(foreign, at)
	}
	for _, at := range targets {
		all = append(all, s.hints(route, of, at)...)
	}
	all = append(all, s.references(route, own)...)
	for _, at := range foreign {
		all = append(all, s.paths(route, at)...)
	}
	if route.reads() {
		for _, at := range targets {
			all = append(all, s.views(at)...)
		}
		all = append(all, s.searches(route, own)...)
	}
	for i := range all {
		all[i] = all[i].with(by.Token, !route.reads())
	}
	for _, bad := range badTokens(by, of) {
		all = append(all, attempt{name: bad.name, token: bad.token, at: whole, refused: true, writes: !route.reads()})
	}
	for _, last := range s.texts(route, own) { // they name the other's texts, which is no leak later
		all = append(all, last.with(by.Token, true))
	}
	return all
}

// ofVariant returns attempts at what a route names besides what another route of its path
// and method does.
func (s service) ofVariant(route Route, by Tenant) (all []attempt) {
	for _, at := range []target{{name: "its own path"}, {name: "the path's record", record: true}} {
		all = append(all, attempt{name: at.name, at: at})
	}
	all = append(all, s.single(route, all[0].at)...)
	all = append(all, s.bulk(route, all[0].at)...)
	for i := range all {
		all[i] = all[i].with(by.Token, !route.reads())
	}
	return all
}

// with returns an attempt with a token. It writes if the route does.
func (a attempt) with(token string, writes bool) attempt {
	a.token, a.writes = token, a.writes || writes
	a.parts = slices.Clone(a.parts)
	for i := range a.parts {
		a.parts[i] = a.parts[i].with(token, writes)
	}
	return a
}

// together returns an attempt that makes the changes of several at once.
func together(name string, at target, parts []attempt) attempt {
	return attempt{name: name, at: at, parts: parts, odd: true, change: func(r *http.Request, own, others record) {
		for _, part := range parts {
			part.change(r, own, others)
		}
	}}
}
