package workspacefile

import (
	"net/url"
	"regexp"
	"slices"
	"strings"

	"go.yaml.in/yaml/v3"

	"github.com/tabard-auth/tabard/backend/directory"
	"github.com/tabard-auth/tabard/backend/domain"
)

// variable is a variable anywhere in an origin. A port has no letters.
var variable = regexp.MustCompile(`:[A-Za-z_]\w*|\{\w*\}`)

// namesOrganization reports whether an origin is meant to have the organization in its
// host, and why no such origin could ever be a page's.
func namesOrganization(text string) (names bool, problem string) {
	scheme, host, _ := strings.Cut(text, "://")
	found := variable.FindAllString(host, -1)
	if len(found) == 0 {
		return false, ""
	}
	rest, first := strings.CutPrefix(host, directory.OriginVariable+".")
	switch {
	case len(found) > 1:
		return true, "has more than one variable: an origin can name the organization only"
	case found[0] != directory.OriginVariable:
		return true, "has an unknown variable: write " + directory.OriginVariable + " where the organization's slug stands"
	case !first:
		return true, "can never be an origin: " + directory.OriginVariable + " stands for the whole first label of the host, as in https://" + directory.OriginVariable + ".app.example.com"
	}
	u, err := url.Parse(scheme + "://x." + rest)
	switch {
	case err != nil || !browsable(u) || canonicalOrigin(u) != u.String():
		return true, "can never be an origin: write the rest as browsers do (no path, no trailing slash, lower case; http only on localhost)"
	case !domain.Registrable(strings.TrimPrefix(u.Hostname(), "x.")):
		return true, "is below a public suffix: anybody can have a host there, and browsers keep these hosts apart; name a domain of your own, such as https://" + directory.OriginVariable + ".app.example.com"
	}
	return true, ""
}

// checkPattern checks the origin of an app that names the organization beside the others.
// Pages of all of them use one backend, whose cookies browsers send to one site only.
func (f *file) checkPattern(n *yaml.Node, a directory.App) {
	var pattern string
	var exact []string
	for _, origin := range a.Origins {
		switch {
		case !directory.IsOriginPattern(origin):
			exact = append(exact, origin)
		case pattern != "":
			f.addProblem(n, "app %q has two origins with %s: an organization can have one origin of an app", a.ID, directory.OriginVariable)
		default:
			pattern = origin
		}
	}
	if pattern == "" {
		return
	}
	beside := func(origin string) bool { return siteOf(origin) == siteOf(directory.OriginFor(pattern, "x")) }
	switch {
	case len(exact) == 0:
		f.addProblem(n, "app %q needs an origin without %s too: where people begin who name no organization", a.ID, directory.OriginVariable)
	case !slices.ContainsFunc(exact, beside):
		f.addProblem(n, "%q is on another site than the app's other origins: browsers would not send the session's cookie from one of them", pattern)
	}
}

// siteOf returns the site of an origin, or "" if it has none.
func siteOf(origin string) string {
	u, err := url.Parse(origin)
	if err != nil {
		return ""
	}
	return domain.Site(u)
}
