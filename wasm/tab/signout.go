package tab

import (
	"slices"
	"strings"

	"github.com/tabard-auth/tabard/backend/api"
)

// SignOut ends the tab's organization session, the session, the sessions of everybody in this
// browser, or all of the person's: one of api.ScopeOrganization, api.ScopeSession,
// api.ScopeBrowser and api.ScopeEverywhere. The id of a person is the scope of their session
// in this browser, whoever the tab is of. It returns the address that ends the provider's own session, or empty; the provider
// returns to returnTo, or to the page's origin. On an error no session has ended.
func (t *Tab) SignOut(scope, returnTo string) (endSessionURL string, err *Error) {
	if strings.HasPrefix(scope, "usr_") {
		return t.signOutAccount(scope, returnTo)
	}
	request := t.beginSignOut(scope)
	request.ReturnTo = returnTo
	v, err := t.sendSignOut(request)
	if (returnTo != "" || scope == api.ScopeBrowser) && err != nil && err.Code == api.InvalidRequest { // by the previous release, which does not know the fields
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

// sendSignOut sends a sign-out. That of everybody proves the key of each person; a tab of
// nobody sends it for the first of them who is signed in.
func (t *Tab) sendSignOut(request api.LogoutRequest) (v Value, err *Error) {
	users := []string{request.User}
	if request.User == "" && request.Scope == api.ScopeBrowser && len(t.known()) > 0 {
		users = t.known()
	}
	for _, user := range users {
		for range 2 { // once more with new proofs
			c := t.newCall()
			if user != request.User {
				c.user, c.key, c.fixed = user, user, true
			}
			other := request
			if other.User = user; request.Scope == api.ScopeBrowser {
				other.Proofs = t.proofsBeside(user)
			}
			if v, err = t.send(c, "POST", api.PathLogout, EncodeLogoutRequest(other)); err == nil || !err.wantsProof() {
				break
			}
		}
		if !err.signsOut() {
			return v, err
		}
	}
	return v, err
}

// proofsBeside returns the proofs of a sign-out by the keys of the people of this browser but
// one, and by the key without a name, which may be any one's.
func (t *Tab) proofsBeside(user string) string {
	var proofs []string
	for _, name := range append(t.known(), "") {
		if name != user && len(t.known()) > 1 {
			proofs = append(proofs, t.proof(name, "POST", t.config.Backend+api.PathLogout, ""))
		}
	}
	return strings.TrimSpace(strings.Join(proofs, " "))
}

// signOutAccount is SignOut of a person.
func (t *Tab) signOutAccount(user, returnTo string) (endSessionURL string, err *Error) {
	t.mu.Lock()
	own := t.binding.record.User.ID == user
	t.mu.Unlock()
	if own {
		return t.SignOut(api.ScopeSession, returnTo)
	}
	c := t.newCall()
	c.user, c.key, c.fixed = user, user, true
	v, err := t.send(c, "POST", api.PathLogout, EncodeLogoutRequest(api.LogoutRequest{Scope: api.ScopeSession, User: user, ReturnTo: returnTo}))
	if err != nil {
		return "", err
	}
	t.mu.Lock()
	defer t.mu.Unlock()
	e := t.epochOf(user)
	e.renew("")
	e.tell()
	t.noteAccounts(slices.DeleteFunc(t.known(), func(id string) bool { return id == user }))
	if t.binding.state.Status == ChooseAccount {
		t.checkSoon()
	}
	return DecodeLogoutResponse(v).EndSessionURL, nil
}

// beginSignOut aborts the mints under way, so that no late response undoes the
// sign-out.
func (t *Tab) beginSignOut(scope string) api.LogoutRequest {
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
	return request
}
