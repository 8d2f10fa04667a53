package authn

import (
	"errors"
	"fmt"

	"github.com/tabard-auth/tabard/backend/api"
	"github.com/tabard-auth/tabard/backend/directory"
	"github.com/tabard-auth/tabard/backend/refusal"
)

// An app can have an origin for each organization (directory.OriginVariable). A page there
// acts for that organization alone, so that whoever takes over a tenant's host gains that
// tenant's people and nothing of the workspace's. Each of these origins has a session of
// its own, because browsers keep device keys by origin.

// MoveTo sets the origin of the page of the request's app. It returns
// directory.ErrNoOrganization if the origin names an organization that does not exist or
// is disabled.
func (c *Request) MoveTo(origin string) error {
	c.Only, c.TenantOrigin = "", ""
	slug, _ := c.App.HasOrigin(origin)
	if slug == "" {
		return nil
	}
	c.TenantOrigin = origin
	o, err := c.Store.EnabledOrganization(c.Ctx, slug)
	c.Only = o.ID
	return err
}

// unknownTenant refuses a page whose origin names no enabled organization.
func unknownTenant(origin string, err error) error {
	if !errors.Is(err, directory.ErrNoOrganization) {
		return err
	}
	cause := fmt.Errorf("the origin %q names no enabled organization", origin)
	return refusal.New(api.OriginNotAllowed, "There is no organization at this address.").WithCause(cause)
}

// Within returns the reference to the organization of a request: ref or, if ref is empty,
// the one that the page's origin names. It refuses another one than that, like one that
// does not admit the person.
func (c *Request) Within(ref string) (string, error) {
	if c.Only == "" || ref == c.Only {
		return ref, nil
	}
	if slug, _ := c.App.HasOrigin(c.TenantOrigin); ref != "" && ref != slug {
		return "", refusal.New(api.OrganizationAccessDenied, "You do not have access to this organization.")
	}
	return c.Only, nil
}
