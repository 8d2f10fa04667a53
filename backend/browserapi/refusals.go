package browserapi

import (
	"errors"
	"net/url"
	"strconv"
	"strings"

	"github.com/tabard-auth/tabard/backend/api"
	"github.com/tabard-auth/tabard/backend/authn"
	"github.com/tabard-auth/tabard/backend/directory"
	"github.com/tabard-auth/tabard/backend/grant"
	"github.com/tabard-auth/tabard/backend/policy"
	"github.com/tabard-auth/tabard/backend/refusal"
)

// noAccess is also the text for an organization that does not exist.
const noAccess = "You do not have access to this organization."

// mintRefusal returns the refusal of a mint.
func mintRefusal(c *authn.Request, m *grant.Minted, s *directory.Subject, entering bool, err error) error {
	switch {
	case errors.Is(err, grant.ErrEnded):
		return authn.EndedRefusal(m.Ended)
	case errors.Is(err, grant.ErrUnconfirmed):
		return refusal.New(api.TemporarilyUnavailable, grant.Unconfirmed).Expected()
	case errors.Is(err, grant.ErrOtherPerson):
		return identityChanged()
	case errors.Is(err, grant.ErrDisabled):
		return authn.CheckEnabled(s.User)
	case errors.Is(err, grant.ErrUnnamed):
		return withPlaces(c, s, refusal.New(api.OrganizationRequired, "Name one of your organizations. A token without a name is only for a person of exactly one."))
	case errors.Is(err, grant.ErrNotAdmitted):
		return denied(c, s, entering, refusal.New(api.OrganizationAccessDenied, noAccess))
	case errors.Is(err, grant.ErrIdle):
		return refusal.New(api.InvalidRequest, "idle_seconds is negative.")
	case errors.Is(err, grant.ErrDenied):
		return denied(c, s, entering, policyRefusal(c, m.Decision, s))
	}
	return err
}

// withPlaces adds the person and their organizations to a refusal for those who ask
// quietly; if they cannot be read, that page asks for them.
func withPlaces(c *authn.Request, s *directory.Subject, r *refusal.Refusal) *refusal.Refusal {
	if c.R.URL.RawQuery == api.QuietRefusals {
		var reads sessionReads
		reads.begin(c, s.Session.ID)
		r.Session, r.Cause = sessionResponse(c, s, &reads)
	}
	return r
}

// denied adds the same to the refusal of an organization that the person is not in, or no
// more: a page that begins there shows which one it is and where else they may go. A switch
// has a page already.
func denied(c *authn.Request, s *directory.Subject, entering bool, r *refusal.Refusal) *refusal.Refusal {
	if entering || r.Code == api.DeviceKeyRequired {
		return r
	}
	return withPlaces(c, s, r)
}

// identityChanged returns the refusal for a tab that expects another user than the
// signed-in one.
func identityChanged() error { return refusal.New(api.IdentityChanged, "Another user has signed in.") }

// endTexts are the messages for ended organization sessions.
var endTexts = map[policy.EndReason]string{
	policy.Idle:            "You were inactive in this organization for too long.",
	policy.Expired:         "Your session in this organization has expired.",
	policy.SignedOut:       "You signed out of this organization.",
	policy.Revoked:         "An administrator of this organization ended your session in it.",
	policy.Superseded:      "You opened this organization in another browser, and its limit of sessions was reached.",
	policy.ProviderRefused: "Your identity provider no longer confirms your account for this organization. Sign in to it again.",
	"":                     "You have not entered this organization in this session. Enter it first.",
	policy.Removed:         "Your access to this organization was removed and then restored. Enter it again.",
}

// policyRefusal returns the refusal for a decision of the policy.
func policyRefusal(c *authn.Request, d *policy.Decision, s *directory.Subject) *refusal.Refusal {
	var r *refusal.Refusal
	switch d.Outcome {
	case policy.DenyEnded:
		r = refusal.New(api.OrganizationSessionExpired, endTexts[d.OrganizationSession.EndReason])
	case policy.DenyWithoutKey:
		r = refusal.New(api.DeviceKeyRequired, "This organization requires a session that is bound to this browser. Sign in again.")
	case policy.StepUp:
		r = refusal.New(api.InsufficientUserAuthentication, "This organization asks you to confirm that it is you.")
		r.ACRValues, r.MaxAge = strings.Join(d.Challenge.ACRValues, " "), d.Challenge.MaxAge
		r.LoginURL = stepUpURL(c, d.Challenge, s.User.ID, s.Membership.Organization.ID)
	default:
		r = refusal.New(api.OrganizationAccessDenied, noAccess)
	}
	switch r.Reason = string(d.OrganizationSession.EndReason); d.Outcome {
	case policy.DenyWithoutKey:
		r.Reason = api.ReasonPolicy
	case policy.DenyStaff: // like an organization that does not admit the user
		r.Reason = ""
	}
	return r
}

// stepUpURL returns the address that satisfies a challenge. organization is empty if
// the challenge is for the session. The parameters are hints: the result is judged by
// the identity token alone.
func stepUpURL(c *authn.Request, challenge policy.Challenge, user, organization string) string {
	query := url.Values{api.ParamApp: {c.App.ID}, api.ParamUser: {user}}
	if organization != "" {
		query.Set(api.ParamOrganization, organization)
	}
	if len(challenge.ACRValues) > 0 {
		query.Set(api.ParamACRValues, strings.Join(challenge.ACRValues, " "))
	}
	if challenge.MaxAge != nil {
		query.Set(api.ParamMaxAge, strconv.FormatInt(*challenge.MaxAge, 10))
	}
	if challenge.Login {
		query.Set(api.ParamPrompt, "login")
	}
	return c.Issuer + api.PathLogin + "?" + query.Encode()
}
