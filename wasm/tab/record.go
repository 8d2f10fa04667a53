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
	// Organization is the id of the organization that the tab wears.
	Organization string
	// Pending is the organization of a switch that a step-up interrupted.
	Pending string
	// PendingKnown is what the tab knew of it: its id and its slug.
	PendingKnown api.Organization
	// User and Session say whose tokens they are.
	User    api.User
	Session string
	Held    []*heldToken
	// Fence numbers what the tab wore; see [State.Fence].
	Fence int64
	// Input is when the person last did something here, in Unix milliseconds of the
	// wall clock; 0 where nothing is known of it.
	Input int64
	// Shown is the state as last published, for the face to start with.
	Shown string
}

// load reads the record. Tokens of another epoch than the browser's are left behind:
// somebody signed in or out since. The organization stays. left is the person and the
// organization that the client may have shown since the page was loaded; see [binding.isShown].
func load(env Env, key, epoch string, c *clock) (r record, shownBefore string) {
	v, err := env.Parse(env.Session.Item(key))
	if err != nil || v == nil || number(v, "version") != recordVersion {
		return record{}, ""
	}
	r = decodeRecord(v)
	if epoch == "" || epoch != r.Epoch {
		r.Held = nil
	} else if member(v, "state") != nil {
		shownBefore = r.User.ID + "/" + r.Organization
	}
	r.Held = slices.DeleteFunc(r.Held, func(h *heldToken) bool { return !r.owns(h) || !h.restore(c, env.Random) })
	return r, shownBefore
}

// owns reports whether a stored token is complete and the record's own.
func (r *record) owns(h *heldToken) bool {
	return isComplete(&h.answer) && h.answer.User.ID == r.User.ID && h.answer.Session == r.Session
}

// save writes the record, without what has expired. Where the app has filled the storage,
// the tab keeps its organization, and a reload asks for a token.
func (r *record) save(storage Storage, key string, now time.Duration) {
	r.Held = slices.DeleteFunc(r.Held, func(h *heldToken) bool { return !h.usable(now) })
	if !storage.SetItem(key, r.json()) {
		small := *r
		small.Held, small.Shown = nil, ""
		storage.SetItem(key, small.json())
	}
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
	o.raw("held", array(len(r.Held), func(i int) string { return r.Held[i].json() }))
	if r.Shown != "" {
		o.raw("state", r.Shown)
	}
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
		Input:        boundedNumber(v, "input", maxMillis),
		Held:         list(v, "held", decodeHeldToken),
	}
}
