package tab

import "github.com/tabard-auth/tabard/backend/api"

// maxName is the longest id or slug of an organization, in bytes.
const maxName = 64

// isName reports whether a text can be an organization's id or slug. What cannot is no
// organization, and the backend is not asked.
func isName(text string) bool {
	for i := range len(text) {
		switch c := text[i]; {
		case 'a' <= c && c <= 'z', '0' <= c && c <= '9', c == '-', c == '_':
		default:
			return false
		}
	}
	return len(text) <= maxName
}

// errNoName is the result of a mint for what can be no organization.
var errNoName = newError(api.OrganizationAccessDenied, "an organization has an id or slug of up to 64 small letters, digits, - and _: name it by that alone")

// deniesEntry reports whether an error keeps a person out of an organization that they
// were not in: it does not admit them, demands a step-up first, or has an origin of its own
// without a session. A reason says that a session there has ended.
func (e *Error) deniesEntry() bool {
	return e != nil && (e.Code == api.OrganizationAccessDenied || e.Code == api.OriginNotJoined || e.Code == api.InsufficientUserAuthentication && e.Reason == "")
}

// isDenied reports whether the tab shows that it did not enter an organization.
func (b *binding) isDenied() bool { return b.state.Status == Ended && b.state.Denied != "" }

// opens reports whether the tab is about to act for an organization of which it shows
// nothing yet.
func (b *binding) opens(organization string) bool {
	undecided := b.state.Status == Starting || b.state.Status == Unavailable || b.isDenied()
	shown := b.state.Organization.ID != "" && !b.isDenied() || b.shownBefore != "" && b.record.Organization == b.id(b.wanted)
	return undecided && !shown && b.isActive(organization)
}

// showDenied shows that the tab did not enter an organization, with the person and where
// else they may go.
func (t *Tab) showDenied(name string, err *Error) {
	session, failed := t.fetchSession(err)
	t.mu.Lock()
	defer t.mu.Unlock()
	b := &t.binding
	switch {
	case !b.opens(name):
		return // signed out, or in another organization meanwhile
	case failed != nil && failed.Action == api.Retry:
		t.show(Unavailable, failed)
		return
	case failed == nil:
		if session.Accounts != nil {
			b.record.accept(session.User, session.Session, true)
			t.bindPerson()
		}
		b.record.Epoch = t.epoch.ensure(session.Session, b.record.Session) // other tabs hear of a sign-in
		b.state.Organizations, b.state.User, b.state.DeviceBound = session.Organizations, session.User, session.DeviceBound
	}
	b.deactivate(Ended)
	b.state.Denied, b.state.Organization, b.listed = name, b.lookup(name), t.clock.now()
	t.show(Ended, err)
	t.save()
}
