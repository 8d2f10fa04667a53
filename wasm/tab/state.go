package tab

import "github.com/tabard-auth/tabard/backend/api"

// Status is the status of a tab.
type Status string

// The statuses.
const (
	Starting  Status = "starting"   // not known yet
	SignedOut Status = "signed_out" // nobody is signed in
	// ChooseAccount: several people are signed in; the person must choose whom the tab acts
	// for.
	ChooseAccount Status = "choose_account"
	Choose        Status = "choose" // signed in; the person must choose an organization
	Active        Status = "active" // acts for an organization, with a valid token
	// Ended: the tab's organization session is over, or belongs to another person;
	// State.Error has the reason. Other organizations go on.
	Ended Status = "ended"
	// Unavailable: the backend cannot be reached and the token has expired. No session
	// has ended.
	Unavailable Status = "unavailable"
)

// State is the tab's state as the page sees it.
type State struct {
	Status Status
	// Fence numbers the tab's organization. It changes when organization or person
	// change and when either is deactivated: data of an older number is out of date.
	Fence        int64
	Organization api.Organization
	User         api.User
	Roles        []string
	Permissions  []string
	// Organizations is nil until they were fetched.
	Organizations []api.OrganizationState
	Error         *Error
	// Account is the id of the tab's person, where several can be signed in, and Accounts
	// are the people to choose from.
	Account  string
	Accounts []api.Account
	// Denied is the organization that the tab was to act for and did not enter, as it was
	// named; empty if there is none. The status is Ended then, and the client shows it as
	// "denied": one of the release before knows the other alone.
	Denied string
	// Arrival is the error code of a sign-in that came back without a session, until
	// the person's next action.
	Arrival     api.Code
	DeviceBound bool
	// Origins says where the app's pages are; nil if it has no origin for each organization.
	Origins *api.Origins
	// Idle is the number of seconds until the organization session of an idle person
	// ends; 0 while no warning is due.
	Idle int64
}

// hasActive reports whether an organization is active, so that its data may be shown.
func (s *State) hasActive() bool {
	return s.Organization.ID != "" && s.Status != Ended && s.Status != Choose && s.Status != ChooseAccount && s.Status != SignedOut
}

// JSON returns the state as the client reads it.
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
	if s.Origins != nil {
		o.raw("origins", encodeOrigins(s.Origins))
	}
	if s.Denied != "" {
		o.text("denied", s.Denied)
	}
	if s.Account != "" {
		o.text("account", s.Account)
	}
	if s.Status == ChooseAccount {
		o.raw("accounts", EncodeAccounts(s.Accounts))
	}
	o.flag("deviceBound", s.DeviceBound)
	o.raw("idle", orNull(s.Idle > 0, s.idle()))
	return o.end()
}

// problem returns the error that the page shows. The reason why a sign-in failed says
// more than that nobody is signed in. That a step-up cannot help says more than that
// one is required: the page would offer it for ever.
func (s *State) problem() *Error {
	switch {
	case s.Arrival == "":
	case s.Arrival == api.AuthTimeMissing && s.Error != nil && s.Error.Action == api.StepUp:
		return newError(s.Arrival, "the sign-in provider puts no auth_time into its identity tokens, and a rule of the organization needs it (authentication_age or isolated)")
	case s.Arrival == api.AuthenticationNotRenewed && s.Error != nil && s.Error.Action == api.StepUp:
		return newError(s.Arrival, "the sign-in provider did not ask the person again, although the organization asks for a newer authentication (max_age)")
	case s.Error == nil || s.Error.Code == api.LoginRequired:
		return newError(s.Arrival, "the sign-in did not succeed; try it again")
	}
	return s.Error
}

// idle returns the warning as the client reads it.
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
	s.Status, s.Error, s.Origins = status, err, t.binding.record.Origins
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

// activate makes an organization the tab's own. The caller saves the record.
func (t *Tab) activate(h *heldToken) {
	t.binding.activate(h)
	t.show(Active, nil)
	shown := t.binding.state
	shown.Idle = 0 // out of date by the time the record is read
	t.binding.record.Shown = shown.JSON()
}

// deactivate ends the tab's organization and shows a status.
func (t *Tab) deactivate(status Status, err *Error) {
	t.binding.deactivate(status)
	t.show(status, err)
	t.save()
}

// signedOut ends everything: nobody is signed in. The record keeps the person and the
// organization, so that a sign-in returns there.
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
	if t.closed {
		return // the record may be another client's of the page by now
	}
	if b.input != noInput {
		b.record.Input = b.input.unixMillis(&t.clock)
	}
	b.record.save(t.env.Session, t.config.Key, t.clock.now())
}
