package tab

import "github.com/tabard-auth/tabard/backend/api"

// SignOut ends the tab's organisation session, the session, or all of the
// person's sessions: one of api.ScopeOrganization, api.ScopeSession and
// api.ScopeEverywhere. It returns where the provider's own session can be ended,
// or empty; it comes back to returnTo from there, or to the page's origin. On an error
// nothing has ended.
func (t *Tab) SignOut(scope, returnTo string) (endSessionURL string, err *Error) {
	request, c := t.beginSignOut(scope)
	request.ReturnTo = returnTo
	v, err := t.send(c, "POST", api.PathLogout, EncodeLogoutRequest(request))
	t.mu.Lock()
	defer t.mu.Unlock()
	switch {
	case err == nil && scope == api.ScopeOrganization:
		t.leave(request.Organization)
	case err == nil || err.Action == api.SignIn:
		t.signedOut(nil)
	case err.Code == api.IdentityChanged:
		t.identityChanged(err)
		return "", err
	default:
		return "", err
	}
	t.world.Channel.Send(lookAgain)
	return DecodeLogoutResponse(v).EndSessionURL, nil
}

// beginSignOut aborts what is under way, so that no late answer brings anything
// back.
func (t *Tab) beginSignOut(scope string) (api.LogoutRequest, *call) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.wake()
	t.state.Arrival = ""
	t.abortAll(overtaken)
	request := api.LogoutRequest{Scope: scope, User: t.record.User.ID}
	if scope == api.ScopeOrganization {
		request.Organization = t.id(t.wish)
	}
	return request, t.call()
}

// leave ends the organisation session that the tab was signed out of.
func (t *Tab) leave(organization string) {
	t.drop(organization)
	t.leaveEpoch(t.record.Session)
	if t.worn(organization) {
		t.takeOff(Ended, nil)
	}
}
