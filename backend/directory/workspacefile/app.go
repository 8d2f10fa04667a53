package workspacefile

import (
	"fmt"
	"net/url"

	"go.yaml.in/yaml/v3"

	"github.com/tabard-auth/tabard/backend/directory"
)

func (f *file) app(n *yaml.Node) {
	var a directory.App
	var origins, lent *yaml.Node
	f.object(n, map[string]func(*yaml.Node){
		"id": f.assignText(&a.ID), "name": f.assignText(&a.Name), "audience": f.assignText(&a.Audience),
		"path":     func(n *yaml.Node) { a.Path = f.path(n) },
		"origins":  func(n *yaml.Node) { origins = n },
		"claims":   func(n *yaml.Node) { f.claims(n, &a) },
		"disabled": func(n *yaml.Node) { a.Disabled = f.boolean(n) },

		"entered_from":      func(n *yaml.Node) { a.EnteredFrom = append([]string{}, f.texts(n)...) },
		"further_audiences": func(n *yaml.Node) { a.FurtherAudiences = f.furtherAudiences(n) },
		"lent_claims":       func(n *yaml.Node) { lent = n },
		"dpop_bound_tokens": func(n *yaml.Node) { a.DPoPBoundTokens = f.boolean(n) },
	})
	if !appID.MatchString(a.ID) || a.ID == "login" {
		f.addProblem(n, "app id %q is invalid: use up to 32 of a–z, 0–9 and -, except \"login\"", a.ID)
	}
	for _, other := range f.desired.Workspace.Apps {
		if other.ID == a.ID {
			f.addProblem(n, "app %q is repeated", a.ID)
		}
	}
	if other, taken := f.audiences[a.Audience]; taken || a.Audience == "" {
		f.addProblem(n, "app %q needs its own audience (its API's); %q is %s", a.ID, a.Audience, describeOwner(other))
	}
	f.audiences[a.Audience] = a.ID
	if origins != nil {
		f.list(origins, func(n *yaml.Node) { a.Origins = append(a.Origins, f.origin(n, a.ID)) })
	}
	if lent != nil {
		a.LentClaims = f.lentClaims(lent, a)
	}
	if len(a.Origins) == 0 {
		f.addProblem(n, "app %q needs origins, such as https://app.example.com", a.ID)
	}
	if origins != nil {
		f.checkPattern(origins, a)
	}
	f.desired.Workspace.Apps = append(f.desired.Workspace.Apps, a)
}

func describeOwner(other string) string {
	if other == "" {
		return "empty"
	}
	return fmt.Sprintf("app %q's", other)
}

func (f *file) issuerURL(n *yaml.Node) string {
	text := f.text(n)
	u, err := url.Parse(text)
	if err != nil || u.Host == "" || !browsable(u) || u.RawQuery != "" || u.Fragment != "" {
		f.addProblem(n, "%q is not an issuer: use https://…, exactly as in the provider's metadata", text)
	}
	return text
}

// browsable reports whether an address is https, or on the machine itself.
func browsable(u *url.URL) bool {
	return u.Scheme == "https" || u.Scheme == "http" && directory.Loopback(u.Hostname())
}
