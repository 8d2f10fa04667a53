package tab

import "github.com/tabard-auth/tabard/backend/api"

// Status is where a tab stands.
type Status string

// The statuses.
const (
	Starting  Status = "starting"   // not known yet
	SignedOut Status = "signed_out" // nobody is signed in
	Choose    Status = "choose"     // signed in; the person must choose an organization
	Active    Status = "active"     // wears an organization, with a living token
	// Ended: the tab's organization session is over, or is not this person's;
	// State.Error says why. Others go on.
	Ended Status = "ended"
	// Unavailable: the backend cannot be reached and no token lives. Nothing
	// has ended.
	Unavailable Status = "unavailable"
)

// State is what the page sees of a tab.
type State struct {
	Status Status
	// Fence numbers what the tab wears. It changes with the organization and
	// the person and when either is taken off: what belongs to an older number
	// is out of date.
	Fence        int64
	Organization api.Organization
	User         api.User
	Roles        []string
	Permissions  []string
	// Organizations is nil until the backend was asked.
	Organizations []api.OrganizationState
	Error         *Error
	// Arrival is the code with which a sign-in came back without a session,
	// until the person does something else.
	Arrival     api.Code
	DeviceBound bool
	// Idle counts the seconds to the end of the organization session while the
	// person does nothing; 0 where there is no reason to warn.
	Idle int64
}

// wears tells whether an organization is worn: its data may be shown.
func (s *State) hasActive() bool {
	return s.Organization.ID != "" && s.Status != Ended && s.Status != Choose && s.Status != SignedOut
}

// JSON is the state as the face reads it.
func (s *State) JSON() string {
	o := newObject()
	o.text("status", string(s.Status))
	o.number("fence", s.Fence)
	o.raw("organization", orNull(s.Organization.ID != "", encodeOrganization(s.Organization)))
	o.raw("user", orNull(s.User.ID != "", encodeUser(s.User)))
	o.texts("roles", s.Roles)
	o.texts("permissions", s.Permissions)
	o.raw("organizations", orNull(s.Organizations != nil, EncodeOrganizations(s.Organizations)))
	problem := s.problem()
	if problem != nil && problem.LoginURL != "" {
		shown := *problem
		shown.LoginURL, problem = "", &shown // a step-up begins with a switch
	}
	o.raw("error", problem.JSON())
	o.flag("deviceBound", s.DeviceBound)
	o.raw("idle", orNull(s.Idle > 0, s.idle()))
	return o.end()
}

// problem is the error that the page is shown. Why a sign-in failed says more
// than that nobody is signed in, and that a step-up is of no use more than that one is
// asked for: the page would offer it for ever.
func (s *State) problem() *Error {
	switch {
	case s.Arrival == "":
	case s.Arrival == api.AuthTimeMissing && s.Error != nil && s.Error.Action == api.StepUp:
		return newError(s.Arrival, "the sign-in provider puts no auth_time into its identity tokens, and a rule of the organization needs it (authentication_age or isolated)")
	case s.Error == nil || s.Error.Code == api.LoginRequired:
		return newError(s.Arrival, "the sign-in ended without a session")
	}
	return s.Error
}

// idle is the warning as the face reads it.
func (s *State) idle() string {
	o := newObject()
	o.number("secondsLeft", s.Idle)
	return o.end()
}

func orNull(present bool, json string) string {
	if !present {
		return "null"
	}
	return json
}

// show sets the status and publishes the state if it changed.
func (t *Tab) show(status Status, err *Error) {
	s := &t.binding.state
	s.Status, s.Error = status, err
	s.Idle = t.binding.secondsLeft(t.clock.now())
	t.schedule()
	json := s.JSON()
	if json == t.published || t.closed {
		return
	}
	t.published = json
	t.env.Changed(json)
	close(t.changed)
	t.changed = make(chan struct{})
}

// wear puts an organization on. The caller saves the record.
func (t *Tab) activate(h *heldToken) {
	t.binding.activate(h)
	t.show(Active, nil)
	shown := t.binding.state
	shown.Idle = 0 // which is out of date by the time the record is read
	t.binding.record.Shown = shown.JSON()
}

// deactivate ends the wearing of an organization.
func (t *Tab) deactivate(status Status, err *Error) {
	t.binding.deactivate(status)
	t.show(status, err)
	t.save()
}

// signedOut ends everything: nobody is signed in. The record still knows whose
// tab it was, and of which organization, so that a sign-in lands there.
func (t *Tab) signedOut(err *Error) {
	t.mints.abortAll(errOvertaken)
	r := &t.binding.record
	r.Held, r.Session = nil, ""
	r.Epoch = t.epoch.renew("")
	t.deactivate(SignedOut, err)
}

// save writes the record, with the last input.
func (t *Tab) save() {
	b := &t.binding
	if b.input != noInput {
		b.record.Input = b.input.unixMillis(&t.clock)
	}
	b.record.save(t.env.Session, t.config.Key, t.clock.now())
}
