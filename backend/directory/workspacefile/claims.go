package workspacefile

import (
	"strings"

	"go.yaml.in/yaml/v3"

	"github.com/tabard-auth/tabard/backend/directory"
)

// claims reads what an app's access tokens say further: a claim of the token under
// another name, which is a text, or a stated claim, which is a mapping.
func (f *file) claims(n *yaml.Node, a *directory.App) {
	f.members(n, func(name, value *yaml.Node) {
		if resolve(value).Kind == yaml.MappingNode {
			if a.StatedClaims == nil {
				a.StatedClaims = map[string]directory.StatedClaim{}
			}
			a.StatedClaims[name.Value] = f.statedClaim(value, true)
			return
		}
		if a.Claims == nil {
			a.Claims = map[string]string{}
		}
		a.Claims[name.Value] = f.text(value)
	})
}

// statedClaim reads a stated claim, or a member of one that is an object.
func (f *file) statedClaim(n *yaml.Node, outer bool) (s directory.StatedClaim) {
	fields := map[string]func(*yaml.Node){
		"value":        func(n *yaml.Node) { s.Value = f.fixed(n, 0) },
		"organization": f.assignText(&s.Organization),
		"member":       f.assignText(&s.Member),
		"provider":     f.assignText(&s.Provider),
		"type":         func(n *yaml.Node) { s.Type = f.attributeType(n) },
	}
	if outer {
		fields["object"] = func(n *yaml.Node) {
			s.Object = map[string]directory.StatedClaim{}
			f.members(n, func(name, value *yaml.Node) {
				if resolve(value).Kind == yaml.MappingNode {
					s.Object[name.Value] = f.statedClaim(value, false)
					return
				}
				s.Object[name.Value] = directory.StatedClaim{Claim: f.text(value)}
			})
		}
	}
	f.object(n, fields)
	return s
}

func (f *file) attributeType(n *yaml.Node) directory.AttributeType {
	t := directory.AttributeType(f.text(n))
	if t == "" || !t.Valid() {
		f.addProblem(n, "type is %q; it is text, number, boolean or list", t)
	}
	if t == directory.TextValue { // the default has one form
		return ""
	}
	return t
}

// fixed reads a fixed value: as JSON, without null.
func (f *file) fixed(n *yaml.Node, depth int) any {
	n = resolve(n)
	switch {
	case depth > directory.MaxFixedDepth: // an alias may lead to itself
		f.addProblem(n, "%v", directory.ErrTooDeep)
	case n.Kind == yaml.MappingNode:
		all := map[string]any{}
		f.members(n, func(name, value *yaml.Node) { all[name.Value] = f.fixed(value, depth+1) })
		return all
	case n.Kind == yaml.SequenceNode:
		all := []any{}
		f.list(n, func(n *yaml.Node) { all = append(all, f.fixed(n, depth+1)) })
		return all
	case n.Tag == "!!bool":
		return f.boolean(n)
	case n.Tag == "!!int" || n.Tag == "!!float":
		return f.number(n)
	}
	return f.text(n)
}

func (f *file) number(n *yaml.Node) float64 {
	var number float64
	if n.Decode(&number) != nil || directory.CheckFixed(number) != nil {
		f.addProblem(n, "%s is not a number that every parser reads alike; write it as a text in quotes", n.Value)
		return 0
	}
	return number
}

// values reads attributes of an organization or a member.
func (f *file) values(n *yaml.Node, source directory.AttributeSource) directory.Attributes {
	values := map[string]any{}
	f.members(n, func(name, value *yaml.Node) {
		values[name.Value] = f.fixed(value, 0)
		if err := f.desired.Workspace.CheckAttributes(source, map[string]any{name.Value: values[name.Value]}); err != nil {
			f.addProblem(value, "%s", strings.TrimPrefix(err.Error(), "directory: "))
		}
	})
	all := directory.NewAttributes(values)
	if err := all.CheckSize(); err != nil {
		f.addProblem(n, "%s", strings.TrimPrefix(err.Error(), "directory: "))
	}
	return all
}
