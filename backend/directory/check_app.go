package directory

import (
	"errors"
	"fmt"
	"maps"
	"math"
	"slices"
	"strconv"
	"strings"
	"unicode"

	"github.com/tabard-auth/tabard/backend/token"
)

// app checks an app, given those before it.
func (c *checker) app(at place, i int, a App) {
	if !appID.MatchString(a.ID) || a.ID == "login" {
		c.fault(at, "app id %q is invalid: use up to 32 of a–z, 0–9 and -, except \"login\"", a.ID)
	}
	for _, before := range c.workspace.Apps[:i] {
		if before.ID == a.ID {
			c.fault(at, "app %q is repeated", a.ID)
		}
	}
	if other, taken := c.audiences[a.Audience]; taken || a.Audience == "" {
		c.fault(at, "app %q needs its own audience (its API's); %q is %s", a.ID, a.Audience, describeOwner(other))
	}
	c.audiences[a.Audience] = a.ID
	c.text(at.at("audience"), a.Audience)
	c.text(at.at("name"), a.Name)
	if a.Path != "" && !isPath(a.Path) {
		c.fault(at.at("path"), "%q is not a path as browsers write it, such as /app/", a.Path)
	}
	c.appOrigins(at, a)
	c.appPattern(at.at("origins"), a)
	c.appClaims(at, a)
	c.appNeighbors(at, a)
	c.appAccounts(at.at("accounts"), a)
}

func describeOwner(other string) string {
	if other == "" {
		return "empty"
	}
	return fmt.Sprintf("app %q's", other)
}

func (c *checker) appOrigins(at place, a App) {
	for i, origin := range a.Origins {
		here := at.at("origins", strconv.Itoa(i))
		text := checkOrigin(origin)
		if names, problem := namesOrganization(origin); names {
			text = problem
		}
		if text != "" {
			c.fault(here, "%s", text)
		}
		if other, taken := c.origins[origin]; taken {
			c.fault(here, "origin %s belongs to app %q already", origin, other)
		}
		c.origins[origin] = a.ID
	}
	if len(a.Origins) == 0 {
		c.fault(at, "app %q needs origins, such as https://app.example.com", a.ID)
	}
}

// appNeighbors checks the apps that an app is entered from, and what it lends.
func (c *checker) appNeighbors(at place, a App) {
	for _, from := range a.EnteredFrom {
		if !slices.ContainsFunc(c.workspace.Apps, func(other App) bool { return other.ID == from && from != a.ID }) {
			c.fault(at.at("entered_from"), "app %q has entered_from %q, which is not another app of the workspace", a.ID, from)
		}
	}
	for i, audience := range a.FurtherAudiences {
		if !isClaimName(audience) || slices.Contains(a.FurtherAudiences[:i], audience) {
			c.fault(at.at("further_audiences"), "further audience %q is empty, repeated or not an audience", audience)
		}
	}
	for _, name := range a.LentClaims {
		_, alias := a.Claims[name]
		if _, stated := a.StatedClaims[name]; !alias && !stated {
			c.fault(at.at("lent_claims"), "lent claim %q is none of the app's claims", name)
		}
	}
}

// appClaims checks what an app's access tokens say further.
func (c *checker) appClaims(at place, a App) {
	for _, name := range slices.Sorted(maps.Keys(a.Claims)) {
		here := at.at("claims", name)
		c.claimName(here, name)
		c.tokenClaim(here, a.Claims[name])
	}
	for _, name := range a.StatedNames() {
		here := at.at("stated_claims", name)
		c.claimName(here, name)
		if _, twice := a.Claims[name]; twice {
			c.fault(here, "claim %q is repeated", name)
		}
		c.statedClaim(here, a.StatedClaims[name], true)
	}
	if most := token.MostFurther; len(a.Claims)+len(a.StatedClaims) > most {
		c.fault(at.at("claims"), "an app can have at most %d claims: verifiers refuse a token with more", most)
	}
}

func (c *checker) claimName(at place, name string) {
	switch {
	case token.IsStandard(name):
		c.fault(at, "claim %q is a standard claim of the token and cannot be replaced", name)
	case ReservedClaim(name):
		c.fault(at, "claim %q is reserved: it would change what kind of token this is", name)
	case !isClaimName(name):
		c.fault(at, "claim %q is not a name: use up to 200 bytes without spaces", name)
	}
}

func isClaimName(name string) bool {
	return name != "" && len(name) <= 200 && !strings.ContainsFunc(name, func(r rune) bool { return unicode.IsSpace(r) || unicode.IsControl(r) })
}

func (c *checker) tokenClaim(at place, name string) {
	if !token.IsStandard(name) {
		c.fault(at, "%q is not a claim of the token, such as org_id", name)
	}
}

// statedClaim checks a stated claim, or a member of one that is an object.
func (c *checker) statedClaim(at place, s StatedClaim, outer bool) {
	choices := []string{"member", "object", "organization", "provider", "value"}
	if !outer {
		choices = []string{"member", "organization", "provider", "value"}
	}
	taken := 0
	for _, set := range []bool{s.Value != nil, s.Organization != "", s.Member != "", s.Provider != "", s.Object != nil, s.Claim != ""} {
		if set {
			taken++
		}
	}
	if taken != 1 || outer && s.Claim != "" || !outer && s.Object != nil {
		c.fault(at, "a claim takes exactly one of %s", strings.Join(choices, ", "))
		return
	}
	if s.Claim != "" {
		c.tokenClaim(at, s.Claim)
	}
	if s.Value != nil {
		c.check(at, CheckFixed(s.Value))
	}
	for _, name := range slices.Sorted(maps.Keys(s.Object)) {
		here := at.at("object", name)
		if name == "" || name == "__proto__" {
			c.fault(here, "%q cannot be a member's name", name)
		}
		c.text(here, name)
		c.statedClaim(here, s.Object[name], false)
	}
	c.declare(at, s)
}

// declare notes the type that a claim gives an attribute. Every claim that takes it must
// give the same one.
func (c *checker) declare(at place, s StatedClaim) {
	used := false
	for _, source := range []AttributeSource{OfOrganization, OfMember, OfProvider} {
		name := s.Source(source)
		if name == "" {
			continue
		}
		used = true
		if source != OfProvider && !ValidAttribute(name) {
			c.fault(at, "%q is not an attribute's name: use up to 63 of a–z, 0–9 and _", name)
		}
		c.text(at, name)
		key := string(source) + " " + name
		if before, known := c.attributes[key]; known && before != s.Type {
			c.fault(at, "%s %q has another type in another claim: one attribute has one type", source, name)
		}
		c.attributes[key] = s.Type
	}
	switch {
	case s.Type != "" && !used:
		c.fault(at, "type goes with organization, member or provider")
	case !s.Type.Valid() || s.Type == TextValue: // the default has one form
		c.fault(at, "type is %q; it is number, boolean or list, or left out for text", s.Type)
	}
}

// MaxFixedDepth is the deepest nesting of a fixed value.
const MaxFixedDepth = 4

// ErrTooDeep is the error of a fixed value beyond that.
var ErrTooDeep = errors.New("this value is nested too deep")

// CheckFixed returns an error for people if a value, as encoding/json reads it, is none that
// a token can state: null, nested too deep, or a number that parsers read differently.
func CheckFixed(value any) error { return checkFixed(value, 0) }

func checkFixed(value any, depth int) error {
	if depth > MaxFixedDepth {
		return ErrTooDeep
	}
	var inner []any
	switch value := value.(type) {
	case map[string]any:
		inner = slices.Collect(maps.Values(value))
	case []any:
		inner = value
	case float64:
		if math.IsNaN(value) || math.Abs(value) > 1<<53 {
			return fmt.Errorf("%v is not a number that every parser reads alike; write it as a text in quotes", value)
		}
	case string:
		if !ValidText(value) {
			return fmt.Errorf("this text is longer than %d bytes or has several lines", MaxText)
		}
	case nil:
		return errors.New("null is not a value; leave it out")
	}
	for _, value := range inner {
		if err := checkFixed(value, depth+1); err != nil {
			return err
		}
	}
	return nil
}
