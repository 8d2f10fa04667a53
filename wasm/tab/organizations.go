package tab

import "github.com/tabard-auth/tabard/backend/api"

// Organizations fetches the person and the organizations that they can enter, and
// publishes them in the state.
func (t *Tab) Organizations() ([]api.OrganizationState, *Error) {
	session, err := t.fetchSession(nil)
	if err != nil {
		return nil, err
	}
	t.mu.Lock()
	defer t.mu.Unlock()
	t.binding.state.Organizations = session.Organizations
	t.updateIdle()
	return session.Organizations, nil
}

// showChoice asks the person to choose an organization, after a mint that named none was
// refused.
func (t *Tab) showChoice(refused *Error) {
	session, err := t.fetchSession(refused)
	t.mu.Lock()
	defer t.mu.Unlock()
	b := &t.binding
	switch {
	case err == nil && b.wanted != "":
		// The person chose before the list arrived.
	case err == nil:
		if session.Accounts != nil {
			b.record.accept(session.User, session.Session, true)
			t.bindPerson()
		}
		b.record.Epoch = t.epoch.ensure(session.Session, b.record.Session) // other tabs hear of a sign-in
		b.state.Organizations, b.state.User = session.Organizations, session.User
		b.state.DeviceBound = session.DeviceBound
		b.listed = t.clock.now()
		t.deactivate(Choose, nil)
	case b.state.Status == Starting:
		t.show(Unavailable, err)
	}
}

// nameEnded shows the name of an organization whose session ended before it was ever
// entered here, so that the page can offer a step-up.
func (t *Tab) nameEnded(refused *Error) {
	s := &t.binding.state
	t.mu.Lock()
	known := s.Status != Ended || s.Organization.ID != ""
	t.mu.Unlock()
	if known {
		return
	}
	session, err := t.fetchSession(refused)
	t.mu.Lock()
	defer t.mu.Unlock()
	if err != nil || s.Status != Ended {
		return
	}
	s.Organizations, s.User = session.Organizations, session.User
	if known := t.binding.lookup(t.binding.wanted); known.ID != "" {
		s.Organization = known
	}
	t.show(s.Status, s.Error)
}

// fetchSession asks the backend which person is signed in, unless a refusal has said so.
// It mints no token.
func (t *Tab) fetchSession(refused *Error) (api.SessionResponse, *Error) {
	t.mu.Lock()
	epoch, first := t.epoch.current(), (*api.SessionResponse)(nil)
	t.mu.Unlock()
	if refused != nil && refused.session != nil {
		epoch, first = refused.epoch, refused.session
	}
	session, err := t.fetchPages(first)
	t.mu.Lock()
	defer t.mu.Unlock()
	user := t.binding.record.User.ID
	switch {
	case t.epoch.current() != epoch:
		return session, errOvertaken
	case err == nil && session.User.ID == "":
		err = unavailable("the response names no person")
	case err == nil && user != "" && user != session.User.ID:
		err = newError(api.IdentityChanged, "another person has signed in")
	}
	if err != nil {
		t.refused("", err)
		return session, err
	}
	t.backoff = backoff{}
	t.binding.record.Origins = session.Origins
	t.noteAccounts(idsOf(session.Accounts))
	return session, nil
}

// maxPages is the most pages of organizations that the tab fetches.
const maxPages = 100

// fetchPages fetches the session with all of its organizations, or those after the first
// page.
func (t *Tab) fetchPages(first *api.SessionResponse) (all api.SessionResponse, err *Error) {
	for i, path := 0, api.PathSession; i < maxPages && path != ""; i++ {
		page, err := t.fetchPage(first, path)
		first = nil
		if i > 0 && err == nil && page.Session != all.Session {
			err = errOutdated // somebody has signed in between two pages
		}
		if err != nil {
			return page, err
		}
		if i > 0 {
			page.Organizations = append(all.Organizations, page.Organizations...)
		}
		if all, path = page, ""; page.Next != "" {
			path = withQuery(api.PathSession, api.ParamAfter, page.Next)
		}
	}
	return all, nil
}

// fetchPage returns a page of the session: the one that is known, or the one at a path.
func (t *Tab) fetchPage(known *api.SessionResponse, path string) (api.SessionResponse, *Error) {
	if known != nil {
		return *known, nil
	}
	v, err := t.request("GET", path)
	return DecodeSessionResponse(v), err
}
