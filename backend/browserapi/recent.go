package browserapi

import (
	"slices"

	"github.com/tabard-auth/tabard/backend/api"
	"github.com/tabard-auth/tabard/backend/authn"
	"github.com/tabard-auth/tabard/backend/directory"
	"github.com/tabard-auth/tabard/backend/policy"
	"github.com/tabard-auth/tabard/backend/refusal"
)

// recentAge is the largest age, in seconds, of an authentication that allows ending the
// user's other sessions (ASVS 5.0, 7.5.2).
const recentAge = 15 * 60

// requireRecent refuses a session whose user has not authenticated within recentAge at
// the provider where the session began. An authentication at another organization's own
// provider does not count. If the provider sends no auth_time, a return from it counts
// after it was asked to prompt the user (policy.Authentication.ConfirmedAt). Otherwise
// its users could never end a stolen session.
func requireRecent(c *authn.Request, own directory.Subject) error {
	s := &own.Session
	made, err := c.Store.Authentications(c.Ctx, s.SignInID())
	if err != nil {
		return err
	}
	if slices.ContainsFunc(append(made, s.SignIn), func(a policy.Authentication) bool {
		at := max(a.Time, a.ConfirmedAt)
		return a.Connection == s.SignIn.Connection && at != 0 && c.Now-at <= recentAge
	}) {
		return nil
	}
	age := int64(recentAge)
	r := refusal.New(api.InsufficientUserAuthentication, "Ending other sessions requires a sign-in within the last 15 minutes. Confirm that it is you.")
	r.MaxAge = &age
	r.LoginURL = stepUpURL(c, policy.Challenge{MaxAge: &age, Login: s.SignIn.Time == 0}, own.User.ID, s.ConfinedTo)
	if s.SignIn.Time == 0 {
		r.LoginURL += "&" + api.ParamConfirm + "=1"
	}
	return r
}
