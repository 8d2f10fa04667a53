// Package workspacefile reads the file that describes a workspace: apps and roles,
// organizations and members. The file is YAML, which includes JSON.
package workspacefile

import (
	"bytes"
	"cmp"
	"errors"
	"io"
	"regexp"
	"slices"
	"strconv"
	"strings"

	"go.yaml.in/yaml/v3"

	"github.com/tabard-auth/tabard/backend/directory"
	"github.com/tabard-auth/tabard/backend/policy"
)

// Parse reads a workspace file. The error for a file with mistakes is Problems, each
// with its line.
func Parse(text []byte) (directory.Desired, error) {
	document, err := read(text)
	if err != nil {
		return directory.Desired{}, err
	}
	f := newFile()
	f.workspace(document.Content[0])
	if len(f.problems) > 0 {
		slices.SortStableFunc(f.problems, func(a, b Problem) int { return cmp.Compare(a.Line, b.Line) })
		return directory.Desired{}, f.problems
	}
	return f.desired, nil
}

// read reads a text that is one YAML document.
func read(text []byte) (*yaml.Node, error) {
	var document, further yaml.Node
	decoder := yaml.NewDecoder(bytes.NewReader(text))
	switch err := decoder.Decode(&document); {
	case errors.Is(err, io.EOF):
		return nil, Problems{{1, "the file is empty"}}
	case err != nil:
		return nil, yamlProblem(err)
	}
	switch err := decoder.Decode(&further); {
	case err == nil:
		return nil, Problems{{further.Line, "a second document begins here (---); a workspace file has one"}}
	case !errors.Is(err, io.EOF):
		return nil, yamlProblem(err)
	}
	return &document, nil
}

var yamlError = regexp.MustCompile(`^yaml: (?:line (\d+): )?(.*)`)

func yamlProblem(err error) error {
	line, what := 1, err.Error()
	if found := yamlError.FindStringSubmatch(what); found != nil {
		what = found[2]
		if n, err := strconv.Atoi(found[1]); err == nil {
			line = n
		}
	}
	return Problems{{line, "this is not YAML: " + what}}
}

// file is a workspace file being read.
type file struct {
	reader
	desired   directory.Desired
	issuer    string            // of members that do not name one
	origins   map[string]string // origin → app
	audiences map[string]string // audience → app
	slugs     map[string]bool
	ids       map[string]bool

	connections map[string]string                  // connection → organization
	attributes  map[string]directory.AttributeType // by source and name

	roleNodes    map[string]*yaml.Node
	checkedSizes map[string]bool // role sets whose token size was checked
}

func newFile() *file {
	return &file{
		origins: map[string]string{}, audiences: map[string]string{},
		slugs: map[string]bool{}, ids: map[string]bool{}, connections: map[string]string{},
		attributes: map[string]directory.AttributeType{},
		roleNodes:  map[string]*yaml.Node{}, checkedSizes: map[string]bool{},
	}
}

func (f *file) workspace(root *yaml.Node) {
	var organizations, claim *yaml.Node
	w := &f.desired.Workspace
	f.object(root, map[string]func(*yaml.Node){
		"issuer":           func(n *yaml.Node) { f.issuer = f.issuerURL(n) },
		"apps":             func(n *yaml.Node) { f.list(n, f.app) },
		"roles":            f.roles,
		"policy":           func(n *yaml.Node) { f.policy(n, &w.Policy, workspaceRules, policy.Rules.ForWorkspace) },
		"id":               func(n *yaml.Node) { w.ID = f.workspaceID(n) },
		"on_reuse":         func(n *yaml.Node) { w.OnReuse = f.onReuse(n) },
		"pages":            func(n *yaml.Node) { w.Pages = f.pages(n) },
		"sign_in":          func(n *yaml.Node) { w.SignIn = f.signIn(n) },
		"proof_nonce":      func(n *yaml.Node) { w.ProofNonce = f.boolean(n) },
		"membership_claim": func(n *yaml.Node) { claim = n },
		"organizations":    func(n *yaml.Node) { organizations = n },
	})
	if len(w.Apps) == 0 {
		f.addProblem(root, "the workspace needs an app: apps: [{id, name, origins, audience}]")
	}
	f.checkEntrances(root)
	f.checkTokens()
	// Read last, since they name roles and the issuer.
	if claim != nil {
		w.MembershipClaim = f.membershipClaim(claim)
	}
	if organizations != nil {
		f.list(organizations, f.organization)
	}
	f.checkConnections()
}

// checkEntrances checks that the apps that an app is entered from exist.
func (f *file) checkEntrances(root *yaml.Node) {
	w := &f.desired.Workspace
	for _, a := range w.Apps {
		for _, from := range a.EnteredFrom {
			if !slices.ContainsFunc(w.Apps, func(other directory.App) bool { return other.ID == from && from != a.ID }) {
				f.addProblem(root, "app %q has entered_from %q, which is not another app of the workspace", a.ID, from)
			}
		}
	}
}

func (f *file) workspaceID(n *yaml.Node) string {
	id := f.text(n)
	if !appID.MatchString(id) {
		f.addProblem(n, "workspace id %q is invalid: use up to 32 of a–z, 0–9 and -", id)
	}
	return id
}

func (f *file) onReuse(n *yaml.Node) directory.OnReuse {
	choice := directory.OnReuse(f.text(n))
	if choice != directory.EndSession && choice != directory.EndUser {
		f.addProblem(n, "on_reuse must be session or user: the sessions that end when a refresh token is used twice")
	}
	return choice
}

var (
	appID      = regexp.MustCompile(`^[a-z0-9][a-z0-9-]{0,31}$`)
	orgID      = regexp.MustCompile(`^org_[a-z0-9]{1,60}$`)
	permission = regexp.MustCompile(`^[!#-\[\]-~]{1,128}$`) // a scope token (RFC 6749 section 3.3)
)

func (f *file) roles(n *yaml.Node) {
	all := map[string][]string{}
	f.members(n, func(role, permissions *yaml.Node) {
		all[role.Value], f.roleNodes[role.Value] = f.texts(permissions), role
		for _, p := range all[role.Value] {
			if !permission.MatchString(p) {
				f.addProblem(permissions, "permission %q of role %q must consist of printable characters without spaces", p, role.Value)
			}
		}
	})
	f.desired.Workspace.Roles = all
}

func (f *file) membershipClaim(n *yaml.Node) *directory.MembershipClaim {
	m := &directory.MembershipClaim{Roles: []string{}}
	f.object(n, map[string]func(*yaml.Node){
		"claim":           f.assignText(&m.Claim),
		"claim_source":    func(n *yaml.Node) { m.ClaimSource = f.claimSource(n) },
		"claim_separator": f.assignText(&m.ClaimSeparator),
		"roles": func(n *yaml.Node) {
			m.Roles = f.texts(n)
			f.checkRoles(n, m.Roles)
		},
	})
	if m.Claim == "" {
		f.addProblem(n, "membership_claim needs the name of a claim")
	}
	if !directory.ValidSeparator(m.ClaimSeparator) {
		f.addProblem(n, "claim_separator %q is not a comma, a semicolon, a vertical line or a space", m.ClaimSeparator)
	}
	return m
}

func (f *file) claimSource(n *yaml.Node) directory.ClaimSource {
	source := directory.ClaimSource(f.text(n))
	if source == "" || !source.Valid() {
		f.addProblem(n, "claim_source is %q; it is id_token or userinfo", source)
	}
	return source
}

func (f *file) checkRoles(n *yaml.Node, roles []string) {
	for _, role := range roles {
		if _, known := f.desired.Workspace.Roles[role]; !known {
			f.addProblem(n, "role %q is not one of the workspace's roles", role)
		}
	}
	if len(roles) > 1 {
		f.checkToken(n, roles)
	}
}

// checkTokens refuses a role whose tokens would be too large for an HTTP request.
func (f *file) checkTokens() {
	for _, role := range f.desired.Workspace.RoleNames() {
		f.checkToken(f.roleNodes[role], []string{role})
	}
}

// checkToken checks the size of the tokens of a person with all of these roles, once
// for each set of roles.
func (f *file) checkToken(n *yaml.Node, roles []string) {
	key := strings.Join(roles, "\x00")
	if f.checkedSizes[key] {
		return
	}
	if err := f.desired.Workspace.CheckTokens(roles); err != nil {
		f.addProblem(n, "%s", strings.TrimPrefix(err.Error(), "directory: "))
		return
	}
	f.checkedSizes[key] = true
}
