package directory

import (
	"errors"
	"fmt"
	"strings"

	"github.com/tabard-auth/tabard/backend/token"
)

// Limits on the size of the access tokens of roles, in bytes. Some proxies refuse a
// request with a token larger than LargeToken. Beyond MaxRoleToken, the other content
// of a token, such as methods of authentication, could make it exceed token.MaxBytes.
const (
	LargeToken   = 4 << 10
	MaxRoleToken = 7 << 10
)

// ErrTooLarge is the error of roles whose access tokens would be too large.
var ErrTooLarge = errors.New("directory: the roles' access tokens are too large")

// TokenBytes returns the largest size of the access tokens of a person with all of
// these roles, and the app with the largest.
func (w *Workspace) TokenBytes(roles []string) (bytes int, app string) {
	id := strings.Repeat("0", 26)
	claims := token.Claims{
		Issuer: strings.Repeat("h", 64) + "/o/" + OrganizationPrefix + id, Subject: "usr_" + id,
		Expires: 1e9, IssuedAt: 1e9, AuthTime: 1e9, ID: id, SessionID: "ses_" + id,
		OrganizationID: OrganizationPrefix + id, OrganizationSlug: strings.Repeat("s", 64),
		Roles: roles, Permissions: w.Permissions(roles), ACR: "urn:example:acr:mfa", AMR: []string{"pwd", "otp", "hwk"},
	}
	for _, a := range w.Apps {
		claims.ClientID, claims.Audience, claims.Confirmation = a.ID, []string{a.Audience}, nil
		claims.Actor = &token.Actor{Subject: a.ID, Actor: &token.Actor{Subject: claims.Subject}}
		if a.DPoPBoundTokens {
			claims.Confirmation = &token.Confirmation{JKT: strings.Repeat("k", 43)}
		}
		a.largest(&claims)
		if n := claims.Bytes(a.Claims); n > bytes {
			bytes, app = n, a.ID
		}
	}
	return bytes, app
}

// CheckGiven is CheckRoles for the roles of one person. It also returns ErrTooLarge.
func (w *Workspace) CheckGiven(roles []string) error {
	if err := w.CheckRoles(roles); err != nil {
		return err
	}
	return w.CheckTokens(roles)
}

// CheckTokens returns ErrTooLarge, with the size, if the access tokens of a person with
// all of these roles would be too large.
func (w *Workspace) CheckTokens(roles []string) error {
	bytes, app := w.TokenBytes(roles)
	if bytes <= MaxRoleToken {
		return nil
	}
	what := fmt.Sprintf("of role %q", strings.Join(roles, ""))
	if len(roles) != 1 {
		what = fmt.Sprintf("with the roles %q together", roles)
	}
	return fmt.Errorf("%w: tokens %s can have %d bytes in app %q, but at most %d are allowed: use fewer or shorter permissions",
		ErrTooLarge, what, bytes, app, MaxRoleToken)
}
