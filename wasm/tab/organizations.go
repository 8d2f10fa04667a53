package tab

import "github.com/tabard-auth/tabard/backend/api"

// Organizations asks who is signed in and which organizations there are to
// enter, and shows them in the state.
func (t *Tab) Organizations() ([]api.OrganizationState, *Error) {
	session, err := t.fetchSession()
	if err != nil {
		return nil, err
	}
	t.mu.Lock()
	defer t.mu.Unlock()
	t.binding.state.Organizations = session.Organizations
	t.updateIdle()
	return session.Organizations, nil
}

// offer lets the person choose.
func (t *Tab) showChoice() {
	session, err := t.fetchSession()
	t.mu.Lock()
	defer t.mu.Unlock()
	b := &t.binding
	switch {
	case err == nil && b.wanted != "":
		// The person chose while the list was on its way.
	case err == nil:
		b.record.Epoch = t.epoch.current()
		b.state.Organizations, b.state.User = session.Organizations, session.User
		b.state.DeviceBound = session.DeviceBound
		t.deactivate(Choose, nil)
	case b.state.Status == Starting:
		t.show(Unavailable, err)
	}
}

// introduce learns the name of an organization that asks for more authentication
// before it was ever entered here, so that the page can offer the way in.
func (t *Tab) nameEnded() {
	s := &t.binding.state
	t.mu.Lock()
	known := s.Status != Ended || s.Organization.ID != ""
	t.mu.Unlock()
	if known {
		return
	}
	session, err := t.fetchSession()
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

// inquire asks who is signed in. It mints nothing.
func (t *Tab) fetchSession() (api.SessionResponse, *Error) {
	epoch := t.epoch.current()
	v, err := t.request("GET", api.PathSession)
	t.mu.Lock()
	defer t.mu.Unlock()
	session, user := DecodeSessionResponse(v), t.binding.record.User.ID
	switch {
	case t.epoch.current() != epoch:
		return session, errOvertaken
	case err == nil && session.User.ID == "":
		err = unavailable("the answer lacks the person")
	case err == nil && user != "" && user != session.User.ID:
		err = newError(api.IdentityChanged, "somebody else has signed in")
	}
	if err != nil {
		t.refused("", err)
		return session, err
	}
	t.backoff = backoff{}
	return session, nil
}
