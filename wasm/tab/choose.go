package tab

import "github.com/tabard-auth/tabard/backend/api"

// Organizations asks who is signed in and which organisations there are to
// enter, and shows them in the state.
func (t *Tab) Organizations() ([]api.OrganizationState, *Error) {
	session, err := t.inquire()
	if err != nil {
		return nil, err
	}
	t.mu.Lock()
	defer t.mu.Unlock()
	t.state.Organizations = session.Organizations
	t.recount()
	return session.Organizations, nil
}

// offer lets the person choose.
func (t *Tab) offer() {
	session, err := t.inquire()
	t.mu.Lock()
	defer t.mu.Unlock()
	switch {
	case err == nil && t.wish != "":
		// The person chose while the list was on its way.
	case err == nil:
		t.record.Epoch = t.epoch()
		t.state.Organizations, t.state.User = session.Organizations, session.User
		t.state.DeviceBound = session.DeviceBound
		t.takeOff(Choose, nil)
	case t.state.Status == Starting:
		t.show(Unavailable, err)
	}
}

// introduce learns the name of an organisation that asks for more authentication
// before it was ever entered here, so that the page can offer the way in.
func (t *Tab) introduce() {
	t.mu.Lock()
	known := t.state.Status != Ended || t.state.Organization.ID != ""
	t.mu.Unlock()
	if known {
		return
	}
	session, err := t.inquire()
	t.mu.Lock()
	defer t.mu.Unlock()
	if err != nil || t.state.Status != Ended {
		return
	}
	t.state.Organizations, t.state.User = session.Organizations, session.User
	if known := t.known(t.wish); known.ID != "" {
		t.state.Organization = known
	}
	t.show(t.state.Status, t.state.Error)
}

// inquire asks who is signed in. It mints nothing.
func (t *Tab) inquire() (api.SessionResponse, *Error) {
	epoch := t.epoch()
	v, err := t.ask("GET", api.PathSession)
	t.mu.Lock()
	defer t.mu.Unlock()
	session := DecodeSessionResponse(v)
	switch {
	case t.epoch() != epoch:
		return session, overtaken
	case err == nil && session.User.ID == "":
		err = unreachable("the answer lacks the person")
	case err == nil && t.record.User.ID != "" && t.record.User.ID != session.User.ID:
		err = newError(api.IdentityChanged, "somebody else has signed in")
	}
	if err != nil {
		t.refused("", err)
		return session, err
	}
	t.backoff = backoff{}
	return session, nil
}
