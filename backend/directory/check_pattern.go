package directory

import (
	"fmt"
	"net/url"
	"regexp"
	"slices"
	"strings"

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
	rest, first := strings.CutPrefix(host, OriginVariable+".")
	switch {
	case len(found) > 1:
		return true, fmt.Sprintf("%q has more than one variable: an origin can name the organization only", text)
	case found[0] != OriginVariable:
		return true, fmt.Sprintf("%q has an unknown variable: write "+OriginVariable+" where the organization's slug stands", text)
	case !first:
		return true, fmt.Sprintf("%q can never be an origin: "+OriginVariable+" stands for the whole first label of the host, as in https://"+OriginVariable+".app.example.com", text)
	}
	u, err := url.Parse(scheme + "://x." + rest)
	switch {
	case err != nil || !Browsable(u) || canonicalOrigin(u) != u.String():
		return true, fmt.Sprintf("%q can never be an origin: write the rest as browsers do (no path, no trailing slash, lower case; http only on localhost)", text)
	case !domain.Registrable(strings.TrimPrefix(u.Hostname(), "x.")):
		return true, fmt.Sprintf("%q is below a public suffix: anybody can have a host there, and browsers keep these hosts apart; name a domain of your own, such as https://"+OriginVariable+".app.example.com", text)
	}
	return true, ""
}

// appPattern checks the origin of an app that names the organization beside the others.
// Pages of all of them use one backend, whose cookies browsers send to one site only.
func (c *checker) appPattern(at place, a App) {
	var pattern string
	var exact []string
	for _, origin := range a.Origins {
		switch {
		case !IsOriginPattern(origin):
			exact = append(exact, origin)
		case pattern != "":
			c.fault(at, "app %q has two origins with %s: an organization can have one origin of an app", a.ID, OriginVariable)
		default:
			pattern = origin
		}
	}
	beside := func(origin string) bool { return siteOf(origin) == siteOf(OriginFor(pattern, "x")) }
	switch {
	case pattern == "":
	case len(exact) == 0:
		c.fault(at, "app %q needs an origin without %s too: where people begin who name no organization", a.ID, OriginVariable)
	case !slices.ContainsFunc(exact, beside):
		c.fault(at, "%q is on another site than the app's other origins: browsers would not send the session's cookie from one of them", pattern)
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
