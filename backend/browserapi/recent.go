package browserapi

import (
	"slices"

	"github.com/tabard-auth/tabard/backend/api"
	"github.com/tabard-auth/tabard/backend/authn"
	"github.com/tabard-auth/tabard/backend/directory"
	"github.com/tabard-auth/tabard/backend/policy"
	"github.com/tabard-auth/tabard/backend/refusal"
)

// recentAge is how old an authentication may be that lets somebody end other sessions
// than the one that asks, in seconds (ASVS 5.0, 7.5.2).
const recentAge = 15 * 60

// requireRecent refuses a session whose person has not authenticated for recentAge, where the
// session began: what an organization's own provider says counts there alone. A provider
// that does not say when it was has said nothing that is recent. Its people come back from
// it instead, having been asked there (policy.Authentication.ConfirmedAt): they could end
// no stolen session otherwise.
func requireRecent(c *authn.Request, own directory.Subject) error {
	s := &own.Session
	made, err := c.Store.Authentications(c.Ctx, s.ID)
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
	r := refusal.New(api.InsufficientUserAuthentication, "Ending other sessions needs a sign-in of the last 15 minutes. Confirm that it is you.")
	r.MaxAge = &age
	r.LoginURL = stepUpURL(c, policy.Challenge{MaxAge: &age, Login: s.SignIn.Time == 0}, own.User.ID, s.ConfinedTo)
	if s.SignIn.Time == 0 {
		r.LoginURL += "&" + api.ParamConfirm + "=1"
	}
	return r
}
