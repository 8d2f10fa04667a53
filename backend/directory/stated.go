package directory

import (
	"maps"
	"slices"
	"strings"

	"github.com/tabard-auth/tabard/backend/token"
)

// StatedClaim says what a claim of an app's access tokens states. Exactly one of its
// fields besides Type is set.
type StatedClaim struct {
	// Value is a fixed value.
	Value any `json:"value,omitempty"`
	// Claim repeats a claim of the token. Outside of an Object, App.Claims does that.
	Claim string `json:"claim,omitempty"`
	// Organization and Member name an attribute, and Provider a claim of the identity
	// provider that the person authenticated at for the organization. One that is
	// missing, or of another type, is left out.
	Organization string `json:"organization,omitempty"`
	Member       string `json:"member,omitempty"`
	Provider     string `json:"provider,omitempty"`
	// Type is the type of that value.
	Type AttributeType `json:"type,omitempty"`
	// Object is an object of such claims, one level deep. Its members that state nothing
	// are left out, and an empty one as well.
	Object map[string]StatedClaim `json:"object,omitempty"`
}

// Source returns the name of the value that the claim takes from a source, or "".
func (s StatedClaim) Source(source AttributeSource) string {
	switch source {
	case OfOrganization:
		return s.Organization
	case OfMember:
		return s.Member
	}
	return s.Provider
}

// Attributes returns the names that the claims of all apps take from a source, with
// their types.
func (w *Workspace) Attributes(source AttributeSource) map[string]AttributeType {
	all := map[string]AttributeType{}
	for _, a := range w.Apps {
		a.eachStated(func(s StatedClaim) {
			if name := s.Source(source); name != "" {
				all[name] = s.Type
			}
		})
	}
	return all
}

// eachStated calls each for every claim, those of objects as well.
func (a App) eachStated(each func(StatedClaim)) {
	for _, s := range a.StatedClaims {
		each(s)
		for _, member := range s.Object {
			each(member)
		}
	}
}

// Known are the attributes and provider's claims of one person in one organization.
type Known struct {
	Organization, Member Attributes
	Provider             map[string]any
}

// State adds the app's stated claims to those of an access token.
func (a App) State(c *token.Claims, known Known) {
	if len(a.StatedClaims) == 0 {
		return
	}
	s := statement{known: map[AttributeSource]map[string]any{
		OfOrganization: known.Organization.Values(), OfMember: known.Member.Values(), OfProvider: known.Provider,
	}, token: c}
	c.Further = s.all(a.StatedClaims)
}

// statement makes the stated claims of one token.
type statement struct {
	known map[AttributeSource]map[string]any
	token *token.Claims
	own   map[string]any // the token's claims, once one is repeated
}

func (s *statement) all(claims map[string]StatedClaim) map[string]any {
	all := map[string]any{}
	for name, claim := range claims {
		if value := s.value(claim); value != nil {
			all[name] = value
		}
	}
	return all
}

// value returns what a claim states, or nil.
func (s *statement) value(claim StatedClaim) any {
	switch {
	case claim.Value != nil:
		return claim.Value
	case claim.Claim != "":
		if s.own == nil {
			s.own = s.token.Map()
		}
		return s.own[claim.Claim]
	case claim.Object != nil:
		if all := s.all(claim.Object); len(all) > 0 {
			return all
		}
		return nil
	}
	for source, values := range s.known {
		if name := claim.Source(source); name != "" && claim.Type.Accepts(values[name]) {
			return values[name]
		}
	}
	return nil
}

// largest adds the stated claims to a token with the largest values that they can have.
func (a App) largest(c *token.Claims) {
	known := map[AttributeSource]map[string]any{OfOrganization: {}, OfMember: {}, OfProvider: {}}
	a.eachStated(func(claim StatedClaim) {
		for source, values := range known {
			if name := claim.Source(source); name != "" {
				values[name] = claim.Type.largest()
			}
		}
	})
	s := statement{known: known, token: c}
	c.Further = s.all(a.StatedClaims)
}

// ProviderClaims are what identity providers said of a person, as a JSON object: an
// object of claims for each connection, and for "", the workspace's provider.
type ProviderClaims string

// Of returns the claims by the provider of a connection.
func (p ProviderClaims) Of(connection string) map[string]any {
	values, _ := Attributes(p).Values()[connection].(map[string]any)
	return values
}

// With returns the claims after an answer of the connection's provider.
func (p ProviderClaims) With(connection string, said map[string]any) ProviderClaims {
	all := Attributes(p).Values()
	if all[connection] = said; len(said) == 0 {
		delete(all, connection)
	}
	if len(all) == 0 {
		return ""
	}
	return ProviderClaims(encode(all))
}

// Keep returns the provider's claims that the workspace's apps name. What the provider
// does not say, or says in another type, is left out.
func (w *Workspace) Keep(c Claims) map[string]any {
	kept := map[string]any{}
	for name, kind := range w.Attributes(OfProvider) {
		if value, unknown := find(c.Either, name); unknown == "" && kind.Accepts(value) {
			kept[name] = value
		}
	}
	return kept
}

// reserved are names that no stated claim may have, besides those of token.Claims: they
// would make an access token look like another kind of token, or widen it.
var reserved = []string{"at_hash", "c_hash", "events", "lent", "may_act", "nonce", "s_hash", "sub_id", "toe", "txn", "__proto__"}

// ReservedClaim reports whether an app must not state a claim of the name.
func ReservedClaim(name string) bool {
	return token.IsStandard(name) || slices.Contains(reserved, strings.ToLower(name))
}

// StatedNames returns the names of an app's stated claims, sorted.
func (a App) StatedNames() []string { return slices.Sorted(maps.Keys(a.StatedClaims)) }
