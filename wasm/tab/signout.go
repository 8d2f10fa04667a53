package tab

import "github.com/tabard-auth/tabard/backend/api"

// SignOut ends the tab's organisation session, the session, or all of the
// person's sessions: one of api.ScopeOrganization, api.ScopeSession and
// api.ScopeEverywhere. It returns where the provider's own session can be ended,
// or empty. On an error nothing has ended.
func (t *Tab) SignOut(scope string) (endSessionURL string, err *Error) {
	request, c := t.beginSignOut(scope)
	v, err := t.send(c, "POST", api.PathLogout, EncodeLogoutRequest(request))
	t.mu.Lock()
	defer t.mu.Unlock()
	w := &t.wardrobe
	switch {
	case err == nil && scope == api.ScopeOrganization:
		w.drop(request.Organization)
		w.record.Epoch = t.epoch.leave(w.record.Session)
		if w.worn(request.Organization) {
			t.takeOff(Ended, nil)
		}
	case err == nil || err.signsOut():
		t.signedOut(nil)
	case err.Code == api.IdentityChanged:
		t.refused(request.Organization, err)
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
	w := &t.wardrobe
	w.state.Arrival = ""
	t.mints.abortAll(overtaken)
	request := api.LogoutRequest{Scope: scope, User: w.record.User.ID}
	if scope == api.ScopeOrganization {
		request.Organization = w.id(w.wish)
	}
	return request, t.call()
}
