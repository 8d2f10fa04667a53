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
	desired directory.Desired
	issuer  string // of members that do not name one
	slugs   map[string]bool
	ids     map[string]bool

	connections map[string]string // connection → organization

	checkedSizes map[string]bool // role sets whose token size was checked
}

func newFile() *file {
	return &file{slugs: map[string]bool{}, ids: map[string]bool{}, connections: map[string]string{}, checkedSizes: map[string]bool{}}
}

func (f *file) workspace(root *yaml.Node) {
	var organizations *yaml.Node
	w := &f.desired.Workspace
	f.object(root, map[string]func(*yaml.Node){
		"issuer":           func(n *yaml.Node) { f.issuer = f.issuerURL(n) },
		"apps":             func(n *yaml.Node) { f.list(n, f.app) },
		"roles":            f.roles,
		"policy":           func(n *yaml.Node) { f.policy(n, &w.Policy, workspaceRules, policy.Rules.ForWorkspace) },
		"id":               f.assignText(&w.ID),
		"on_reuse":         func(n *yaml.Node) { w.OnReuse = directory.OnReuse(f.text(n)) },
		"pages":            func(n *yaml.Node) { w.Pages = f.pages(n) },
		"sign_in":          func(n *yaml.Node) { w.SignIn = f.signIn(n) },
		"proof_nonce":      func(n *yaml.Node) { w.ProofNonce = f.boolean(n) },
		"membership_claim": func(n *yaml.Node) { w.MembershipClaim = f.membershipClaim(n) },
		"organizations":    func(n *yaml.Node) { organizations = n },
	})
	f.checkDocument(root)
	// Read last, since they name roles and the issuer.
	if organizations != nil {
		f.list(organizations, f.organization)
	}
	f.checkConnections()
}

// checkDocument adds the mistakes of the workspace's document, except on lines that have one
// already: what could not be read is missing in the document.
func (f *file) checkDocument(root *yaml.Node) {
	unread := map[int]bool{}
	for _, p := range f.problems {
		unread[p.Line] = true
	}
	for _, fault := range f.desired.Workspace.Check() {
		if n := find(root, fault.At); !unread[n.Line] {
			f.addProblem(n, "%s", fault.Text)
		}
	}
}

// find returns the node that names and indexes lead to, or the last one on the way. Of a
// member of a mapping it is the name.
func find(n *yaml.Node, at []string) *yaml.Node {
	n = resolve(n)
	if len(at) == 0 {
		return n
	}
	switch index, err := strconv.Atoi(at[0]); {
	case n.Kind == yaml.SequenceNode && err == nil && index < len(n.Content):
		return find(n.Content[index], at[1:])
	case n.Kind == yaml.MappingNode:
		name := at[0]
		if name == "stated_claims" { // in the file, they are among the claims
			name = "claims"
		}
		for i := 0; i+1 < len(n.Content); i += 2 {
			if n.Content[i].Value != name {
				continue
			}
			if len(at) == 1 {
				return n.Content[i]
			}
			return find(n.Content[i+1], at[1:])
		}
	}
	return n
}

var orgID = regexp.MustCompile(`^org_[a-z0-9]{1,60}$`)

func (f *file) roles(n *yaml.Node) {
	all := map[string][]string{}
	f.members(n, func(role, permissions *yaml.Node) { all[role.Value] = f.texts(permissions) })
	f.desired.Workspace.Roles = all
}

func (f *file) membershipClaim(n *yaml.Node) *directory.MembershipClaim {
	m := &directory.MembershipClaim{Roles: []string{}}
	f.object(n, map[string]func(*yaml.Node){
		"claim":           f.assignText(&m.Claim),
		"claim_source":    func(n *yaml.Node) { m.ClaimSource = f.claimSource(n) },
		"claim_separator": f.assignText(&m.ClaimSeparator),
		"roles":           func(n *yaml.Node) { m.Roles = f.texts(n) },
	})
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
