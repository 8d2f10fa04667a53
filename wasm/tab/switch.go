package tab

import "github.com/tabard-auth/tabard/backend/api"

// Outcome is how a switch ended.
type Outcome string

// The outcomes. After all but Switched the tab goes on as before.
const (
	Switched       Outcome = "switched"
	StepUpRequired Outcome = "step_up_required" // the organisation asks for more authentication: Tab.StepUp
	Refused        Outcome = "refused"          // the backend said no
	Failed         Outcome = "failed"           // the answer could not be trusted
	OvertakenBy    Outcome = "overtaken"        // by another switch or a sign-out
	NotReached     Outcome = "unavailable"      // the backend, for now
)

// SwitchResult is how a switch ended, and why.
type SwitchResult struct {
	Status       Outcome
	Organization api.Organization // where Switched
	Error        *Error           // where not
}

// JSON is the result as the face reads it.
func (r SwitchResult) JSON() string {
	o := newObject()
	o.text("status", string(r.Status))
	if r.Error == nil {
		o.raw("organization", encodeOrganization(r.Organization))
	} else {
		o.text("code", string(r.Error.Code))
		o.text("action", string(r.Error.Action))
		o.text("description", r.Error.Description)
		if r.Error.Reason != "" {
			o.text("reason", r.Error.Reason)
		}
		o.text("loginUrl", r.Error.LoginURL)
	}
	return o.end()
}

// Switch changes the tab to another organisation, by id or slug, as a
// transaction: the new organisation's token is had first, then the tab changes.
// Whatever else happens, it goes on as before.
func (t *Tab) Switch(organization string) SwitchResult {
	return t.transact(organization, t.commit)
}

// Enter is the first half of a switch, for a page whose address changes before the
// tab does: it has the organization's token, and the tab stays as it is. A Switch that
// follows needs no request.
func (t *Tab) Enter(organization string) SwitchResult {
	return t.transact(organization, func(h *held) { t.entered = h })
}

func (t *Tab) transact(organization string, end func(*held)) SwitchResult {
	number, h := t.beginSwitch(organization)
	var err *Error
	if h == nil {
		h, err = t.mint(organization, true)
	}
	return t.endSwitch(number, h, err, end)
}

// beginSwitch numbers the switch and finds a token from before, where the
// organisation does not want a fresh one.
func (t *Tab) beginSwitch(organization string) (number int, h *held) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.heed()
	t.wake()
	t.state.Arrival = ""
	t.switches++
	h = t.find(organization)
	stays := h != nil && (h == t.entered || t.state.wears() && t.worn(organization))
	t.entered = nil
	if !h.usable(t.clock.now()) || h.answer.OrganizationSession.FreshOnSwitch && !stays {
		return t.switches, nil
	}
	return t.switches, h
}

// endSwitch ends it with what its kind does, if nothing came in between.
func (t *Tab) endSwitch(number int, h *held, err *Error, end func(*held)) SwitchResult {
	t.mu.Lock()
	defer t.mu.Unlock()
	if err == nil && (number != t.switches || t.find(h.organization().ID) != h) {
		err = overtaken
	}
	if err != nil {
		return SwitchResult{Status: outcome(err), Error: err}
	}
	end(h)
	return SwitchResult{Status: Switched, Organization: h.organization()}
}

// commit changes the tab.
func (t *Tab) commit(h *held) {
	if !t.worn(h.organization().ID) {
		t.abort(t.id(t.wish), overtaken)
	}
	t.wear(h)
	t.save()
}

func outcome(err *Error) Outcome {
	switch {
	case err.Code == Overtaken || err.Code == Closed:
		return OvertakenBy
	case err.Code == OrganizationMismatch:
		return Failed
	case err.Action == api.StepUp:
		return StepUpRequired
	case err.Action == api.Retry:
		return NotReached
	}
	return Refused
}

// StepUp navigates to where the organisation's wish for more authentication is
// met, and finishes the switch when the page is back at returnTo. loginURL is
// the refusal's, or empty.
func (t *Tab) StepUp(organization, loginURL, returnTo string) {
	t.mu.Lock()
	user := t.record.User.ID
	t.mu.Unlock()
	to := t.begin(t.stepUpURL(organization, loginURL), user, returnTo)
	t.mu.Lock()
	defer t.mu.Unlock()
	t.pend(organization)
	t.drop(organization) // what it holds was minted before
	t.save()
	t.world.Page.Navigate(to)
}

// pend notes the organization that the tab enters when the page is back, empty for
// none. The address to which it returns may call it by its other name.
func (t *Tab) pend(organization string) {
	t.record.Pending, t.record.PendingKnown = organization, t.known(organization)
}

// known returns what the tab knows of an organization, by id or slug.
func (t *Tab) known(name string) api.Organization {
	if h := t.find(name); h != nil {
		return h.organization()
	}
	for _, o := range t.state.Organizations {
		if known := (api.Organization{ID: o.ID, Slug: o.Slug, Name: o.Name}); names(known, name) {
			return known
		}
	}
	if names(t.state.Organization, name) {
		return t.state.Organization
	}
	return api.Organization{}
}
