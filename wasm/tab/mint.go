package tab

import "github.com/tabard-auth/tabard/backend/api"

// maxAttempts is how often a mint is repeated because its responses were out of date.
const maxAttempts = 3

// mint returns a token for an organization, by id or slug, or for the person's only
// one. When it returns, the tab's state reflects the response. enter is true if the
// person chose the organization.
func (t *Tab) mint(organization string, enter bool) (*heldToken, *Error) {
	for range maxAttempts {
		f := t.share(organization, enter)
		<-f.done
		if f.err != errOutdated {
			return f.token, f.err
		}
	}
	t.mu.Lock()
	defer t.mu.Unlock()
	err := unavailable(alwaysOutdated)
	t.refused(organization, err)
	return nil, err
}

// share returns the mint under way for an organization, or starts one, unless the tab
// has a token that is not due for renewal.
func (t *Tab) share(organization string, enter bool) *inflight {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.checkSleep()
	f := t.binding.newMint(organization, enter, t.clock.now())
	if other := t.mints.find(f); other != nil {
		return other
	}
	switch {
	case f.token != nil: // not due for renewal
	case t.closed:
		f.finish(nil, errClosed)
	case !isName(f.organization):
		t.refused(f.organization, errNoName)
		f.finish(nil, errNoName)
	default:
		f.epoch, f.call = t.epoch.current(), t.newCallLocked()
		t.mints.add(f)
		go t.sendMint(f)
	}
	return f
}

// sendMint sends the request. If the mint was aborted meanwhile, its result is set
// already and the late response is dropped.
func (t *Tab) sendMint(f *inflight) {
	v, err := t.send(f.call, "POST", api.PathToken+"?"+api.QuietRefusals, f.body)
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.mints.remove(f) {
		f.finish(t.handleMint(f, v, err))
	}
}

// handleMint accepts a response, unless it is out of date.
func (t *Tab) handleMint(f *inflight, v Value, err *Error) (h *heldToken, _ *Error) {
	if t.epoch.current() != f.epoch || err != nil && err.Code == api.RequestTooOld {
		return nil, errOutdated
	}
	b := &t.binding
	before := b.record.Session
	if err == nil {
		answer := DecodeTokenResponse(v)
		h, err = b.accept(f, &answer, t.epoch.current(), &t.clock, t.env.Random)
	}
	if err != nil {
		if err.session != nil {
			err.epoch = f.epoch
		}
		t.refused(f.organization, err)
		return nil, err
	}
	t.backoff = backoff{}
	t.bindPerson()
	t.noteAccounts(h.answer.Accounts)
	h.answer.Accounts = nil // the record keeps nothing of others
	b.record.Epoch = t.epoch.ensure(b.record.Session, before)
	if b.isActive(f.organization) {
		t.activate(h)
	}
	t.save()
	return h, nil
}

// refused updates the tab after a refusal or failure. It changes little if the tab's
// organization is another one, and keeps the tab active while its token lives.
func (t *Tab) refused(organization string, err *Error) {
	b := &t.binding
	switch {
	case err.signsOut():
		t.signedOut(err)
	case err.Code == api.IdentityChanged: // another person signed in: the tab's session is over
		t.mints.abortAll(errOvertaken)
		b.record.Epoch, b.record.Held = t.epoch.current(), nil
		t.deactivate(Ended, err)
	case err.Code == api.OrganizationRequired, err.Code == api.AccountRequired:
		// settle offers the choice.
	case err.endsOrganization():
		b.drop(organization)
		if err.deniesEntry() && b.opens(organization) {
			return // showDenied follows
		}
		if b.isActive(organization) && (b.trustsWanted() || err.Code != api.OrganizationAccessDenied) {
			t.deactivate(Ended, err)
		}
	default:
		now := t.clock.now()
		t.backoff.recordFailure(err, now, t.env.Random())
		if err.isSetup() && !t.answered {
			t.backoff.until = now + final
		}
		switch h := b.find(b.wanted); {
		case b.choosesAmongOrigins(), b.isDenied():
			t.schedule()
		case !b.isActive(organization):
		case h.usable(now):
			t.activate(h)
		default:
			t.show(Unavailable, err)
		}
	}
}

// inflight is a mint under way. All callers that need its organization share it.
type inflight struct {
	organization string // the id if known, otherwise as named; empty for the only one
	enter        bool
	body         string   // of the request
	reported     activity // the activity in body
	epoch        string   // when the request was sent
	call         *call
	done         chan struct{} // closed when token and err are set
	token        *heldToken
	err          *Error
}

// finish sets the result of a mint. Callers return it, or mint again if it is
// [errOutdated].
func (f *inflight) finish(h *heldToken, err *Error) {
	f.token, f.err = h, err
	close(f.done)
}

// mints are the mints under way, by organization.
type mints map[string]*inflight

// find returns a mint under way that can be shared. One without enter does not serve a
// caller with enter.
func (m mints) find(f *inflight) *inflight {
	if under := m[f.organization]; under != nil && (under.enter || !f.enter) {
		return under
	}
	return nil
}

// add registers a mint. It aborts one for the same organization that could not be
// shared, whose callers then mint again.
func (m mints) add(f *inflight) {
	m.abort(f.organization, errOutdated)
	m[f.organization] = f
}

// remove reports whether a mint was still under way, and removes it.
func (m mints) remove(f *inflight) bool {
	if m[f.organization] != f {
		return false
	}
	delete(m, f.organization)
	return true
}

// abort ends the mint under way for an organization with an error.
func (m mints) abort(organization string, why *Error) {
	if f := m[organization]; f != nil {
		delete(m, organization)
		f.call.cancel(nil)
		f.finish(nil, why)
	}
}

func (m mints) abortAll(why *Error) {
	for organization := range m {
		m.abort(organization, why)
	}
}
