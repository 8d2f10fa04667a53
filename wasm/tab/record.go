package tab

import (
	"slices"
	"time"

	"github.com/tabard-auth/tabard/backend/api"
)

// recordVersion changes with the record's meaning; a record of another version is
// ignored.
const recordVersion = 1

// record is the tab's memory over a reload, in the tab's own storage. Only this package
// writes it; the client reads it to hand out a token before the module runs.
type record struct {
	// Tab is the tab's id: a label, never a credential.
	Tab string
	// Epoch is the epoch in which Held was minted.
	Epoch string
	// Organization is the id of the tab's organization.
	Organization string
	// Pending is the organization of a switch that a step-up interrupted.
	Pending string
	// PendingKnown is the organization of Pending as the tab knew it: its id and its
	// slug.
	PendingKnown api.Organization
	// User and Session are those of the tokens.
	User    api.User
	Session string
	Held    []*heldToken
	// Fence numbers the tab's organization; see [State.Fence].
	Fence int64
	// Input is the time of the person's last input, in Unix milliseconds of the wall
	// clock; 0 if unknown.
	Input int64
	// Origins is nil if the app's pages act for all organizations at each of its origins.
	Origins *api.Origins
	// Asked is when the tab last left for a silent sign-in, by the wall clock; 0 if never.
	Asked time.Duration
	// Several is set where several people can be signed in; see [record.person].
	Several bool
	// Look is set while the session may be another one than Session, after a step-up.
	Look bool
	// NewKey is the name of the device key of a person whose sign-in is under way, and Key
	// that of the tab's person who has just signed in.
	NewKey, Key string
	// Shown is the state as last published; the client starts with it.
	Shown string
}

// load reads the record. It drops tokens of another epoch, because somebody has signed
// in or out since, and keeps the organization. shownBefore is the person and
// organization that the client may have shown since the page was loaded; see
// [binding.isShown].
func load(env Env, key string, e *epoch, c *clock) (r record, shownBefore string) {
	v, err := env.Parse(env.Session.Item(key))
	if err != nil || v == nil || number(v, "version") != recordVersion {
		return record{}, ""
	}
	r = decodeRecord(v)
	e.person = r.person()
	if epoch := e.current(); epoch == "" || epoch != r.Epoch {
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

// save writes the record without expired tokens. If the app has filled the storage, it
// writes the organization alone, and a reload mints a token. So does a tab of an app with many
// origins, which does not hear of a sign-out at another one.
func (r *record) save(storage Storage, key string, now time.Duration) {
	r.Held = slices.DeleteFunc(r.Held, func(h *heldToken) bool { return !h.usable(now) })
	if r.Origins != nil || !storage.SetItem(key, r.json()) {
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
	if r.Origins != nil {
		o.raw("origins", encodeOrigins(r.Origins))
	}
	if r.Asked != 0 {
		o.number("asked", r.Asked.Milliseconds())
	}
	if r.Several {
		o.text("account", ":"+r.User.ID) // of the epoch's item, for the client
		o.flag("look", r.Look)
	}
	if r.NewKey != "" {
		o.text("new_key", r.NewKey)
	}
	if r.Key != "" {
		o.text("key", r.Key)
	}
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
		Origins:      decodeOrigins(member(v, "origins")),
		Asked:        time.Duration(boundedNumber(v, "asked", maxMillis)) * time.Millisecond,
		Several:      text(v, "account") != "",
		Look:         flag(v, "look"),
		NewKey:       text(v, "new_key"),
		Key:          text(v, "key"),
		Held:         list(v, "held", decodeHeldToken),
	}
}
