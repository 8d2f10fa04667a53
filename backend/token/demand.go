package token

import (
	"slices"
	"strings"
	"time"
)

// Demand is what a resource asks of a good token beside its organization.
type Demand struct {
	// Permissions are those that the token must carry, all of them.
	Permissions []string
	// MaxAge is how long ago the person may have authenticated, to the second; 0
	// asks for nothing. A token without auth_time never meets one. ACR are the authentication contexts of which any will do
	// (RFC 9470 section 3).
	MaxAge time.Duration
	ACR    []string
}

// Meets checks that a verified token meets a demand.
func (v *Verifier) Meets(c *Claims, d Demand) error {
	for _, permission := range d.Permissions {
		if !c.Allows(permission) {
			return &Error{Reason: InsufficientScope, Demand: d, Bound: c.Confirmation != nil}
		}
	}
	now, leeway := v.Now().Unix(), v.leeway()
	aged := d.MaxAge > 0 && (c.AuthTime == 0 || c.AuthTime+int64(d.MaxAge/time.Second)+leeway <= now)
	if aged || len(d.ACR) > 0 && !slices.Contains(d.ACR, c.ACR) {
		return &Error{Reason: InsufficientAuthentication, Demand: d, Bound: c.Confirmation != nil}
	}
	return nil
}

// Allows tells whether the token carries a permission.
func (c *Claims) Allows(permission string) bool {
	return slices.Contains(c.Permissions, permission)
}

// Serves tells whether the token serves an organization, named by id or slug; a slug
// never begins with org_. The name only says whether to go on: bind rows by
// OrganizationID, for a slug may come to be another's.
func (c *Claims) Serves(organization string) bool {
	switch {
	case organization == "":
		return false
	case strings.HasPrefix(organization, "org_"):
		return organization == c.OrganizationID
	}
	return organization == c.OrganizationSlug
}
