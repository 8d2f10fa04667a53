package workspacefile

import (
	"net/url"

	"go.yaml.in/yaml/v3"

	"github.com/tabard-auth/tabard/backend/directory"
)

func (f *file) app(n *yaml.Node) {
	var a directory.App
	f.object(n, map[string]func(*yaml.Node){
		"id": f.assignText(&a.ID), "name": f.assignText(&a.Name), "audience": f.assignText(&a.Audience), "path": f.assignText(&a.Path),
		"origins":  func(n *yaml.Node) { a.Origins = f.texts(n) },
		"claims":   func(n *yaml.Node) { f.claims(n, &a) },
		"disabled": func(n *yaml.Node) { a.Disabled = f.boolean(n) },

		"entered_from":      func(n *yaml.Node) { a.EnteredFrom = append([]string{}, f.texts(n)...) },
		"further_audiences": func(n *yaml.Node) { a.FurtherAudiences = f.texts(n) },
		"lent_claims":       func(n *yaml.Node) { a.LentClaims = f.texts(n) },
		"dpop_bound_tokens": func(n *yaml.Node) { a.DPoPBoundTokens = f.boolean(n) },
		"accounts":          func(n *yaml.Node) { a.Accounts = f.accounts(n) },
	})
	f.desired.Workspace.Apps = append(f.desired.Workspace.Apps, a)
}

// accounts reads how many people can be signed in in one browser. The default has one form.
func (f *file) accounts(n *yaml.Node) directory.Accounts {
	if text := f.text(n); text != "one" {
		return directory.Accounts(text)
	}
	return directory.OneAccount
}

func (f *file) issuerURL(n *yaml.Node) string {
	text := f.text(n)
	u, err := url.Parse(text)
	if err != nil || u.Host == "" || !directory.Browsable(u) || u.RawQuery != "" || u.Fragment != "" {
		f.addProblem(n, "%q is not an issuer: use https://…, exactly as in the provider's metadata", text)
	}
	return text
}
