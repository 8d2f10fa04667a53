package resource

import (
	"net/url"

	"github.com/tabard-auth/tabard/backend/token"
)

// RenewalURL is where a server sends a browser whose access token no longer authorizes
// and still speaks ([token.Verifier.Inspect]): the sign-in for the organization that
// the token was for, whichever others the person belongs to. At a provider that still knows the person it
// takes no login. returnTo is a path of the app, or an address on one of its origins,
// and should name the organization by itself ("/org_acme/notes"), so that the page
// wears it from the start.
//
// The claims choose where the person lands and nothing else: the backend decides anew
// whether they may enter.
func RenewalURL(was *token.Claims, returnTo string) string {
	query := url.Values{
		"app": {was.ClientID}, "organization": {was.OrganizationID}, "user": {was.Subject}, "return_to": {returnTo},
	}
	return was.BackendURL() + "/login?" + query.Encode()
}
