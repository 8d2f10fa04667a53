package tab

// Credential returns a valid access token of an organization, by id or slug, for a
// request to an API; empty is the tab's own. rejected is a token that an API has
// refused, or empty: it is not handed out again. A token that is bound to the device
// key follows "DPoP " (RFC 9449 section 7.1): the request then carries [Tab.Proof] as
// well. Only [Tab.Switch] enters an organization that the person has signed out of.
func (t *Tab) Credential(organization, rejected string) (string, *Error) {
	name, h, err := t.findToken(organization, rejected)
	if err == nil && h == nil {
		h, err = t.mint(name, false)
		t.offer(err) // a hidden tab that could not reach the backend learns only here what there is
	}
	if err != nil {
		return "", err
	}
	return h.credential(), nil
}

// findToken returns the tab's token, or only the organization's name if one must be
// minted. It renews a token near its end while that is still in use.
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

// waitStarted waits until the tab is settled. It releases the mutex meanwhile.
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
