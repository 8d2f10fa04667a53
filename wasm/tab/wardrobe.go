package tab

import (
	"cmp"
	"slices"
	"time"

	"github.com/tabard-auth/tabard/backend/api"
)

// wardrobe is what the tab holds, wears and shows: it finds the token of an
// organization, and changes with what is put on and taken off. It asks nobody.
type wardrobe struct {
	record record
	state  State
	wish   string // the organization to wear, id or slug; empty while nobody named one
	named  bool   // by the page
	left   string // person and organization that the page showed when it was left; see stays
	input  activity
}

func newWardrobe(c Config, r record, left string, input activity) wardrobe {
	w := wardrobe{record: r, named: c.Organization != "", left: left, input: input}
	w.state = State{Status: Starting, Fence: r.Fence, Arrival: c.Arrival}
	if h := w.find(r.Organization); h != nil && (!w.named || names(&h.answer.Organization, c.Organization)) {
		w.state.Organization, w.state.User = h.organization(), h.answer.User
	}
	return w
}

// aim settles which organization the tab wears: the one that the page names,
// else the one that the tab remembers, else whichever the backend finds to be
// the person's only one. It returns the organization of a switch that waits for
// the step-up from which the page comes back.
func (w *wardrobe) aim(c Config) (pending string) {
	pending = w.record.Pending
	elsewhere := w.named && c.Organization != pending && !names(&w.record.PendingKnown, c.Organization)
	if elsewhere || c.Arrival != "" {
		pending = ""
	}
	w.pend("")
	w.wish = cmp.Or(c.Organization, w.record.Organization)
	return pending
}

// find returns what the tab holds for an organization, by id or slug.
func (w *wardrobe) find(name string) *held {
	for _, h := range w.record.Held {
		if names(&h.answer.Organization, name) {
			return h
		}
	}
	return nil
}

// drop forgets what the tab holds for an organization.
func (w *wardrobe) drop(name string) {
	w.record.Held = slices.DeleteFunc(w.record.Held, func(h *held) bool {
		return names(&h.answer.Organization, name)
	})
}

// id is the id of an organization that the tab knows, else its name as given.
func (w *wardrobe) id(name string) string {
	if h := w.find(name); h != nil {
		return h.organization().ID
	}
	if names(&w.state.Organization, name) {
		return w.state.Organization.ID
	}
	return name
}

// known returns what the tab knows of an organization, by id or slug.
func (w *wardrobe) known(name string) api.Organization {
	if h := w.find(name); h != nil {
		return h.organization()
	}
	for _, o := range w.state.Organizations {
		if known := (api.Organization{ID: o.ID, Slug: o.Slug, Name: o.Name}); names(&known, name) {
			return known
		}
	}
	if names(&w.state.Organization, name) {
		return w.state.Organization
	}
	return api.Organization{}
}

// pend notes the organization that the tab enters when the page is back, empty for
// none. The address to which it returns may call it by its other name.
func (w *wardrobe) pend(organization string) {
	w.record.Pending, w.record.PendingKnown = organization, w.known(organization)
}

// worn tells whether an organization, named as for mint, is the tab's.
func (w *wardrobe) worn(organization string) bool { return w.id(w.wish) == w.id(organization) }

// sure tells whether the organization to wear was named by the page, or worn
// before by the person who is signed in now: not left behind by somebody else.
func (w *wardrobe) sure() bool {
	return w.wish == "" || w.named || w.record.User.ID != ""
}

// pick returns the token that the tab holds for an organization, by id or slug, or for
// its own (empty), and none where one must be minted for the organization of that name.
// A token that an API has rejected is dropped. It fails where there is none until the
// person does something.
func (w *wardrobe) pick(organization, rejected string) (name string, h *held, err *Error) {
	switch {
	case organization == "" || w.worn(organization):
		organization, err = w.wish, w.refusal()
	case w.state.Status == SignedOut:
		err = w.refusal()
	}
	if err != nil {
		return "", nil, err
	}
	h = w.find(organization)
	if h != nil && h.answer.AccessToken == rejected {
		w.drop(organization)
		h = nil
	}
	return organization, h, nil
}

// refusal is why the tab's own organization gets no token until the person
// does something; nil where one may be had.
func (w *wardrobe) refusal() *Error {
	var code api.Code
	switch w.state.Status {
	case SignedOut:
		code = api.LoginRequired
	case Ended:
		code = api.OrganizationSessionExpired
	case Choose:
		code = api.OrganizationRequired
	default:
		return nil
	}
	if w.state.Error != nil {
		return w.state.Error
	}
	return newError(code, "the tab is "+string(w.state.Status))
}

// want returns the mint that gets a token for an organization, by id or slug, or for
// the person's only one. It has landed where a token is held that need not be renewed
// yet, and nobody enters.
func (w *wardrobe) want(organization string, enter bool, now time.Duration) *flight {
	organization = w.id(organization)
	told := noInput
	if enter || w.worn(organization) { // whoever enters has done something here
		told = w.input
	}
	f := &flight{organization: organization, enter: enter, told: told, done: make(chan struct{})}
	f.body = EncodeTokenRequest(api.TokenRequest{
		Organization: organization, Enter: enter, User: w.record.User.ID, IdleSeconds: told.seconds(now),
	})
	if h := w.find(organization); !enter && h.usable(now) && now < w.renewal(h) {
		f.land(h, nil)
	}
	return f
}

// renewal is when to ask for the next token: when this one is old; by two thirds of
// the idle limit, to report that the person is active; and before a warning, to hear
// of sibling tabs.
func (w *wardrobe) renewal(h *held) time.Duration {
	at := h.renewAt
	if h.limit() == 0 || h != w.find(w.wish) {
		return at
	}
	if w.input > h.input {
		at = min(at, h.idleEnd()-h.limit()/3)
	}
	if h.got < h.warnAt() {
		at = min(at, h.warnAt())
	}
	return at
}

// admit takes the token of an answer in, and leaves behind what was minted in another
// session or epoch than the browser's.
func (w *wardrobe) admit(f *flight, answer *api.TokenResponse, epoch string, c *clock, random func() uint64) (*held, *Error) {
	if err := w.check(f.organization, answer); err != nil {
		return nil, err
	}
	if answer.Session != w.record.Session || epoch != w.record.Epoch {
		w.record.Held = nil
	}
	w.drop(answer.Organization.ID)
	h := newHeld(answer, c.Wall(), c.now(), random())
	h.input = f.told
	w.record.Held = append(w.record.Held, h)
	w.record.User, w.record.Session = answer.User, answer.Session
	return h, nil
}

// check fails closed on a token that is not what was asked for: of the
// organization, for the person.
func (w *wardrobe) check(organization string, answer *api.TokenResponse) *Error {
	switch {
	case !complete(answer):
		return unreachable("the answer lacks what a token needs")
	case organization != "" && !names(&answer.Organization, organization):
		return newError(OrganizationMismatch, "the backend answered for another organization")
	case w.record.User.ID != "" && answer.User.ID != w.record.User.ID:
		return newError(api.IdentityChanged, "somebody else has signed in")
	}
	return nil
}

// wear puts an organization on.
func (w *wardrobe) wear(h *held) {
	o, user := h.organization(), h.answer.User
	if !w.stays(o, user) {
		w.fence()
	}
	w.left = ""
	w.wish, w.record.Organization = o.ID, o.ID
	w.state.Organization, w.state.User = o, user
	w.state.Roles, w.state.Permissions = h.answer.Roles, h.answer.Permissions
	w.state.DeviceBound = h.answer.DeviceBound
}

// stays tells whether a person's organization is the one that the page shows: the face
// may have shown it since the page was loaded, with a token that is over by now.
func (w *wardrobe) stays(o api.Organization, user api.User) bool {
	return w.state.wears() && w.state.Organization.ID == o.ID && w.state.User.ID == user.ID ||
		w.left == user.ID+"/"+o.ID
}

// fence makes what belongs to the organization worn so far out of date.
func (w *wardrobe) fence() {
	w.state.Fence++
	w.record.Fence = w.state.Fence
}

// takeOff ends the wearing of an organization. Only a tab that Ended still says
// which one it was.
func (w *wardrobe) takeOff(status Status) {
	if w.state.wears() || w.left != "" {
		w.fence()
	}
	w.left = ""
	if status != Ended {
		w.state.Organization = api.Organization{}
	}
	if status == SignedOut || status == Starting {
		w.state.User, w.state.Organizations = api.User{}, nil
	}
	w.state.Roles, w.state.Permissions = nil, nil
	w.record.Shown = ""
}
