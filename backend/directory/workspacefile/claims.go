package workspacefile

import (
	"maps"
	"math"
	"slices"
	"strings"
	"unicode"

	"go.yaml.in/yaml/v3"

	"github.com/tabard-auth/tabard/backend/directory"
	"github.com/tabard-auth/tabard/backend/token"
)

// claims reads what an app's access tokens say further: a claim of the token under
// another name, which is a text, or a stated claim, which is a mapping.
func (f *file) claims(n *yaml.Node, a *directory.App) {
	f.members(n, func(name, value *yaml.Node) {
		switch {
		case token.IsStandard(name.Value):
			f.addProblem(name, "claim %q is a standard claim of the token and cannot be replaced", name.Value)
		case directory.ReservedClaim(name.Value):
			f.addProblem(name, "claim %q is reserved: it would change what kind of token this is", name.Value)
		case !isClaimName(name.Value):
			f.addProblem(name, "claim %q is not a name: use up to 200 bytes without spaces", name.Value)
		}
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
		a.Claims[name.Value] = f.tokenClaim(value)
	})
	if most := token.MostFurther; len(a.Claims)+len(a.StatedClaims) > most {
		f.addProblem(n, "an app can have at most %d claims: verifiers refuse a token with more", most)
	}
}

// tokenClaim reads the name of a claim that is repeated.
func (f *file) tokenClaim(n *yaml.Node) string {
	name := f.text(n)
	if !token.IsStandard(name) {
		f.addProblem(n, "%q is not a claim of the token, such as org_id", name)
	}
	return name
}

func isClaimName(name string) bool {
	return name != "" && len(name) <= 200 && !strings.ContainsFunc(name, func(r rune) bool { return unicode.IsSpace(r) || unicode.IsControl(r) })
}

// statedClaim reads a stated claim, or a member of one that is an object.
func (f *file) statedClaim(n *yaml.Node, outer bool) (s directory.StatedClaim) {
	fields := map[string]func(*yaml.Node){
		"value":        func(n *yaml.Node) { s.Value = f.fixed(n, 0) },
		"organization": func(n *yaml.Node) { s.Organization = f.attribute(n) },
		"member":       func(n *yaml.Node) { s.Member = f.attribute(n) },
		"provider":     f.assignText(&s.Provider),
		"type":         func(n *yaml.Node) { s.Type = f.attributeType(n) },
	}
	if outer {
		fields["object"] = func(n *yaml.Node) {
			s.Object = map[string]directory.StatedClaim{}
			f.members(n, func(name, value *yaml.Node) {
				if name.Value == "" || name.Value == "__proto__" {
					f.addProblem(name, "%q cannot be a member's name", name.Value)
				}
				if resolve(value).Kind == yaml.MappingNode {
					s.Object[name.Value] = f.statedClaim(value, false)
					return
				}
				s.Object[name.Value] = directory.StatedClaim{Claim: f.tokenClaim(value)}
			})
		}
	}
	f.object(n, fields)
	taken := 0
	for _, set := range []bool{s.Value != nil, s.Organization != "", s.Member != "", s.Provider != "", s.Object != nil} {
		if set {
			taken++
		}
	}
	if taken != 1 {
		f.addProblem(n, "a claim takes exactly one of %s", strings.Join(slices.DeleteFunc(slices.Sorted(maps.Keys(fields)), func(name string) bool { return name == "type" }), ", "))
	}
	f.declare(n, s)
	return s
}

// declare notes the type that a claim gives an attribute. Every claim that takes it must
// give the same one.
func (f *file) declare(n *yaml.Node, s directory.StatedClaim) {
	used := false
	for _, source := range []directory.AttributeSource{directory.OfOrganization, directory.OfMember, directory.OfProvider} {
		name := s.Source(source)
		if name == "" {
			continue
		}
		used = true
		key := string(source) + " " + name
		if before, known := f.attributes[key]; known && before != s.Type {
			f.addProblem(n, "%s %q has another type in another claim: one attribute has one type", source, name)
		}
		f.attributes[key] = s.Type
	}
	if s.Type != "" && !used {
		f.addProblem(n, "type goes with organization, member or provider")
	}
}

func (f *file) attribute(n *yaml.Node) string {
	name := f.text(n)
	if !directory.ValidAttribute(name) {
		f.addProblem(n, "%q is not an attribute's name: use up to 63 of a–z, 0–9 and _", name)
	}
	return name
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

// maxFixedDepth is the deepest nesting of a fixed value.
const maxFixedDepth = 4

// fixed reads a fixed value: as JSON, without null.
func (f *file) fixed(n *yaml.Node, depth int) any {
	n = resolve(n)
	switch {
	case depth > maxFixedDepth:
		f.addProblem(n, "this value is nested too deep")
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
		var number float64
		if err := n.Decode(&number); err != nil || math.IsNaN(number) || math.Abs(number) > 1<<53 {
			f.addProblem(n, "%s is not a number that every parser reads alike; write it as a text in quotes", n.Value)
		}
		return number
	}
	return f.text(n)
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

// furtherAudiences reads the audiences that lent tokens may be for.
func (f *file) furtherAudiences(n *yaml.Node) []string {
	all := f.texts(n)
	for i, audience := range all {
		if !isClaimName(audience) || slices.Contains(all[:i], audience) {
			f.addProblem(n, "further audience %q is empty, repeated or not an audience", audience)
		}
	}
	return all
}

// lentClaims reads which of the app's claims lent tokens have.
func (f *file) lentClaims(n *yaml.Node, a directory.App) []string {
	all := f.texts(n)
	for _, name := range all {
		_, alias := a.Claims[name]
		if _, stated := a.StatedClaims[name]; !alias && !stated {
			f.addProblem(n, "lent claim %q is none of the app's claims", name)
		}
	}
	return all
}
