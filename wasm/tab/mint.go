package tab

import "github.com/tabard-auth/tabard/backend/api"

// attempts is how often a mint is asked for when its answers are out of date as
// they come.
const maxAttempts = 3

// mint gets a token for an organization, by id or slug, or for the person's only
// one. What the answer means for the tab is done by the time it returns. enter
// is true when a person chose the organization.
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
	err := unavailable("every answer was out of date when it came")
	t.refused(organization, err)
	return nil, err
}

// join returns the mint under way for an organization, or starts one, unless one
// has landed just now.
func (t *Tab) share(organization string, enter bool) *inflight {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.checkSleep()
	f := t.binding.newMint(organization, enter, t.clock.now())
	if other := t.mints.find(f); other != nil {
		return other
	}
	switch {
	case f.token != nil: // landed just now
	case t.closed:
		f.finish(nil, errClosed)
	default:
		f.epoch, f.call = t.epoch.current(), t.newCallLocked()
		t.mints.add(f)
		go t.sendMint(f)
	}
	return f
}

// fly asks the backend. A flight that was aborted meanwhile has its outcome; the
// late answer is dropped.
func (t *Tab) sendMint(f *inflight) {
	v, err := t.send(f.call, "POST", api.PathToken, f.body)
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.mints.remove(f) {
		f.finish(t.handleMint(f, v, err))
	}
}

// land takes an answer in, unless it is out of date.
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
		t.refused(f.organization, err)
		return nil, err
	}
	t.backoff = backoff{}
	b.record.Epoch = t.epoch.ensure(b.record.Session, before)
	if b.isActive(f.organization) {
		t.activate(h)
	}
	t.save()
	return h, nil
}

// refused does what a refusal or a fault means for the tab: little, where it wears another
// organization, and nothing while its token lives.
func (t *Tab) refused(organization string, err *Error) {
	b := &t.binding
	switch {
	case err.signsOut():
		t.signedOut(err)
	case err.Code == api.IdentityChanged: // somebody else signed in: the tab's part in the session is over
		t.mints.abortAll(errOvertaken)
		b.record.Epoch, b.record.Held = t.epoch.current(), nil
		t.deactivate(Ended, err)
	case err.Code == api.OrganizationRequired:
		// settle offers them.
	case err.endsOrganization():
		b.drop(organization)
		if b.isActive(organization) && (b.trustsWanted() || err.Code != api.OrganizationAccessDenied) {
			t.deactivate(Ended, err)
		}
	default:
		now := t.clock.now()
		t.backoff.recordFailure(err, now, t.env.Random())
		switch h := b.find(b.wanted); {
		case !b.isActive(organization):
		case h.usable(now):
			t.activate(h)
		default:
			t.show(Unavailable, err)
		}
	}
}

// flight is one mint under way. All who want its organization wait for it.
type inflight struct {
	organization string // id where known, else as named; empty for the only one
	enter        bool
	body         string   // of the request
	reported     activity // the one that body tells of
	epoch        string   // the browser's when it left
	call         *call
	done         chan struct{} // closed when held and err are set
	token        *heldToken
	err          *Error
}

// land ends the flight. Whoever waits for it gets the outcome, or asks anew where that is
// [errOutdated].
func (f *inflight) finish(h *heldToken, err *Error) {
	f.token, f.err = h, err
	close(f.done)
}

// mints are the flights under way, by organization.
type mints map[string]*inflight

// serving returns the flight under way that also brings what another wants. One that may
// not enter does not serve one that may.
func (m mints) find(f *inflight) *inflight {
	if under := m[f.organization]; under != nil && (under.enter || !f.enter) {
		return under
	}
	return nil
}

// begin puts a flight under way. One for the same organization that does not serve it is
// asked anew.
func (m mints) add(f *inflight) {
	m.abort(f.organization, errOutdated)
	m[f.organization] = f
}

// end tells whether a flight was still under way, and is over now.
func (m mints) remove(f *inflight) bool {
	if m[f.organization] != f {
		return false
	}
	delete(m, f.organization)
	return true
}

// abort ends the mint under way for an organization, and says why.
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
