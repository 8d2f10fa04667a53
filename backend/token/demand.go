package token

import (
	"slices"
	"strings"
	"time"
)

// Demand is what a resource requires of a valid token besides its organization.
type Demand struct {
	// Permissions must all be in the token.
	Permissions []string
	// MaxAge is the maximum time since the person authenticated, to the second. 0 is no
	// limit. A token without auth_time never meets one. ACR are authentication
	// contexts, one of which is enough (RFC 9470 section 3).
	MaxAge time.Duration
	ACR    []string
	// Lent opens the resource to lent tokens although it demands no permission.
	Lent bool
}

// Meets checks that a verified token meets a demand.
func (v *Verifier) Meets(c *Claims, d Demand) error {
	lacking := c.Lent && len(d.Permissions) == 0 && !d.Lent
	for _, permission := range d.Permissions {
		lacking = lacking || !c.Allows(permission)
	}
	if lacking {
		return &Error{Reason: InsufficientScope, Demand: d, Bound: c.Confirmation != nil}
	}
	now, leeway := v.Now().Unix(), v.leeway()
	aged := d.MaxAge > 0 && (c.AuthTime == 0 || c.AuthTime <= now-int64(d.MaxAge/time.Second)-leeway)
	if aged || len(d.ACR) > 0 && !slices.Contains(d.ACR, c.ACR) {
		return &Error{Reason: InsufficientAuthentication, Demand: d, Bound: c.Confirmation != nil}
	}
	return nil
}

// Allows reports whether the token carries a permission.
func (c *Claims) Allows(permission string) bool {
	return slices.Contains(c.Permissions, permission)
}

// Serves reports whether the token is for an organization, given by id or slug. A slug
// never begins with org_. The answer only says whether to go on: bind rows by
// OrganizationID, since a slug may later belong to another organization.
func (c *Claims) Serves(organization string) bool {
	switch {
	case organization == "":
		return false
	case strings.HasPrefix(organization, "org_"):
		return organization == c.OrganizationID
	}
	return organization == c.OrganizationSlug
}
