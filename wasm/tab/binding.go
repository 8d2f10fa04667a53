package tab

import (
	"cmp"
	"slices"
	"time"

	"github.com/tabard-auth/tabard/backend/api"
)

// binding is the organization that the tab acts for, with its record and its state. It
// finds the token of an organization, and changes when an organization is activated or
// deactivated. It sends no request.
type binding struct {
	record      record
	state       State
	wanted      string // the organization to activate, id or slug; empty while none is named
	namedByPage bool   // the page names it
	shownBefore string // person and organization that the page showed when it was left; see isShown
	input       activity
	listed      time.Duration // when the person was last asked to choose, or denied (clock.now)
}

func newBinding(c Config, r record, shownBefore string, input activity) binding {
	b := binding{record: r, namedByPage: c.Organization != "", shownBefore: shownBefore, input: input}
	b.state = State{Status: Starting, Fence: r.Fence}
	if c.Arrival != "" {
		b.state.Arrival = arrivalCode(c.Arrival)
	}
	if h := b.find(r.Organization); h != nil && (!b.namedByPage || matches(&h.answer.Organization, c.Organization)) {
		b.state.Organization, b.state.User = h.organization(), h.answer.User
	}
	return b
}

// resolveWanted sets the organization to activate: the one that the page names,
// otherwise the one in the record. If there is neither, the backend picks the person's
// only one. It returns the organization of a switch that a step-up interrupted, if the
// page is back from it.
func (b *binding) resolveWanted(c Config) (pending string) {
	pending = b.record.Pending
	elsewhere := b.namedByPage && c.Organization != pending && !matches(&b.record.PendingKnown, c.Organization)
	if elsewhere || c.Arrival != "" {
		pending = ""
	}
	if pending != "" {
		b.drop(pending) // the page may have asked for a token while it was left for the step-up
	}
	b.setPending("")
	b.wanted = cmp.Or(c.Organization, b.record.Organization)
	return pending
}

// find returns the tab's token for an organization, by id or slug; nil if it has none.
func (b *binding) find(name string) *heldToken {
	for _, h := range b.record.Held {
		if matches(&h.answer.Organization, name) {
			return h
		}
	}
	return nil
}

// drop removes the token of an organization, by id or slug.
func (b *binding) drop(name string) {
	b.record.Held = slices.DeleteFunc(b.record.Held, func(h *heldToken) bool {
		return matches(&h.answer.Organization, name)
	})
}

// id returns the id of an organization that the tab knows, otherwise name as given.
func (b *binding) id(name string) string {
	if h := b.find(name); h != nil {
		return h.organization().ID
	}
	if matches(&b.state.Organization, name) {
		return b.state.Organization.ID
	}
	return name
}

// lookup returns the organization that the tab knows by an id or slug; zero if it knows
// none.
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

// setPending records the organization to switch to when the page is back, empty for
// none. The return address may name it by its slug where it was given by id, so both
// are recorded.
func (b *binding) setPending(organization string) {
	b.record.Pending, b.record.PendingKnown = organization, b.lookup(organization)
}

// isActive reports whether an organization, named as for mint, is the tab's own.
func (b *binding) isActive(organization string) bool { return b.id(b.wanted) == b.id(organization) }

// trustsWanted reports whether the organization to activate was named by the page, or
// belonged to the person who is signed in. Otherwise an earlier person left it in the
// record.
func (b *binding) trustsWanted() bool {
	return b.wanted == "" || b.namedByPage || b.record.User.ID != ""
}

// pick returns the tab's token for an organization, by id or slug; empty is its own. It
// returns the organization's name and no token if one must be minted. A token that an
// API has rejected is dropped. It fails if no token can be had until the person acts.
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

// refusal returns the reason why no token of the tab's own organization can be had
// until the person acts; nil if one can.
func (b *binding) refusal() *Error {
	var err *Error
	switch b.state.Status {
	case SignedOut:
		err = errSignedOut
	case Ended:
		err = errEnded
	case Choose:
		err = errNotChosen
	case ChooseAccount:
		err = errNoAccount
	default:
		return nil
	}
	if b.state.Error != nil {
		return b.state.Error
	}
	return err
}

// newMint returns the mint of a token for an organization, by id or slug, or for the
// person's only one. It is done already if the tab has a token that is not due for
// renewal, unless enter is set.
func (b *binding) newMint(organization string, enter bool, now time.Duration) *inflight {
	organization = b.id(organization)
	reported := noInput
	if enter || b.isActive(organization) { // entering is activity there
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

// renewalTime returns when to ask for the next token: when this one is old, at two
// thirds of the idle limit to report activity, and before an idle warning, because a
// sibling tab may have reported activity.
func (b *binding) renewalTime(h *heldToken) time.Duration {
	at := h.renewAt
	if b.record.Origins != nil {
		at = min(at, h.received+staleAfter)
	}
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

// accept stores the token of a response. It drops tokens that were minted in another
// session or epoch.
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
	b.record.accept(answer.User, answer.Session, answer.Accounts != nil)
	b.record.Origins = answer.Origins
	return h, nil
}

// check fails closed on a token that is not for the requested organization and person.
func (b *binding) check(organization string, answer *api.TokenResponse) *Error {
	switch {
	case !isComplete(answer):
		return unavailable("the token response is incomplete")
	case organization != "" && !matches(&answer.Organization, organization):
		return newError(OrganizationMismatch, "the backend responded for another organization")
	case b.record.User.ID != "" && answer.User.ID != b.record.User.ID:
		return newError(api.IdentityChanged, "another person has signed in")
	}
	return nil
}

// activate makes an organization the tab's own.
func (b *binding) activate(h *heldToken) {
	o, user := h.organization(), h.answer.User
	if !b.isShown(o, user) {
		b.advanceFence()
	}
	b.shownBefore = ""
	b.wanted, b.record.Organization = o.ID, o.ID
	b.state.Denied = ""
	b.state.Organization, b.state.User = o, user
	b.state.Roles, b.state.Permissions = h.answer.Roles, h.answer.Permissions
	b.state.DeviceBound = h.answer.DeviceBound
}

// isShown reports whether the page shows this person and organization already. The
// client may have shown them from the record, with a token that has expired since.
func (b *binding) isShown(o api.Organization, user api.User) bool {
	return b.state.hasActive() && b.state.Organization.ID == o.ID && b.state.User.ID == user.ID ||
		b.shownBefore == user.ID+"/"+o.ID
}

// advanceFence puts everything of the organization so far out of date.
func (b *binding) advanceFence() {
	b.state.Fence++
	b.record.Fence = b.state.Fence
}

// deactivate ends the tab's organization. The state keeps its name only with the status
// Ended.
func (b *binding) deactivate(status Status) {
	if b.state.hasActive() || b.shownBefore != "" {
		b.advanceFence()
	}
	b.shownBefore, b.state.Denied = "", ""
	if status != Ended {
		b.state.Organization = api.Organization{}
	}
	if status == SignedOut || status == Starting {
		b.state.User, b.state.Organizations = api.User{}, nil
	}
	b.state.Roles, b.state.Permissions = nil, nil
	b.record.Shown = ""
}
