package tab

import "github.com/tabard-auth/tabard/backend/api"

func (t *Tab) token(organization, rejected string) (*held, *Error) {
	if err := t.started(); err != nil {
		return nil, err
	}
	name, h, err := t.ready(organization, rejected)
	if err == nil && h == nil {
		h, err = t.mint(name, false)
	}
	return h, err
}

// started waits until it is known where the tab stands.
func (t *Tab) started() *Error {
	t.mu.Lock()
	defer t.mu.Unlock()
	for t.heed(); t.state.Status == Starting && !t.closed; t.heed() {
		t.hasten()
		moved := t.moved
		t.mu.Unlock()
		<-moved
		t.mu.Lock()
	}
	if t.closed {
		return closed
	}
	return nil
}

// ready returns the token that the tab holds, and none where one must be minted
// for the organisation of that name. A token near its end is renewed while it
// is still in use.
func (t *Tab) ready(organization, rejected string) (name string, h *held, err *Error) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.wake()
	if organization == "" || t.worn(organization) {
		organization = t.wish
		if err := t.refusal(); err != nil {
			return "", nil, err
		}
	} else if t.state.Status == SignedOut {
		return "", nil, t.refusal()
	}
	now := t.clock.now()
	h = t.find(organization)
	if h != nil && h.answer.AccessToken == rejected {
		t.drop(organization)
		h = nil
	}
	waiting := now < t.backoff.until
	switch {
	case !h.usable(now) && waiting:
		return "", nil, t.backoff.err
	case !h.usable(now):
		return organization, nil, nil
	case now >= t.renewal(h) && !waiting:
		go t.mint(organization, false)
	}
	return organization, h, nil
}

// refusal is why the tab's own organisation gets no token until the person
// does something; nil where one may be had.
func (t *Tab) refusal() *Error {
	var code api.Code
	switch t.state.Status {
	case SignedOut:
		code = api.LoginRequired
	case Ended:
		code = api.OrganizationSessionExpired
	case Choose:
		code = api.OrganizationRequired
	default:
		return nil
	}
	if t.state.Error != nil {
		return t.state.Error
	}
	return newError(code, "the tab is "+string(t.state.Status))
}
