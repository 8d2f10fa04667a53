// Package workspacefile reads the file in which a workspace is described: its apps
// and roles, its organisations and their members. It is YAML, of which JSON is a
// part.
package workspacefile

import (
	"errors"
	"fmt"
	"net/url"
	"regexp"
	"strings"

	"go.yaml.in/yaml/v3"

	"github.com/tabard-auth/tabard/backend/directory"
	"github.com/tabard-auth/tabard/backend/policy"
)

// Parse reads a workspace file. The error of a file with mistakes is Problems,
// each with its line.
func Parse(text []byte) (directory.Desired, error) {
	var document yaml.Node
	if err := yaml.Unmarshal(text, &document); err != nil {
		return directory.Desired{}, errors.New(strings.TrimPrefix(err.Error(), "yaml: "))
	}
	if len(document.Content) == 0 {
		return directory.Desired{}, Problems{{1, "the file is empty"}}
	}
	f := file{
		origins: map[string]string{}, audiences: map[string]string{},
		slugs: map[string]bool{}, ids: map[string]bool{},
	}
	f.read(document.Content[0])
	if len(f.problems) > 0 {
		return directory.Desired{}, f.problems
	}
	return f.desired, nil
}

// file is a workspace file being read.
type file struct {
	reader
	desired   directory.Desired
	issuer    string            // of members that name none
	origins   map[string]string // origin → app
	audiences map[string]string // audience → app
	slugs     map[string]bool
	ids       map[string]bool
}

func (f *file) read(root *yaml.Node) {
	var organizations *yaml.Node
	w := &f.desired.Workspace
	f.object(root, map[string]func(*yaml.Node){
		"issuer":           func(n *yaml.Node) { f.issuer = f.issuerURL(n) },
		"apps":             func(n *yaml.Node) { f.list(n, f.app) },
		"roles":            f.roles,
		"policy":           func(n *yaml.Node) { w.Policy = f.policy(n, true) },
		"proof_nonce":      func(n *yaml.Node) { w.ProofNonce = f.truth(n) },
		"membership_claim": f.membershipClaim,
		"organizations":    func(n *yaml.Node) { organizations = n },
	})
	if len(w.Apps) == 0 {
		f.wrong(root, "the workspace needs an app: apps: [{id, name, origins, audience}]")
	}
	f.knownRoles(root, w.MembershipClaim)
	if organizations != nil { // last, for members name roles and the issuer
		f.list(organizations, f.organization)
	}
}

var (
	appID      = regexp.MustCompile(`^[a-z0-9][a-z0-9-]{0,31}$`)
	slug       = regexp.MustCompile(`^[a-z0-9][a-z0-9-]{0,62}$`)
	orgID      = regexp.MustCompile(`^org_[a-z0-9]{1,60}$`)
	permission = regexp.MustCompile(`^[!#-\[\]-~]{1,128}$`) // a scope token (RFC 6749 section 3.3)
)

func (f *file) app(n *yaml.Node) {
	var a directory.App
	var origins *yaml.Node
	f.object(n, map[string]func(*yaml.Node){
		"id": f.into(&a.ID), "name": f.into(&a.Name), "audience": f.into(&a.Audience),
		"origins":  func(n *yaml.Node) { origins = n },
		"claims":   func(n *yaml.Node) { a.Claims = f.claims(n) },
		"disabled": func(n *yaml.Node) { a.Disabled = f.truth(n) },

		"dpop_bound_tokens": func(n *yaml.Node) { a.DPoPBoundTokens = f.truth(n) },
	})
	if !appID.MatchString(a.ID) || a.ID == "login" {
		f.wrong(n, "app id %q is not of up to 32 of a–z, 0–9 and - (and not \"login\")", a.ID)
	}
	for _, other := range f.desired.Workspace.Apps {
		if other.ID == a.ID {
			f.wrong(n, "there are two apps %q", a.ID)
		}
	}
	if other, taken := f.audiences[a.Audience]; taken || a.Audience == "" {
		f.wrong(n, "app %q needs an audience of its own (that of its API); %q is %s", a.ID, a.Audience, describe(other))
	}
	f.audiences[a.Audience] = a.ID
	if origins == nil {
		f.wrong(n, "app %q needs its origins, such as https://app.example.com", a.ID)
	} else {
		f.list(origins, func(n *yaml.Node) { a.Origins = append(a.Origins, f.origin(n, a.ID)) })
	}
	f.desired.Workspace.Apps = append(f.desired.Workspace.Apps, a)
}

func describe(other string) string {
	if other == "" {
		return "empty"
	}
	return fmt.Sprintf("app %q's", other)
}

// origin reads an origin exactly as browsers write it.
func (f *file) origin(n *yaml.Node, app string) string {
	text := f.text(n)
	u, err := url.Parse(text)
	if err != nil || u.Host == "" || text != u.Scheme+"://"+strings.ToLower(u.Host) || !browsable(u) || defaultPort(u) {
		f.wrong(n, "%q is not an origin as browsers write it, such as https://app.example.com (no path, no slash at the end; http only on localhost)", text)
	}
	if other, taken := f.origins[text]; taken {
		f.wrong(n, "origin %s belongs to app %q already", text, other)
	}
	f.origins[text] = app
	return text
}

func (f *file) issuerURL(n *yaml.Node) string {
	text := f.text(n)
	u, err := url.Parse(text)
	if err != nil || u.Host == "" || !browsable(u) || u.RawQuery != "" || u.Fragment != "" {
		f.wrong(n, "%q is not an issuer: https://…, exactly as the provider's metadata name it", text)
	}
	return text
}

// browsable tells an address that is https, or on the machine itself.
func browsable(u *url.URL) bool {
	host := u.Hostname()
	local := host == "localhost" || strings.HasSuffix(host, ".localhost") || host == "127.0.0.1" || host == "::1"
	return u.Scheme == "https" || u.Scheme == "http" && local
}

func defaultPort(u *url.URL) bool {
	return u.Scheme == "https" && u.Port() == "443" || u.Scheme == "http" && u.Port() == "80"
}

func (f *file) claims(n *yaml.Node) map[string]string {
	all := map[string]string{}
	f.members(n, func(alias, claim *yaml.Node) { all[alias.Value] = f.text(claim) })
	return all
}

func (f *file) roles(n *yaml.Node) {
	all := map[string][]string{}
	f.members(n, func(role, permissions *yaml.Node) {
		all[role.Value] = f.texts(permissions)
		for _, p := range all[role.Value] {
			if !permission.MatchString(p) {
				f.wrong(permissions, "permission %q of role %q is not of printable characters without spaces", p, role.Value)
			}
		}
	})
	f.desired.Workspace.Roles = all
}

// policy reads rules; session_age is the workspace's alone.
func (f *file) policy(n *yaml.Node, workspace bool) policy.Rules {
	var rules policy.Rules
	members := map[string]func(*yaml.Node){
		"access_ttl": func(n *yaml.Node) { rules.AccessTTL = f.seconds(n, 10, policy.MaxAccessTTL) },
	}
	if workspace {
		members["session_age"] = func(n *yaml.Node) { rules.SessionAge = f.seconds(n, 60, policy.MaxSessionAge) }
	}
	f.object(n, members)
	return rules
}

func (f *file) membershipClaim(n *yaml.Node) {
	m := &directory.MembershipClaim{Roles: []string{}}
	f.object(n, map[string]func(*yaml.Node){
		"claim": f.into(&m.Claim), "roles": func(n *yaml.Node) { m.Roles = f.texts(n) },
	})
	if m.Claim == "" {
		f.wrong(n, "membership_claim needs the name of a claim")
	}
	f.desired.Workspace.MembershipClaim = m
}

func (f *file) knownRoles(root *yaml.Node, m *directory.MembershipClaim) {
	if m != nil {
		f.haveRoles(root, m.Roles)
	}
}

func (f *file) haveRoles(n *yaml.Node, roles []string) {
	for _, role := range roles {
		if _, known := f.desired.Workspace.Roles[role]; !known {
			f.wrong(n, "role %q is not among the workspace's roles", role)
		}
	}
}
