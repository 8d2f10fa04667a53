package tab

import "github.com/tabard-auth/tabard/backend/api"

// Status is where a tab stands.
type Status string

// The statuses.
const (
	Starting  Status = "starting"   // not known yet
	SignedOut Status = "signed_out" // nobody is signed in
	Choose    Status = "choose"     // signed in; the person must choose an organisation
	Active    Status = "active"     // wears an organisation, with a living token
	// Ended: the tab's organisation session is over, or is not this person's;
	// State.Error says why. Others go on.
	Ended Status = "ended"
	// Unavailable: the backend cannot be reached and no token lives. Nothing
	// has ended.
	Unavailable Status = "unavailable"
)

// State is what the page sees of a tab.
type State struct {
	Status Status
	// Fence numbers what the tab wears. It changes with the organisation and
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
	// Idle counts the seconds to the end of the organisation session while the
	// person does nothing; 0 where there is no reason to warn.
	Idle int64
}

// wears tells whether an organisation is worn: its data may be shown.
func (s *State) wears() bool {
	return s.Organization.ID != "" && s.Status != Ended && s.Status != Choose && s.Status != SignedOut
}

// JSON is the state as the face reads it.
func (s *State) JSON() string {
	o := newObject()
	o.text("status", string(s.Status))
	o.number("fence", s.Fence)
	o.raw("organization", orNull(s.Organization.ID != "", func() string { return encodeOrganization(s.Organization) }))
	o.raw("user", orNull(s.User.ID != "", func() string { return encodeUser(s.User) }))
	o.texts("roles", s.Roles)
	o.texts("permissions", s.Permissions)
	o.raw("organizations", orNull(s.Organizations != nil, func() string { return EncodeOrganizations(s.Organizations) }))
	o.raw("error", orNull(s.problem() != nil, func() string {
		shown := *s.problem()
		shown.LoginURL = "" // a step-up begins with a switch
		return shown.JSON()
	}))
	o.flag("deviceBound", s.DeviceBound)
	o.raw("idle", orNull(s.Idle > 0, s.idle))
	return o.end()
}

// problem is the error that the page is shown. Why a sign-in failed says more
// than that nobody is signed in, and that a step-up is of no use more than that one is
// asked for: the page would offer it for ever.
func (s *State) problem() *Error {
	switch {
	case s.Arrival == "":
	case s.Arrival == api.AuthTimeMissing && s.Error != nil && s.Error.Action == api.StepUp:
		return newError(s.Arrival, "the sign-in provider does not say when people authenticate, and the organisation asks for it")
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

func orNull(present bool, json func() string) string {
	if !present {
		return "null"
	}
	return json()
}

// show sets the status and publishes the state if it changed.
func (t *Tab) show(status Status, err *Error) {
	t.state.Status, t.state.Error = status, err
	t.state.Idle = t.secondsLeft()
	t.plan()
	json := t.state.JSON()
	if json == t.shown || t.closed {
		return
	}
	t.shown = json
	t.world.Changed(json)
	close(t.moved)
	t.moved = make(chan struct{})
}

// wear puts an organisation on. The caller saves the record.
func (t *Tab) wear(h *held) {
	o, user := h.organization(), h.answer.User
	if !t.stays(o, user) {
		t.fence()
	}
	t.left = ""
	t.wish, t.record.Organization = o.ID, o.ID
	t.state.Organization, t.state.User = o, user
	t.state.Roles, t.state.Permissions = h.answer.Roles, h.answer.Permissions
	t.state.DeviceBound = h.answer.DeviceBound
	t.show(Active, nil)
	shown := t.state
	shown.Idle = 0 // which is out of date by the time the record is read
	t.record.Shown = shown.JSON()
}

// stays tells whether a person's organisation is the one that the page shows: the face
// may have shown it since the page was loaded, with a token that is over by now.
func (t *Tab) stays(o api.Organization, user api.User) bool {
	return t.state.wears() && t.state.Organization.ID == o.ID && t.state.User.ID == user.ID ||
		t.left == user.ID+"/"+o.ID
}

// fence makes what belongs to the organisation worn so far out of date.
func (t *Tab) fence() {
	t.state.Fence++
	t.record.Fence = t.state.Fence
}

// takeOff ends the wearing of an organisation. Only a tab that Ended still says
// which one it was.
func (t *Tab) takeOff(status Status, err *Error) {
	if t.state.wears() || t.left != "" {
		t.fence()
	}
	t.left = ""
	if status != Ended {
		t.state.Organization = api.Organization{}
	}
	if status == SignedOut || status == Starting {
		t.state.User, t.state.Organizations = api.User{}, nil
	}
	t.state.Roles, t.state.Permissions = nil, nil
	t.record.Shown = ""
	t.show(status, err)
	t.save()
}

// signedOut ends everything: nobody is signed in. The record still knows whose
// tab it was, and of which organisation, so that a sign-in lands there.
func (t *Tab) signedOut(err *Error) {
	t.abortAll(overtaken)
	t.record.Held, t.record.Session = nil, ""
	t.leaveEpoch("")
	t.takeOff(SignedOut, err)
}

// identityChanged ends the tab's part in the session: somebody else signed in.
func (t *Tab) identityChanged(err *Error) {
	t.abortAll(overtaken)
	t.record.Held = nil
	t.record.Epoch = t.epoch()
	t.takeOff(Ended, err)
}
