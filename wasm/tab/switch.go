package tab

import (
	"time"

	"github.com/tabard-auth/tabard/backend/api"
)

// Outcome is the result of a switch.
type Outcome string

// The outcomes. After all but Switched the tab is as before.
const (
	Switched          Outcome = "switched"
	StepUpRequired    Outcome = "step_up_required" // the organization demands a step-up: Tab.StepUp
	Refused           Outcome = "refused"          // by the backend
	Failed            Outcome = "failed"           // the response was for another organization
	SwitchOvertaken   Outcome = "overtaken"        // by another switch or a sign-out
	SwitchUnavailable Outcome = "unavailable"      // the backend cannot be reached
	Leaving           Outcome = "leaving"          // for the organization's own origin
)

// SwitchResult is the outcome of a switch, with its reason.
type SwitchResult struct {
	Status       Outcome
	Organization api.Organization // if Switched
	Error        *Error           // otherwise
}

// JSON returns the result as the client reads it.
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

// switches numbers the switches, so that the last one wins.
type switches struct {
	last    int
	entered *heldToken // the token of the last Enter
}

// begin numbers a switch to an organization, for which the tab holds h, if any. It
// returns h if no mint is needed: it is valid, and either the organization needs no
// fresh token at a switch, or it is the tab's own, or was just entered.
func (s *switches) begin(h *heldToken, active bool, now time.Duration) (number int, ready *heldToken) {
	s.last++
	stays := h != nil && (h == s.entered || active)
	s.entered = nil
	if !h.usable(now) || h.answer.OrganizationSession.FreshOnSwitch && !stays {
		return s.last, nil
	}
	return s.last, h
}

// Switch changes the tab to another organization, by id or slug, as a transaction: it
// mints the new organization's token first and then activates it. If the mint fails,
// the tab stays as it was. Where the organization has an origin of its own, the page leaves
// for it once the backend has agreed.
func (t *Tab) Switch(organization string) SwitchResult {
	if r, leaves := t.leave(organization); leaves {
		return r
	}
	return t.switchHere(organization)
}

// switchHere is Switch without leaving the page's origin.
func (t *Tab) switchHere(organization string) SwitchResult {
	return t.transact(organization, func(h *heldToken) {
		if !t.binding.isActive(h.organization().ID) {
			t.mints.abort(t.binding.id(t.binding.wanted), errOvertaken)
		}
		t.activate(h)
		t.save()
	})
}

// Enter is the first half of a switch, for a page whose address changes before the tab
// does: it mints the organization's token and leaves the tab as it is. A Switch that
// follows needs no request.
func (t *Tab) Enter(organization string) SwitchResult {
	return t.transact(organization, func(h *heldToken) { t.switches.entered = h })
}

// transact begins a switch, mints a token if needed, and calls end with it unless
// another switch or a sign-out came first.
func (t *Tab) transact(organization string, end func(*heldToken)) SwitchResult {
	b := &t.binding
	t.mu.Lock()
	t.checkEpoch()
	t.checkSleep()
	b.state.Arrival = ""
	number, h := t.switches.begin(b.find(organization), b.state.hasActive() && b.isActive(organization), t.clock.now())
	t.mu.Unlock()
	var err *Error
	if h == nil {
		h, err = t.mint(organization, true)
	}
	t.mu.Lock()
	defer t.mu.Unlock()
	if err == nil && (number != t.switches.last || b.find(h.organization().ID) != h) {
		err = errOvertaken
	}
	if err != nil {
		return SwitchResult{Status: outcome(err), Error: err}
	}
	end(h)
	return SwitchResult{Status: Switched, Organization: h.organization()}
}

func outcome(err *Error) Outcome {
	switch {
	case err.Code == Overtaken || err.Code == Closed:
		return SwitchOvertaken
	case err.Code == OrganizationMismatch:
		return Failed
	case err.Action == api.StepUp:
		return StepUpRequired
	case err.Action == api.Retry:
		return SwitchUnavailable
	}
	return Refused
}
