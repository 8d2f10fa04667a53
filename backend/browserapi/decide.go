package browserapi

import (
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

// enter has policy decide whether the session may act for the organisation now, and
// refuses where it does not let it.
func enter(c *authn.Request, request api.TokenRequest, s *directory.Subject) (*policy.Decision, error) {
	asked := grant.Asked{Entering: request.Enter, DeviceBound: s.Session.JKT != ""}
	if idle := request.IdleSeconds; idle != nil {
		if *idle < 0 {
			return nil, refusal.New(api.InvalidRequest, "idle_seconds is negative.")
		}
		asked.ActiveAt = c.Now - *idle
	}
	d, err := c.Grant().Decide(c.Ctx, s, asked)
	if err == nil && d.Outcome != policy.Allow {
		err = refusedBy(c, d, s)
	}
	return d, err
}

// endings tell people why an organisation session is over.
var endings = map[policy.Ending]string{
	policy.Idle:       "You were not active in this organisation for too long.",
	policy.Expired:    "Your time in this organisation is over.",
	policy.SignedOut:  "You signed out of this organisation.",
	policy.Revoked:    "An administrator of this organisation ended your session in it.",
	policy.Superseded: "You went on with this organisation in another browser.",
	policy.Removed:    "Your access to this organisation was taken away meanwhile. Enter it again.",
}

// refusedBy is the answer to what policy did not allow.
func refusedBy(c *authn.Request, d *policy.Decision, s *directory.Subject) *refusal.Refusal {
	var r *refusal.Refusal
	switch d.Outcome {
	case policy.DenyEnded:
		r = refusal.New(api.OrganizationSessionExpired, endings[d.Stay.Ending])
	case policy.DenyWithoutKey:
		r = refusal.New(api.DeviceKeyRequired, "This organisation asks for a session that is bound to this browser. Sign in again.")
	case policy.DenyContradiction, policy.DenyStaff:
		r = refusal.New(api.OrganizationAccessDenied, noAccess)
	default:
		r = refusal.New(api.InsufficientUserAuthentication, "This organisation asks you to confirm that it is you.")
		r.ACRValues, r.MaxAge = strings.Join(d.Challenge.ACRValues, " "), d.Challenge.MaxAge
		r.LoginURL = stepUpURL(c, d.Challenge, s.User.ID, s.Membership.Organization.ID)
	}
	switch r.Reason = string(d.Stay.Ending); d.Outcome {
	case policy.DenyWithoutKey:
		r.Reason = api.ReasonPolicy
	case policy.DenyStaff: // as an organisation that does not admit them
		r.Reason = ""
	}
	return r
}

// stepUpURL is where a challenge is met. It names the person and the organisation
// that it is for, or none where it is for the session; what comes of it is judged by the identity token alone.
func stepUpURL(c *authn.Request, ask policy.Challenge, user, organization string) string {
	query := url.Values{api.ParamApp: {c.App.ID}, api.ParamUser: {user}}
	if organization != "" {
		query.Set(api.ParamOrganization, organization)
	}
	if len(ask.ACRValues) > 0 {
		query.Set(api.ParamACRValues, strings.Join(ask.ACRValues, " "))
	}
	if ask.MaxAge != nil {
		query.Set(api.ParamMaxAge, strconv.FormatInt(*ask.MaxAge, 10))
	}
	if ask.Login {
		query.Set(api.ParamPrompt, "login")
	}
	return c.Issuer + api.PathLogin + "?" + query.Encode()
}
