package resource

import (
	"net/url"

	"github.com/tabard-auth/tabard/backend/token"
)

// RenewalURL returns the address that a server sends a browser to if its access token
// has expired but is authentic ([token.Verifier.Inspect]): the sign-in for the token's
// organization, even if the person belongs to others. It takes no login at a provider
// that still has a session of the person. returnTo is a path of the app, or an address
// on one of its origins. It should name the organization ("/org_acme/notes"), so that
// the page acts for it from the start.
//
// The claims only choose where the person arrives. The backend decides anew whether
// they may enter.
func RenewalURL(was *token.Claims, returnTo string) string {
	query := url.Values{
		"app": {was.ClientID}, "organization": {was.OrganizationID}, "user": {was.Subject}, "return_to": {returnTo},
	}
	return was.BackendURL() + "/login?" + query.Encode()
}
