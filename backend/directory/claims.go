package directory

import (
	"encoding/json"
	"maps"
	"slices"
	"strings"
	"unicode/utf8"
)

// Claims are a provider's statements about a person at a sign-in.
type Claims struct {
	// IdentityToken are the claims of the identity token alone.
	IdentityToken map[string]any
	// UserInfo are the claims of userinfo alone; nil where it was not asked or failed.
	UserInfo map[string]any
	// Either are the claims of the identity token, and those that userinfo adds.
	Either map[string]any
}

// ClaimSource says where a claim about memberships or roles is read.
type ClaimSource string

// The sources of a claim. The identity token is the default.
const (
	FromIDToken  ClaimSource = "id_token"
	FromUserInfo ClaimSource = "userinfo"
)

// Valid reports whether the source is one of those above, or empty.
func (s ClaimSource) Valid() bool { return s == "" || s == FromIDToken || s == FromUserInfo }

// ValidSeparator reports whether a text may part the names in a single string. None is the
// default: names of groups may hold commas, as those of directories do.
func ValidSeparator(text string) bool {
	return text == "" || len(text) == 1 && strings.Contains(",;| ", text)
}

// Unknown says why a claim's meaning is unknown; it is empty where it is known. What
// is unknown neither gives access nor takes it away.
type Unknown string

// The reasons. They stand in the audit log and in the metrics.
const (
	ClaimMissing   Unknown = "claim_missing"
	ClaimNull      Unknown = "claim_null"
	ClaimMalformed Unknown = "claim_malformed"
	// ClaimElsewhere is a claim of which the token only says where it can be had: too
	// many groups for it (OpenID Connect Core section 5.6.2). So is one that userinfo has,
	// if it is not the claim's source.
	ClaimElsewhere Unknown = "claim_elsewhere"
	UserInfoFailed Unknown = "userinfo_failed"
)

// find returns the value of a claim by its name, or by its path (see lookup).
func (c Claims) find(source ClaimSource, name string) (any, Unknown) {
	said := c.IdentityToken
	if source == FromUserInfo {
		if said = c.UserInfo; said == nil {
			return nil, UserInfoFailed
		}
	}
	value, unknown := find(said, name)
	if _, here := lookup(c.UserInfo, name); unknown == ClaimMissing && here == "" {
		unknown = ClaimElsewhere
	}
	return value, unknown
}

func find(said map[string]any, name string) (any, Unknown) {
	if elsewhere(said, name) {
		return nil, ClaimElsewhere
	}
	return lookup(said, name)
}

// elsewhere reports whether a claim, or the object that it lies in, may be distributed.
// Entra says so of groups by hasgroups, too. A list of such claims in another form may name
// every claim.
func elsewhere(said map[string]any, name string) bool {
	switch names := said["_claim_names"].(type) {
	case nil:
	case map[string]any:
		for distributed := range names {
			if distributed == name || strings.HasPrefix(name, distributed+".") {
				return true
			}
		}
	case []any: // an empty object, as PHP writes it
		if len(names) > 0 {
			return true
		}
	default:
		return true
	}
	return name == "groups" && marks(said["hasgroups"])
}

// marks reports whether a claim that is true or absent may be true.
func marks(value any) bool {
	text, isText := value.(string)
	return value != nil && value != false && !(isText && strings.EqualFold(text, "false"))
}

// lookup returns the member of an object that has the name, dots and all; or else what a
// path leads to, whose names dots part: realm_access.roles. The longest name that is
// there goes first.
func lookup(object map[string]any, path string) (any, Unknown) {
	if value, said := object[path]; said && value == nil {
		return nil, ClaimNull
	} else if said {
		return value, ""
	}
	why := ClaimMissing
	for at := len(path) - 1; at > 0; at-- {
		value, said := object[path[:at]]
		if path[at] != '.' || !said {
			continue
		}
		inner, isObject := value.(map[string]any)
		switch {
		case value == nil:
			why = ClaimNull
		case !isObject:
			why = ClaimMalformed
		default:
			if found, unknown := lookup(inner, path[at+1:]); unknown != ClaimMissing {
				return found, unknown
			}
		}
	}
	return nil, why
}

// split returns the names in a single string that a separator parts; "" holds none.
func split(text, separator string) []string {
	all := []string{}
	for name := range strings.SplitSeq(text, separator) {
		if name = strings.TrimSpace(name); name != "" {
			all = append(all, name)
		}
	}
	return all
}

// bracketed reports whether a string looks like a list or an object that was written into it,
// as some providers do. Nobody knows what it says, unless a separator parts it.
func bracketed(text string) bool {
	return len(text) > 1 && (text[0] == '[' && text[len(text)-1] == ']' || text[0] == '{' && text[len(text)-1] == '}')
}

// unreadable reports whether a name is none, or was not Unicode: parsers of JSON replace
// what is not by U+FFFD.
func unreadable(name string) bool {
	return strings.TrimSpace(name) == "" || strings.ContainsRune(name, utf8.RuneError)
}

// isMark reports whether the value of an object's key says whether the key is meant: true,
// false, or what is known of it. A number or the word false does not.
func isMark(value any) bool {
	switch value := value.(type) {
	case nil, json.Number, float64:
		return false
	case string:
		return !strings.EqualFold(value, "false")
	}
	return true
}

// names reads a claim that lists names: a list of strings, a string, which is a list of
// one unless a separator parts it, or an object that has them as keys.
func names(value any, separator string) ([]string, Unknown) {
	switch value := value.(type) {
	case string:
		listed := bracketed(value)
		switch {
		case strings.ContainsRune(value, utf8.RuneError):
		case separator != "" && listed:
			return split(value[1:len(value)-1], separator), ""
		case separator != "" && value == "":
			return []string{}, ""
		case separator != "":
			if all := split(value, separator); len(all) > 0 {
				return all, ""
			}
		case !unreadable(value) && !listed:
			return []string{value}, ""
		}
	case []any:
		all := make([]string, len(value))
		for i, v := range value {
			name, isText := v.(string)
			if !isText || unreadable(name) {
				return nil, ClaimMalformed
			}
			all[i] = name
		}
		return all, ""
	case map[string]any:
		var all []string
		for _, name := range slices.Sorted(maps.Keys(value)) {
			if unreadable(name) || !isMark(value[name]) {
				return nil, ClaimMalformed
			}
			if value[name] != false {
				all = append(all, name)
			}
		}
		return all, ""
	}
	return nil, ClaimMalformed
}

// Member returns with which roles a person is a member. Where groups are mapped, one who
// is in none of them is a member only by Roles. So is one of whom the groups are unknown,
// but only who is no member yet: the memberships of others stay as they are.
func (p Provisioning) Member(c Claims) (roles []string, ok bool, unknown Unknown) {
	if p.Claim == "" {
		return p.Roles, true, ""
	}
	value, unknown := c.find(p.ClaimSource, p.Claim)
	var groups []string
	if unknown == "" {
		groups, unknown = names(value, p.ClaimSeparator)
	}
	for _, group := range groups {
		roles = append(roles, p.Groups[group]...)
	}
	if slices.Sort(roles); len(roles) == 0 {
		return p.Roles, len(p.Roles) > 0, unknown
	}
	return slices.Compact(roles), true, unknown
}

// Memberships returns the memberships that the claims give: roles by organization slug.
// Where they are unknown, memberships stay as they are.
func (m *MembershipClaim) Memberships(c Claims) (map[string][]string, Unknown) {
	value, unknown := c.find(m.ClaimSource, m.Claim)
	if unknown != "" {
		return nil, unknown
	}
	all := map[string][]string{}
	bySlug, isObject := value.(map[string]any)
	slugs, unknown := names(value, m.ClaimSeparator)
	for _, slug := range slugs {
		if all[slug] = m.Roles; !isObject {
			continue
		}
		roles, named, unknown := m.rolesOf(bySlug[slug])
		if unknown != "" {
			return nil, unknown
		}
		if named {
			all[slug] = roles
		}
	}
	return all, unknown
}

// rolesOf returns the roles that the value of a slug names, of which there may be none. named
// is false for a value without a meaning for roles.
func (m *MembershipClaim) rolesOf(value any) (roles []string, named bool, unknown Unknown) {
	switch value := value.(type) {
	case string, []any:
		roles, unknown = names(value, m.ClaimSeparator)
		return roles, true, unknown
	case bool:
		return nil, false, ""
	case map[string]any:
		if describes(value) {
			return nil, false, ""
		}
	}
	return nil, false, ClaimMalformed
}

// describes reports whether an object describes an organization, as Keycloak's does by its id
// and attributes. One with marks or further objects may be keyed by role.
func describes(object map[string]any) bool {
	for _, value := range object {
		switch value.(type) {
		case string, json.Number, float64, []any:
		default:
			return false
		}
	}
	return true
}
