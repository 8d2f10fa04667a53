package tab

import (
	"time"

	"github.com/tabard-auth/tabard/backend/api"
)

// attempts is how often a mint is asked for when its answers are out of date as
// they come.
const attempts = 3

// flight is one mint under way. All who want its organisation wait for it.
type flight struct {
	organization string // id where known, else as named; empty for the only one
	enter        bool
	epoch        string // the browser's epoch when it left
	user         string
	input        time.Duration // the last that idle tells of
	idle         *int64
	call         *call
	done         chan struct{} // closed when held and err are set
	held         *held
	err          *Error
}

// mint gets a token for an organisation, by id or slug, or for the person's only
// one. What the answer means for the tab is done by the time it returns. enter
// is true when a person chose the organisation.
func (t *Tab) mint(organization string, enter bool) (*held, *Error) {
	for range attempts {
		f := t.join(organization, enter)
		<-f.done
		if f.err != again {
			return f.held, f.err
		}
	}
	t.mu.Lock()
	defer t.mu.Unlock()
	err := unreachable("every answer was out of date when it came")
	t.refused(organization, err)
	return nil, err
}

// join returns the mint under way for an organisation, or starts one, unless one
// has landed just now. One that may not enter does not serve one that may, so it
// is asked anew.
func (t *Tab) join(organization string, enter bool) *flight {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.wake()
	organization = t.id(organization)
	if f := t.flights[organization]; f != nil && (f.enter || !enter) {
		return f
	}
	h := t.find(organization)
	if now := t.clock.now(); !enter && h.usable(now) && now < t.renewal(h) {
		return landed(h, nil)
	}
	if t.closed {
		return landed(nil, closed)
	}
	t.abort(organization, again)
	f := &flight{
		organization: organization, enter: enter, epoch: t.epoch(), user: t.record.User.ID,
		input: t.input, idle: t.idle(organization, enter),
		call: t.call(), done: make(chan struct{}),
	}
	t.flights[organization] = f
	go t.fly(f)
	return f
}

// landed is a flight that is over.
func landed(h *held, err *Error) *flight {
	f := &flight{done: make(chan struct{}), held: h, err: err}
	close(f.done)
	return f
}

// id is the id of an organisation that the tab knows, else its name as given.
func (t *Tab) id(name string) string {
	if h := t.find(name); h != nil {
		return h.organization().ID
	}
	if names(t.state.Organization, name) {
		return t.state.Organization.ID
	}
	return name
}

// fly asks the backend. A flight that was aborted meanwhile has its outcome; the
// late answer is dropped.
func (t *Tab) fly(f *flight) {
	v, err := t.send(f.call, "POST", api.PathToken, EncodeTokenRequest(api.TokenRequest{
		Organization: f.organization, Enter: f.enter, User: f.user, IdleSeconds: f.idle,
	}))
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.flights[f.organization] != f {
		return
	}
	delete(t.flights, f.organization)
	f.held, f.err = t.land(f, v, err)
	close(f.done)
}

// land takes an answer in, unless it is out of date.
func (t *Tab) land(f *flight, v Value, err *Error) (*held, *Error) {
	if t.epoch() != f.epoch || err != nil && err.Code == api.RequestTooOld {
		return nil, again
	}
	answer := DecodeTokenResponse(v)
	if err == nil {
		err = t.check(f.organization, answer)
	}
	if err != nil {
		t.refused(f.organization, err)
		return nil, err
	}
	t.backoff = backoff{}
	h := t.keep(answer)
	if f.idle != nil {
		h.input = f.input
	}
	if t.worn(f.organization) {
		t.wear(h)
	}
	t.save()
	return h, nil
}

// check fails closed on a token that is not what was asked for: of the
// organisation, for the person.
func (t *Tab) check(organization string, answer api.TokenResponse) *Error {
	switch {
	case !complete(answer):
		return unreachable("the answer lacks what a token needs")
	case organization != "" && !names(answer.Organization, organization):
		return newError(OrganizationMismatch, "the backend answered for another organisation")
	case t.record.User.ID != "" && answer.User.ID != t.record.User.ID:
		return newError(api.IdentityChanged, "somebody else has signed in")
	}
	return nil
}

// complete reports whether an answer has what a token needs.
func complete(answer api.TokenResponse) bool {
	return answer.AccessToken != "" && answer.ExpiresIn > 0 && answer.Organization.ID != "" &&
		answer.User.ID != "" && answer.Session != ""
}

// worn tells whether an organisation, named as for mint, is the tab's.
func (t *Tab) worn(organization string) bool { return t.id(t.wish) == t.id(organization) }

// refused does what a refusal or a fault means for the tab.
func (t *Tab) refused(organization string, err *Error) {
	switch {
	case err.Action == api.SignIn:
		t.signedOut(err)
	case err.Code == api.IdentityChanged:
		t.identityChanged(err)
	case err.Code == api.OrganizationRequired:
		// settle offers them.
	case err.ends():
		t.drop(organization)
		t.ended(organization, err)
	default:
		t.backoff.fault(err, t.clock.now(), t.world.Random())
		t.failed(organization, err)
	}
}

// ended does what the end of an organisation session means for the tab: nothing,
// where it wears another.
func (t *Tab) ended(organization string, err *Error) {
	if t.worn(organization) && (t.sure() || err.Code != api.OrganizationAccessDenied) {
		t.takeOff(Ended, err)
	}
}

// failed does what a fault means for the tab: nothing, while its token lives.
func (t *Tab) failed(organization string, err *Error) {
	if !t.worn(organization) {
		return
	}
	if h := t.find(t.wish); h.usable(t.clock.now()) {
		t.wear(h)
		return
	}
	t.show(Unavailable, err)
}

// abort ends the mint under way for an organisation. Whoever waits for it gets
// the reason, or asks anew where that is [again].
func (t *Tab) abort(organization string, why *Error) {
	if f := t.flights[organization]; f != nil {
		delete(t.flights, organization)
		t.hangUp(f.call)
		f.err = why
		close(f.done)
	}
}

func (t *Tab) abortAll(why *Error) {
	for organization := range t.flights {
		t.abort(organization, why)
	}
}
