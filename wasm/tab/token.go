package tab

// Credential returns a living access token of an organization, by id or slug, for a
// request to an API; empty is the one that the tab wears. rejected is a token that an
// API has refused, or empty: that one is not handed out again. A token that is bound to
// the device key comes after "DPoP " (RFC 9449 section 7.1): the request then carries
// [Tab.Proof] too. Only [Tab.Switch] enters an organization that the person left.
func (t *Tab) Credential(organization, rejected string) (string, *Error) {
	name, h, err := t.findToken(organization, rejected)
	if err == nil && h == nil {
		h, err = t.mint(name, false)
	}
	if err != nil {
		return "", err
	}
	return h.credential(), nil
}

// ready returns the token that the tab holds, and none where one must be minted
// for the organization of that name. A token near its end is renewed while it
// is still in use.
func (t *Tab) findToken(organization, rejected string) (name string, h *heldToken, err *Error) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if err := t.waitStarted(); err != nil {
		return "", nil, err
	}
	t.checkSleep()
	name, h, err = t.binding.pick(organization, rejected)
	now := t.clock.now()
	waiting := now < t.backoff.until
	switch {
	case err != nil:
	case !h.usable(now) && waiting:
		return "", nil, t.backoff.err
	case !h.usable(now):
		return name, nil, nil
	case now >= t.binding.renewalTime(h) && !waiting:
		go t.mint(name, false)
	}
	return name, h, err
}

// started waits until it is known where the tab stands. The mutex is free meanwhile.
func (t *Tab) waitStarted() *Error {
	for t.checkEpoch(); t.binding.state.Status == Starting && !t.closed; t.checkEpoch() {
		if t.timers.cancelDelayed() {
			go t.settle()
		}
		changed := t.changed
		t.mu.Unlock()
		<-changed
		t.mu.Lock()
	}
	if t.closed {
		return errClosed
	}
	return nil
}
