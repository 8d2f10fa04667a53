package doctor

import (
	"context"
	"encoding/json"
	"slices"

	"github.com/tabard-auth/tabard/backend/directory"
	"github.com/tabard-auth/tabard/backend/login"
	"github.com/tabard-auth/tabard/backend/policy"
)

// providerKeys reads the provider's key set as a sign-in does, key by key.
func (e *examination) providerKeys(ctx context.Context, m metadata) {
	const advice = "Without its keys no sign-in can be checked."
	var body json.RawMessage
	_, err := e.getJSON(ctx, string(m.KeySet), &body)
	var set login.KeySet
	if err == nil {
		set, err = login.ReadKeySet(body)
	}
	switch {
	case err != nil:
		e.add(provider, Problem, advice, "its key set (%s) cannot be read: %v", m.KeySet, err)
	case len(set.Keys)+len(set.Broken) == 0:
		e.add(provider, Problem, advice, "its key set (%s) is empty", m.KeySet)
	case len(set.Keys) == 0:
		e.add(provider, Problem, advice, "no key of its key set (%s) can be read", m.KeySet)
	default:
		e.ok(provider, "its key set can be read")
	}
	for _, broken := range set.Broken {
		e.add(provider, Warning, "Tell whoever runs the provider. Sign-ins go on by its other keys, and fail where it signs by this one.",
			"its key set (%s) has a key that is passed over: %v", m.KeySet, broken)
	}
}

// authTime tells where rules need the time of an authentication and the provider, by its
// metadata, does not sign it.
func (e *examination) authTime(ctx context.Context, organizations organizations) {
	if e.claims == nil || slices.Contains(e.claims, "auth_time") || e.workspace == nil {
		return
	}
	rule, whose := ruleOfAge(e.workspace.Policy), "the workspace"
	for after := ""; rule == ""; {
		page, err := organizations.Organizations(ctx, after, 1000)
		if err != nil || len(page) == 0 {
			return
		}
		for _, o := range page {
			if after = o.ID; rule == "" && o.DisabledAt == 0 && o.Rules.Connection == "" {
				rule, whose = ruleOfAge(o.Rules), "organization "+o.Slug
			}
		}
	}
	e.add(provider, Warning, "Have the provider put auth_time into its identity tokens, or lift the rule: without it the rule's step-ups end with auth_time_missing.",
		"its metadata do not name auth_time among its claims (claims_supported), and %s of %s needs it", rule, whose)
}

// refreshTokens tells where people are to be asked about and the provider issues no refresh
// tokens: by its metadata, or by the sign-ins of the last day.
func (e *examination) refreshTokens(ctx context.Context, store connectionStore) {
	if e.workspace == nil || e.workspace.SignIn.Revalidate == 0 {
		return
	}
	const advice = "Have the provider issue refresh tokens to this client (grant type refresh_token, scope offline_access), or remove revalidate from sign_in."
	if e.grantTypes != nil && !slices.Contains(e.grantTypes, "refresh_token") {
		e.add(provider, Problem, advice,
			"its metadata do not name refresh_token among its grant types (grant_types_supported), and sign_in has revalidate: it cannot be asked whether it still knows the people")
		return
	}
	sessions, tokens, err := store.CountProviderTokens(ctx, "", e.Now-day)
	if err == nil && sessions > 0 && tokens == 0 {
		e.add(provider, Problem, advice, noTokens+"sign_in has revalidate", sessions)
	}
}

// noTokens begins the finding about a provider that gives no refresh tokens.
const noTokens = "it gave no refresh token at any of the last day's sign-ins (live sessions: %d), so whoever has left keeps the session, and "

// userInfo tells where memberships come from userinfo and the provider has none.
func (e *examination) userInfo() {
	if e.workspace == nil || e.workspace.MembershipClaim == nil || e.workspace.MembershipClaim.ClaimSource != directory.FromUserInfo || !e.noUserInfo {
		return
	}
	e.add(provider, Problem, "Have the provider serve userinfo, or put the claim into its identity tokens and set claim_source: id_token.",
		"its metadata have no userinfo_endpoint, and membership_claim has claim_source: userinfo: nobody's memberships would ever change")
}

// organizations are those of the database.
type organizations interface {
	Organizations(ctx context.Context, after string, limit int) ([]directory.OrganizationRecord, error)
}

// ruleOfAge returns the name of a rule that needs the time of authentications.
func ruleOfAge(r policy.Rules) string {
	switch {
	case r.AuthenticationAge > 0:
		return "authentication_age"
	case r.Isolated:
		return "isolated"
	case r.FreshOnSwitch:
		return "fresh_on_switch"
	case r.IdleTimeout > 0:
		return "idle_timeout"
	case r.OrganizationSessionAge > 0:
		return "organization_session_age"
	}
	return ""
}
