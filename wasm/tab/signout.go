package tab

import "github.com/tabard-auth/tabard/backend/api"

// SignOut ends the tab's organization session, the session, or all of the person's
// sessions: one of api.ScopeOrganization, api.ScopeSession and api.ScopeEverywhere. It
// returns the address that ends the provider's own session, or empty; the provider
// returns to returnTo, or to the page's origin. On an error no session has ended.
func (t *Tab) SignOut(scope, returnTo string) (endSessionURL string, err *Error) {
	request, c := t.beginSignOut(scope)
	request.ReturnTo = returnTo
	v, err := t.send(c, "POST", api.PathLogout, EncodeLogoutRequest(request))
	if returnTo != "" && err != nil && err.Code == api.InvalidRequest { // by the previous release, which does not know the field
		request.ReturnTo = ""
		v, err = t.send(t.newCall(), "POST", api.PathLogout, EncodeLogoutRequest(request))
	}
	t.mu.Lock()
	defer t.mu.Unlock()
	b := &t.binding
	switch {
	case err == nil && scope == api.ScopeOrganization:
		b.drop(request.Organization)
		b.record.Epoch = t.epoch.renew(b.record.Session)
		if b.isActive(request.Organization) {
			t.deactivate(Ended, errLeft)
		}
	case err != nil && err.signsOut() && scope == api.ScopeBrowser:
		t.signedOut(err) // others may be signed in
		return "", err
	case err == nil || err.signsOut():
		for _, user := range DecodeLogoutResponse(v).Users {
			t.epochOf(user).renew("")
		}
		t.signedOut(nil)
	case err.Code == api.IdentityChanged:
		t.refused(request.Organization, err)
		return "", err
	default:
		return "", err
	}
	t.epoch.tell()
	return DecodeLogoutResponse(v).EndSessionURL, nil
}

func (t *Tab) newCall() *call {
	t.mu.Lock()
	defer t.mu.Unlock()
	return t.newCallLocked()
}

// beginSignOut aborts the mints under way, so that no late response undoes the
// sign-out.
func (t *Tab) beginSignOut(scope string) (api.LogoutRequest, *call) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.checkSleep()
	b := &t.binding
	b.state.Arrival = ""
	t.mints.abortAll(errOvertaken)
	request := api.LogoutRequest{Scope: scope, User: b.record.User.ID}
	if scope == api.ScopeOrganization {
		request.Organization = b.id(b.wanted)
	}
	return request, t.newCallLocked()
}
