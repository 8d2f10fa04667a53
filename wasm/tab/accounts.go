package tab

import (
	"cmp"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/tabard-auth/tabard/backend/api"
)

// Several people can be signed in in one browser, if the app lets them. A tab acts for one
// of them. Its requests name the person (api.HeaderAccount), and the person has an epoch and
// a device key of their own, so that no data of another's reaches the tab. A backend whose
// app is for one person never tells of accounts, and all is as without them.

// person returns the id of the tab's person, where several can be signed in.
func (r *record) person() string {
	if !r.Several {
		return ""
	}
	return r.User.ID
}

// become makes the record that of a tab that acts for another person. No data of the former
// one stays.
func (r *record) become(user string) {
	*r = record{Tab: r.Tab, Fence: r.Fence + 1, User: api.User{ID: user}, Several: true, Look: true, Key: r.NewKey}
}

// account returns the header that names the tab's person and session; empty where one person
// is signed in. If the session may be another one by now, the backend looks for it.
func (r *record) account() string {
	header := r.person()
	if mark := api.Mark(r.Session); header != "" && mark != "" && !r.Look {
		header += " " + mark
	}
	return header
}

// accept notes whose session answered, and whether several people can be signed in. That is
// so until the person signs in again: a change of the app's setting ends no session.
func (r *record) accept(user api.User, session string, several bool) {
	if session != r.Session {
		r.Look, r.Several = false, several
	}
	r.Several = r.Several || several
	r.User, r.Session = user, session
}

// bindPerson makes the epoch that of the tab's person.
func (t *Tab) bindPerson() {
	t.epoch.person = t.binding.record.person()
	t.binding.state.Account = t.epoch.person
}

// known returns the people of whom this browser's tabs know.
func (t *Tab) known() []string {
	return strings.FieldsFunc(t.env.Local.Item(t.config.Key+":accounts"), func(r rune) bool { return r == ' ' })
}

// noteAccounts notes the people who are signed in in this browser. Tabs of those who are no
// longer hand out no token before they have asked the backend.
func (t *Tab) noteAccounts(ids []string) {
	if ids == nil {
		return
	}
	for _, id := range t.known() {
		if !slices.Contains(ids, id) {
			t.epochOf(id).touch()
		}
	}
	text := ""
	for _, id := range ids {
		text += " " + id
	}
	if t.env.Local.Item(t.config.Key+":accounts") != text {
		t.env.Local.SetItem(t.config.Key+":accounts", text)
	}
}

// idsOf returns the ids of people, or nil for no list.
func idsOf(accounts []api.Account) (ids []string) {
	for _, a := range accounts {
		ids = append(ids, a.ID)
	}
	return ids
}

// epochOf returns the epoch of a person.
func (t *Tab) epochOf(user string) *epoch {
	e := t.epoch
	e.person = user
	return &e
}

// touch replaces the epoch of a person who may have been signed out.
func (e *epoch) touch() {
	if now := e.current(); now != "" {
		e.replace(epochSession(now), epochPredecessors(now))
	}
}

// tag is the part of a person's id that stands in messages between tabs.
func tag(user string) string { return user[max(0, len(user)-8):] }

// concerns reports whether a message that the tabs of a person send is for this tab. A tab
// of nobody asks whether there is somebody to act for now.
func (t *Tab) concerns(of string) bool {
	r := &t.binding.record
	if r.User.ID == "" && t.binding.state.Status != Starting {
		t.checkSoon()
	}
	return r.person() != "" && tag(r.User.ID) == of
}

// showAccounts asks whom the tab acts for, after a request without a person was refused.
func (t *Tab) showAccounts(refused *Error) {
	t.mu.Lock()
	defer t.mu.Unlock()
	b := &t.binding
	if b.record.User.ID != "" {
		return // chosen meanwhile
	}
	t.noteAccounts(idsOf(refused.accounts))
	b.state.Accounts = refused.accounts
	t.deactivate(ChooseAccount, nil)
}

// Accounts fetches the people who are signed in in this browser. The tab of a person who is
// signed out asks for one of those of whom it knows.
func (t *Tab) Accounts() ([]api.Account, *Error) {
	t.mu.Lock()
	out := t.binding.record.person() != "" && t.binding.state.Status == SignedOut
	t.mu.Unlock()
	if !out {
		session, err := t.fetchSession(nil)
		return session.Accounts, err
	}
	for _, user := range t.known() {
		if session, err := t.sessionOf(user); err == nil || !err.signsOut() {
			return session.Accounts, err
		}
	}
	return nil, nil
}

// sessionOf fetches the session of a person who need not be the tab's.
func (t *Tab) sessionOf(user string) (api.SessionResponse, *Error) {
	t.mu.Lock()
	c := t.newCallLocked()
	c.user, c.key, c.fixed = user, user, true
	t.mu.Unlock()
	v, err := t.send(c, "GET", api.PathSession+"?"+api.QuietRefusals, "")
	return DecodeSessionResponse(v), err
}

// SwitchAccount changes the tab to another person who is signed in in this browser, as a
// transaction: it mints a token of that person first, or hears what there is to choose from.
// If that fails, the tab stays as it was. organization, by id or slug, is the one to enter;
// empty is the one that the address names, in a tab of nobody, or the person's only one.
func (t *Tab) SwitchAccount(user, organization string) SwitchResult {
	t.mu.Lock()
	t.checkEpoch()
	t.checkSleep()
	b, named := &t.binding, ""
	if organization == "" && b.namedByPage && b.state.Status == ChooseAccount {
		named = b.wanted
	}
	t.switches.last++
	number, before := t.switches.last, t.epochOf(user).current()
	c := t.newCallLocked()
	c.user, c.key, c.fixed = user, user, true
	body := EncodeTokenRequest(api.TokenRequest{Organization: cmp.Or(organization, named), Enter: organization != "", User: user})
	t.mu.Unlock()
	v, err := t.send(c, "POST", api.PathToken+"?"+api.QuietRefusals, body)
	t.mu.Lock()
	defer t.mu.Unlock()
	if number != t.switches.last || t.epochOf(user).current() != before {
		err = errOvertaken
	}
	switch {
	case err == nil:
	case named != "" && (err.deniesEntry() || err.endsOrganization()): // nothing was there to keep
		b.record.become(user)
		t.bindPerson()
		t.show(Starting, nil)
		t.mu.Unlock()
		t.settle()
		t.mu.Lock()
		return SwitchResult{Status: Switched}
	case err.session != nil && organization == "": // the person has to choose
		t.become(user, err.session.Session)
		s := &b.state
		s.User, s.Organizations, s.DeviceBound = err.session.User, err.session.Organizations, err.session.DeviceBound
		b.record.User = s.User
		t.deactivate(Choose, nil)
		return SwitchResult{Status: Switched}
	}
	var h *heldToken
	if err == nil {
		h, err = t.changePerson(user, cmp.Or(organization, named), v)
	}
	if err != nil {
		return SwitchResult{Status: outcome(err), Error: err}
	}
	t.activate(h)
	t.save()
	return SwitchResult{Status: Switched, Organization: h.organization()}
}

// followAddress makes the person whom the address names the tab's, if this browser has not
// heard of them and they are signed in: they may come from another app. Anybody can write an
// address.
func (t *Tab) followAddress() {
	user := t.config.Account
	t.mu.Lock()
	known := t.binding.record.User.ID != ""
	t.mu.Unlock()
	if known || !strings.HasPrefix(user, "usr_") || !isName(user) || len(t.known()) == 0 {
		return
	}
	_, err := t.sessionOf(user)
	t.mu.Lock()
	defer t.mu.Unlock()
	if err == nil {
		t.binding.record.become(user)
		t.bindPerson()
	}
}

// changePerson makes the person of a token the tab's.
func (t *Tab) changePerson(user, organization string, v Value) (*heldToken, *Error) {
	answer, b := DecodeTokenResponse(v), &t.binding
	if answer.User.ID != user {
		return nil, newError(api.IdentityChanged, "the backend responded for another person")
	}
	other := binding{record: record{User: answer.User}}
	if err := other.check(organization, &answer); err != nil {
		return nil, err
	}
	t.become(user, answer.Session)
	t.noteAccounts(answer.Accounts)
	answer.Accounts = nil // the record keeps no data of others
	return b.accept(&inflight{organization: organization, reported: noInput}, &answer, b.record.Epoch, &t.clock, t.env.Random)
}

// become makes a person the tab's. No data of the former one stays.
func (t *Tab) become(user, session string) {
	t.mints.abortAll(errOvertaken)
	b := &t.binding
	b.deactivate(Starting)
	b.record.become(user)
	b.record.Session, b.record.Look, b.record.Key, b.record.Fence = session, false, "", b.state.Fence
	b.wanted, b.input = "", noInput
	t.bindPerson()
	b.record.Epoch = t.epoch.ensure(session, "")
}

// addAccount leaves for a sign-in beside the people who are signed in: of a further person,
// or of one who signs in again. The tab stays the person's that it was until somebody comes
// back. A further person gets a device key of their own.
func (t *Tab) addAccount(url, returnTo string, hints Hints) *Error {
	key := hints.Account
	if key == api.AnotherAccount {
		key = t.nameKey()
	}
	t.mu.Lock()
	c := t.newCallLocked()
	c.key, c.fixed = key, true
	t.mu.Unlock()
	path := withQuery(withQuery(url, api.ParamAccount, hints.Account), api.ParamReturnTo, returnTo)[len(t.config.Backend):]
	v, err := t.send(c, "POST", path, EncodeLoginRequest(api.LoginRequest{Email: hints.Email}))
	if err != nil {
		return err
	}
	t.mu.Lock()
	defer t.mu.Unlock()
	if key != t.binding.record.User.ID {
		t.binding.record.NewKey = key
	}
	t.save()
	t.env.Page.Navigate(DecodeLoginResponse(v).Location)
	return nil
}

// newKey begins the name of the key of a person who is not known yet. plainKey stands in a
// record for the key without a name.
const newKey, plainKey = "+", "-"

// keyLife is how long the key of a sign-in under way is kept: longer than any takes.
const keyLife = 24 * time.Hour

// nameKey returns the name of the key of a person who is not known yet, and forgets the keys
// of sign-ins that nobody came back from. The name has the time, in seconds.
func (t *Tab) nameKey() string {
	now := t.clock.Wall()
	seconds := strconv.FormatInt(int64(now/time.Second), 36)
	if t.env.Device != nil {
		t.forgetKeys(now, seconds)
	}
	return newKey + seconds + "." + strconv.FormatUint(t.env.Random(), 36)
}

// forgetKeys forgets the keys of sign-ins that nobody came back from. The names of the release
// before have no time: theirs is when one was first seen.
func (t *Tab) forgetKeys(now time.Duration, seconds string) {
	item, undated := t.config.Key+":undated", false
	seen := t.env.Local.Item(item)
	t.env.Device.Forget(func(name string) bool {
		rest, isNew := strings.CutPrefix(name, newKey)
		made, _, dated := strings.Cut(rest, ".")
		if isNew && !dated {
			made, undated = seen, true
		}
		at, err := strconv.ParseInt(made, 36, 64)
		return isNew && err == nil && now-time.Duration(at)*time.Second > keyLife
	})
	switch {
	case undated && seen == "":
		t.env.Local.SetItem(item, seconds)
	case !undated && seen != "":
		t.env.Local.SetItem(item, "")
	}
}

// keyNames returns the names of the keys of a call, the likeliest first. A tab of nobody
// tries those of the people of whom this browser knows.
func (t *Tab) keyNames(c *call) []string {
	r := &t.binding.record
	switch {
	case c.fixed && c.user != "": // their key may be that without a name
		return []string{c.key, ""}
	case c.fixed:
		return []string{c.key}
	case r.Key != "":
		return []string{keyName(r.Key), r.person()}
	case r.User.ID == "":
		return append(t.known(), "")
	}
	return []string{r.person(), ""} // who signed in as the only one has the key without a name
}

func keyName(key string) string {
	if key == plainKey {
		return ""
	}
	return key
}

// foundKey notes the key by which a tab was answered that did not know it, in a browser of
// several people: the session that answered is bound to it.
func (t *Tab) foundKey(name string) {
	if len(t.known()) > 0 {
		t.binding.record.Key = cmp.Or(name, plainKey)
	}
}

// keepKey gives the key of a person who has just been added, or found, their name. It returns
// when the browser has it: other tabs of the person, which hear of the sign-in then, read it.
// The caller holds the mutex, which keepKey releases meanwhile.
func (t *Tab) keepKey(v Value, err *Error) {
	r, user, several := &t.binding.record, decodeUser(member(v, "user")).ID, member(v, "accounts") != nil
	if err != nil && err.session != nil {
		user, several = err.session.User.ID, err.session.Accounts != nil
	}
	from := keyName(r.Key)
	if r.Key == "" || user == "" || r.User.ID != "" && r.User.ID != user || !several && !r.Several || t.env.Device == nil {
		return
	}
	if r.Key = ""; from == user {
		return
	}
	t.device.keys[user] = t.device.keys[from]
	t.mu.Unlock()
	t.env.Device.Rename(from, user)
	t.mu.Lock()
}
