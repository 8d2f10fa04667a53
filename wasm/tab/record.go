package tab

import (
	"slices"
	"time"

	"github.com/tabard-auth/tabard/backend/api"
)

// recordVersion changes with the record's meaning; a record of another version
// is not read.
const recordVersion = 1

// record is what a tab remembers over a reload. It lies in the tab's own
// storage. Only this package writes it; the face reads it to hand out a living
// token before the module runs.
type record struct {
	// Tab is the tab's id: a label, never a credential.
	Tab string
	// Epoch is the browser's epoch under which Held was minted.
	Epoch string
	// Organization is the id of the organisation that the tab wears.
	Organization string
	// Pending is the organisation of a switch that a step-up interrupted.
	Pending string
	// PendingKnown is what the tab knew of it: its id and its slug.
	PendingKnown api.Organization
	// User and Session say whose tokens they are.
	User    api.User
	Session string
	Held    []*held
	// Fence numbers what the tab wore; see [State.Fence].
	Fence int64
	// Input is when the person last did something here, in Unix milliseconds of the
	// wall clock; 0 where nothing is known of it.
	Input int64
	// Shown is the state as last published, for the face to start with.
	Shown string
}

// held is an organisation session entered in this tab, with its token.
type held struct {
	answer  api.TokenResponse
	minted  time.Duration // wall clock
	got     time.Duration // this and the next: clock.now
	renewAt time.Duration
	expires time.Duration
	input   time.Duration // the person's last input that the backend was told of
}

// Of a token's life the last part is not handed out, so that it survives its
// way to the API, and before that comes a part in which it is renewed while it
// is still in use.
const (
	marginShare, marginMost = 20, 5 * time.Second
	renewShare, renewMost   = 5, time.Minute
)

// newHeld is the token of an answer that came at the moment now.
func newHeld(answer api.TokenResponse, wall, now time.Duration, random uint64) *held {
	h := &held{answer: answer, minted: wall, got: now, input: noInput}
	early := min(h.life()/renewShare, renewMost)
	h.expires = now + h.life()
	h.renewAt = h.expires - early - fraction(early/2, random)
	if h.last() {
		h.renewAt = now + time.Duration(answer.ExpiresIn)*time.Second
	}
	return h
}

// last tells a token that lives as long as its session does: to renew it before its
// end gains nothing.
func (h *held) last() bool {
	s := h.answer.OrganizationSession
	for _, end := range []int64{h.answer.SessionExpiresIn, s.ExpiresIn, s.IdleExpiresIn} {
		if end != 0 && end <= h.answer.ExpiresIn {
			return true
		}
	}
	return false
}

// life is how long the token is handed out after it was minted.
func (h *held) life() time.Duration {
	life := time.Duration(h.answer.ExpiresIn) * time.Second
	return life - min(life/marginShare, marginMost)
}

func (h *held) usable(now time.Duration) bool { return h != nil && now < h.expires }

func (h *held) organization() api.Organization { return h.answer.Organization }

// names tells whether name, an id or a slug, is the organisation's.
func names(o api.Organization, name string) bool {
	return name != "" && (name == o.ID || name == o.Slug)
}

// find returns what the tab holds for an organisation, by id or slug.
func (t *Tab) find(name string) *held {
	for _, h := range t.record.Held {
		if names(h.organization(), name) {
			return h
		}
	}
	return nil
}

// keep takes a minted token into the record; the caller saves it.
func (t *Tab) keep(answer api.TokenResponse) *held {
	if answer.Session != t.record.Session || t.epoch() != t.record.Epoch {
		t.record.Held = nil
	}
	t.drop(answer.Organization.ID)
	h := newHeld(answer, t.clock.Wall(), t.clock.now(), t.world.Random())
	t.record.Held = append(t.record.Held, h)
	before := t.record.Session
	t.record.User, t.record.Session = answer.User, answer.Session
	t.enterEpoch(before)
	return h
}

// drop forgets what the tab holds for an organisation.
func (t *Tab) drop(name string) {
	t.record.Held = slices.DeleteFunc(t.record.Held, func(h *held) bool {
		return names(h.organization(), name)
	})
}

// save writes the record, without what has expired. Where the app has filled the storage,
// the tab keeps its organisation, and a reload asks for a token.
func (t *Tab) save() {
	now := t.clock.now()
	if t.input != noInput {
		t.record.Input = (t.clock.Wall() - (now - t.input)).Milliseconds()
	}
	t.record.Held = slices.DeleteFunc(t.record.Held, func(h *held) bool { return !h.usable(now) })
	if !t.world.Session.SetItem(t.config.Key, t.record.json()) {
		small := t.record
		small.Held, small.Shown = nil, ""
		t.world.Session.SetItem(t.config.Key, small.json())
	}
}

// load reads the record. Tokens of another epoch are left behind: somebody
// signed in or out since. The organisation stays.
func (t *Tab) load() record {
	v, err := t.world.Parse(t.world.Session.Item(t.config.Key))
	if err != nil || v == nil || number(v, "version") != recordVersion {
		return record{}
	}
	r := decodeRecord(v)
	if epoch := t.epoch(); epoch == "" || epoch != r.Epoch {
		r.Held = nil
	} else if member(v, "state") != nil {
		t.left = r.User.ID + "/" + r.Organization
	}
	r.Held = slices.DeleteFunc(r.Held, func(h *held) bool { return !r.owns(h) || !t.revive(h) })
	return r
}

// owns reports whether a stored token is complete and the record's own.
func (r *record) owns(h *held) bool {
	return complete(h.answer) && h.answer.User.ID == r.User.ID && h.answer.Session == r.Session
}

// recalled is when an input was that the record knows of.
func (t *Tab) recalled(unixMillis int64) time.Duration {
	age := t.clock.Wall() - time.Duration(unixMillis)*time.Millisecond
	if unixMillis == 0 || age < 0 {
		return noInput
	}
	return t.clock.now() - age
}

// revive counts a stored token's life from the time of day at which it was
// minted, the only clock that goes on over a reload. A token from the future
// has no known age.
func (t *Tab) revive(h *held) bool {
	age := t.clock.Wall() - h.minted
	if age < 0 {
		return false
	}
	*h = *newHeld(h.answer, h.minted, t.clock.now()-age, t.world.Random())
	return h.usable(t.clock.now())
}

func (r *record) json() string {
	o := newObject()
	o.number("version", recordVersion)
	o.text("tab", r.Tab)
	o.text("epoch", r.Epoch)
	o.text("organization", r.Organization)
	o.text("pending", r.Pending)
	o.raw("pending_known", encodeOrganization(r.PendingKnown))
	o.raw("user", encodeUser(r.User))
	o.text("session", r.Session)
	o.number("fence", r.Fence)
	o.number("input", r.Input)
	o.raw("held", array(r.Held, (*held).json))
	if r.Shown != "" {
		o.raw("state", r.Shown)
	}
	return o.end()
}

func (h *held) json() string {
	o := newObject()
	o.number("minted", h.minted.Milliseconds())
	o.number("until", (h.minted + h.life()).Milliseconds())
	o.raw("answer", EncodeTokenResponse(h.answer))
	return o.end()
}

func decodeRecord(v Value) record {
	return record{
		Tab:          text(v, "tab"),
		Epoch:        text(v, "epoch"),
		Organization: text(v, "organization"),
		Pending:      text(v, "pending"),
		PendingKnown: decodeOrganization(member(v, "pending_known")),
		User:         decodeUser(member(v, "user")),
		Session:      text(v, "session"),
		Fence:        number(v, "fence"),
		Input:        within(v, "input", maxMillis),
		Held:         list(v, "held", decodeHeld),
	}
}

func decodeHeld(v Value) *held {
	return &held{
		answer: DecodeTokenResponse(member(v, "answer")),
		minted: time.Duration(within(v, "minted", maxMillis)) * time.Millisecond,
	}
}
