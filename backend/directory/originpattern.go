package directory

import (
	"slices"
	"strings"
)

// OriginVariable stands for an organization's slug in an origin of an app, as in
// https://:organization.app.example.com. It is the whole first label of the host.
const OriginVariable = ":organization"

// IsOriginPattern reports whether an origin of an app stands for one origin of each
// organization.
func IsOriginPattern(origin string) bool { return strings.Contains(origin, OriginVariable) }

// OriginFor returns the origin of the organization with a slug.
func OriginFor(pattern, slug string) string {
	return strings.Replace(pattern, OriginVariable, slug, 1)
}

// slugAt returns the slug that an origin has in the place of the variable. Only the form
// of a slug matches: it has no dots, and nothing that ends a host.
func slugAt(pattern, origin string) (slug string, ok bool) {
	before, after, is := strings.Cut(pattern, OriginVariable)
	rest, begins := strings.CutPrefix(origin, before)
	slug, ends := strings.CutSuffix(rest, after)
	return slug, is && begins && ends && ValidSlug(slug)
}

// HasOrigin reports whether pages at an origin are the app's. slug names the only
// organization that they may act for; it is empty where they may act for all. An origin
// that the app lists as it is precedes patterns.
func (a App) HasOrigin(origin string) (slug string, ok bool) {
	if origin == "" {
		return "", false
	}
	if slices.Contains(a.Origins, origin) && !IsOriginPattern(origin) {
		return "", true
	}
	for _, pattern := range a.Origins {
		if slug, ok := slugAt(pattern, origin); ok {
			return slug, true
		}
	}
	return "", false
}

// OriginPattern returns the origin of the app that stands for one of each organization, or
// "" if each of its origins stands for itself.
func (a App) OriginPattern() string {
	if i := slices.IndexFunc(a.Origins, IsOriginPattern); i >= 0 {
		return a.Origins[i]
	}
	return ""
}

// TakenSlugs returns the slugs whose origins by an app's pattern are another app's, in the
// order of the workspace. An organization with such a slug has no origin of its own.
func (w *Workspace) TakenSlugs(app App) (slugs []string) {
	for _, other := range w.Apps {
		for _, origin := range other.Origins {
			if slug, matches := slugAt(app.OriginPattern(), origin); matches && other.ID != app.ID && !slices.Contains(slugs, slug) {
				slugs = append(slugs, slug)
			}
		}
	}
	return slugs
}

// AppByOrigin returns the app that owns an origin, and the slug of the only organization
// that pages there act for, see [App.HasOrigin]. An app that lists the origin as it is
// precedes one with a pattern.
func (w *Workspace) AppByOrigin(origin string) (app App, slug string, ok bool) {
	for _, a := range w.Apps {
		at, has := a.HasOrigin(origin)
		if a.Disabled || !has || ok && at != "" {
			continue
		}
		if app, slug, ok = a, at, true; at == "" {
			break
		}
	}
	return app, slug, ok
}
