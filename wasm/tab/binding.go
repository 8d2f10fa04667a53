package tab

import (
	"cmp"
	"slices"
	"time"

	"github.com/tabard-auth/tabard/backend/api"
)

// binding is what the tab holds, wears and shows: it finds the token of an
// organization, and changes with what is put on and taken off. It asks nobody.
type binding struct {
	record      record
	state       State
	wanted      string // the organization to wear, id or slug; empty while nobody named one
	namedByPage bool   // by the page
	shownBefore string // person and organization that the page showed when it was left; see stays
	input       activity
}

func newBinding(c Config, r record, shownBefore string, input activity) binding {
	b := binding{record: r, namedByPage: c.Organization != "", shownBefore: shownBefore, input: input}
	b.state = State{Status: Starting, Fence: r.Fence, Arrival: c.Arrival}
	if h := b.find(r.Organization); h != nil && (!b.namedByPage || matches(&h.answer.Organization, c.Organization)) {
		b.state.Organization, b.state.User = h.organization(), h.answer.User
	}
	return b
}

// aim settles which organization the tab wears: the one that the page names,
// else the one that the tab remembers, else whichever the backend finds to be
// the person's only one. It returns the organization of a switch that waits for
// the step-up from which the page comes back.
func (b *binding) resolveWanted(c Config) (pending string) {
	pending = b.record.Pending
	elsewhere := b.namedByPage && c.Organization != pending && !matches(&b.record.PendingKnown, c.Organization)
	if elsewhere || c.Arrival != "" {
		pending = ""
	}
	b.setPending("")
	b.wanted = cmp.Or(c.Organization, b.record.Organization)
	return pending
}

// find returns what the tab holds for an organization, by id or slug.
func (b *binding) find(name string) *heldToken {
	for _, h := range b.record.Held {
		if matches(&h.answer.Organization, name) {
			return h
		}
	}
	return nil
}

// drop forgets what the tab holds for an organization.
func (b *binding) drop(name string) {
	b.record.Held = slices.DeleteFunc(b.record.Held, func(h *heldToken) bool {
		return matches(&h.answer.Organization, name)
	})
}

// id is the id of an organization that the tab knows, else its name as given.
func (b *binding) id(name string) string {
	if h := b.find(name); h != nil {
		return h.organization().ID
	}
	if matches(&b.state.Organization, name) {
		return b.state.Organization.ID
	}
	return name
}

// known returns what the tab knows of an organization, by id or slug.
func (b *binding) lookup(name string) api.Organization {
	if h := b.find(name); h != nil {
		return h.organization()
	}
	for _, o := range b.state.Organizations {
		if known := (api.Organization{ID: o.ID, Slug: o.Slug, Name: o.Name}); matches(&known, name) {
			return known
		}
	}
	if matches(&b.state.Organization, name) {
		return b.state.Organization
	}
	return api.Organization{}
}

// pend notes the organization that the tab enters when the page is back, empty for
// none. The address to which it returns may call it by its other name.
func (b *binding) setPending(organization string) {
	b.record.Pending, b.record.PendingKnown = organization, b.lookup(organization)
}

// worn tells whether an organization, named as for mint, is the tab's.
func (b *binding) isActive(organization string) bool { return b.id(b.wanted) == b.id(organization) }

// sure tells whether the organization to wear was named by the page, or worn
// before by the person who is signed in now: not left behind by somebody else.
func (b *binding) trustsWanted() bool {
	return b.wanted == "" || b.namedByPage || b.record.User.ID != ""
}

// pick returns the token that the tab holds for an organization, by id or slug, or for
// its own (empty), and none where one must be minted for the organization of that name.
// A token that an API has rejected is dropped. It fails where there is none until the
// person does something.
func (b *binding) pick(organization, rejected string) (name string, h *heldToken, err *Error) {
	switch {
	case organization == "" || b.isActive(organization):
		organization, err = b.wanted, b.refusal()
	case b.state.Status == SignedOut:
		err = b.refusal()
	}
	if err != nil {
		return "", nil, err
	}
	h = b.find(organization)
	if h != nil && h.answer.AccessToken == rejected {
		b.drop(organization)
		h = nil
	}
	return organization, h, nil
}

// refusal is why the tab's own organization gets no token until the person
// does something; nil where one may be had.
func (b *binding) refusal() *Error {
	var code api.Code
	switch b.state.Status {
	case SignedOut:
		code = api.LoginRequired
	case Ended:
		code = api.OrganizationSessionExpired
	case Choose:
		code = api.OrganizationRequired
	default:
		return nil
	}
	if b.state.Error != nil {
		return b.state.Error
	}
	return newError(code, "the tab is "+string(b.state.Status))
}

// want returns the mint that gets a token for an organization, by id or slug, or for
// the person's only one. It has landed where a token is held that need not be renewed
// yet, and nobody enters.
func (b *binding) newMint(organization string, enter bool, now time.Duration) *inflight {
	organization = b.id(organization)
	reported := noInput
	if enter || b.isActive(organization) { // whoever enters has done something here
		reported = b.input
	}
	f := &inflight{organization: organization, enter: enter, reported: reported, done: make(chan struct{})}
	f.body = EncodeTokenRequest(api.TokenRequest{
		Organization: organization, Enter: enter, User: b.record.User.ID, IdleSeconds: reported.seconds(now),
	})
	if h := b.find(organization); !enter && h.usable(now) && now < b.renewalTime(h) {
		f.finish(h, nil)
	}
	return f
}

// renewal is when to ask for the next token: when this one is old; by two thirds of
// the idle limit, to report that the person is active; and before a warning, to hear
// of sibling tabs.
func (b *binding) renewalTime(h *heldToken) time.Duration {
	at := h.renewAt
	if h.idleLimit() == 0 || h != b.find(b.wanted) {
		return at
	}
	if b.input > h.reportedInput {
		at = min(at, h.idleEnd()-h.idleLimit()/3)
	}
	if h.received < h.warnAt() {
		at = min(at, h.warnAt())
	}
	return at
}

// admit takes the token of an answer in, and leaves behind what was minted in another
// session or epoch than the browser's.
func (b *binding) accept(f *inflight, answer *api.TokenResponse, epoch string, c *clock, random func() uint64) (*heldToken, *Error) {
	if err := b.check(f.organization, answer); err != nil {
		return nil, err
	}
	if answer.Session != b.record.Session || epoch != b.record.Epoch {
		b.record.Held = nil
	}
	b.drop(answer.Organization.ID)
	h := newHeldToken(answer, c.Wall(), c.now(), random())
	h.reportedInput = f.reported
	b.record.Held = append(b.record.Held, h)
	b.record.User, b.record.Session = answer.User, answer.Session
	return h, nil
}

// check fails closed on a token that is not what was asked for: of the
// organization, for the person.
func (b *binding) check(organization string, answer *api.TokenResponse) *Error {
	switch {
	case !isComplete(answer):
		return unavailable("the answer lacks what a token needs")
	case organization != "" && !matches(&answer.Organization, organization):
		return newError(OrganizationMismatch, "the backend answered for another organization")
	case b.record.User.ID != "" && answer.User.ID != b.record.User.ID:
		return newError(api.IdentityChanged, "somebody else has signed in")
	}
	return nil
}

// wear puts an organization on.
func (b *binding) activate(h *heldToken) {
	o, user := h.organization(), h.answer.User
	if !b.isShown(o, user) {
		b.advanceFence()
	}
	b.shownBefore = ""
	b.wanted, b.record.Organization = o.ID, o.ID
	b.state.Organization, b.state.User = o, user
	b.state.Roles, b.state.Permissions = h.answer.Roles, h.answer.Permissions
	b.state.DeviceBound = h.answer.DeviceBound
}

// stays tells whether a person's organization is the one that the page shows: the face
// may have shown it since the page was loaded, with a token that is over by now.
func (b *binding) isShown(o api.Organization, user api.User) bool {
	return b.state.hasActive() && b.state.Organization.ID == o.ID && b.state.User.ID == user.ID ||
		b.shownBefore == user.ID+"/"+o.ID
}

// fence makes what belongs to the organization worn so far out of date.
func (b *binding) advanceFence() {
	b.state.Fence++
	b.record.Fence = b.state.Fence
}

// deactivate ends the wearing of an organization. Only a tab that Ended still says
// which one it was.
func (b *binding) deactivate(status Status) {
	if b.state.hasActive() || b.shownBefore != "" {
		b.advanceFence()
	}
	b.shownBefore = ""
	if status != Ended {
		b.state.Organization = api.Organization{}
	}
	if status == SignedOut || status == Starting {
		b.state.User, b.state.Organizations = api.User{}, nil
	}
	b.state.Roles, b.state.Permissions = nil, nil
	b.record.Shown = ""
}
