package authn

import (
	"slices"
	"strings"

	"github.com/tabard-auth/tabard/backend/api"
	"github.com/tabard-auth/tabard/backend/audit"
	"github.com/tabard-auth/tabard/backend/directory"
	"github.com/tabard-auth/tabard/backend/refusal"
	"github.com/tabard-auth/tabard/backend/session"
)

// Where an app lets several people be signed in in one browser, each tab acts for one of
// them, whom its requests name, and nothing of another person's session answers them. The
// mark of the tab's session spares reading the others. It decides nothing: a session that
// it names must be the named person's.
//
// Who is signed in does not depend on the app's setting, so that a change back to one
// person ends nobody's session before the next sign-in.

// account is whom a request is for.
type account struct {
	user   string   // the person's id, or empty
	mark   string   // of the session that the tab knows, or empty
	byMark bool     // the mark named a cookie, and no other was read
	people []string // the people of the browser, if all of their sessions were read
	one    [1]string
}

// maxAccount is the longest header, in bytes.
const maxAccount = 128

// readAccount reads whom a request is for.
func readAccount(c *Request) error {
	text, sent := SingleHeader(c.R.Header, api.HeaderAccount)
	if !sent {
		return nil
	}
	user, mark, _ := strings.Cut(text, " ")
	if len(text) > maxAccount || !strings.HasPrefix(user, "usr_") || strings.Contains(mark, " ") {
		return refusal.New(api.InvalidRequest, "The header "+api.HeaderAccount+" must be a user id (usr_…), and may have a space and the mark of a session after it.")
	}
	c.account = account{user: user, mark: mark}
	return nil
}

// For names the person whom the body of a request is for. An empty name is that of the
// header, if any.
func (c *Request) For(user string) error {
	if user != "" && !c.account.is(user) {
		return refusal.New(api.InvalidRequest, "The request is for one person, and its header "+api.HeaderAccount+" for another.")
	}
	if user != "" {
		c.account.user = user
	}
	return nil
}

// is reports whether the request can be for a person: it names them, or nobody.
func (a *account) is(user string) bool { return a.user == "" || a.user == user }

// named returns the token of the session that the mark names, or nil.
func (a *account) named(tokens []*cookieToken) *cookieToken {
	i := slices.IndexFunc(tokens, func(t *cookieToken) bool { return a.mark != "" && nameOf(t.token.Session()) == a.mark })
	if a.byMark = i >= 0; !a.byMark {
		return nil
	}
	return tokens[i]
}

// tookMark reports whether a request was refused because the session that its mark names
// has ended, or is another person's.
func (a *account) tookMark(err error) bool { return a.byMark && NoSession(err) }

// NoSession reports whether an error means that there is no session left. A missing device
// key does not mean that.
func NoSession(err error) bool {
	if !refusal.Is(err) {
		return false
	}
	code := RefusalOf(err).Code
	return code.Action() == api.SignIn && code != api.DeviceKeyRequired && code != api.DeviceKeyMismatch
}

// authenticateByUser authenticates a request without its mark, after a refusal. If its
// person has no other session here, it returns that refusal.
func authenticateByUser(c *Request, ref string, refused error) (session.Token, directory.Subject, error) {
	c.account.mark, c.account.byMark = "", false
	presented, subject, err := authenticate(c, ref)
	if NoSession(err) {
		err = refused
	}
	return presented, subject, err
}

// checkAccount refuses a session of another person than the request is for, before it has
// any effect. Where an app lets one person be signed in, the caller says that it is now
// another one.
func checkAccount(c *Request, s *directory.Subject) error {
	if !c.account.is(s.User.ID) && (c.several() || c.account.byMark) {
		return notHere()
	}
	if len(c.account.people) == 0 {
		c.account.one[0] = s.User.ID
		c.account.people = c.account.one[:]
	}
	return nil
}

func notHere() error {
	return refusal.New(api.LoginRequired, "This person is not signed in in this browser. Sign in.")
}

func (c *Request) several() bool { return c.App.Accounts == directory.SeveralAccounts }

// ofAccount returns those of the browser's sessions, newest first, that are of the person
// whom the request is for: whom it names, or the only one.
func ofAccount(c *Request, kept []*liveSession) ([]*liveSession, error) {
	c.account.people = people(kept)
	user := c.account.user
	switch known := slices.Contains(c.account.people, user); {
	case !known && user != "" && c.several():
		return nil, notHere()
	case !known && len(c.account.people) > 1 && c.several():
		return nil, accountRequired(c, kept)
	case !known:
		user = kept[0].UserID
	}
	return slices.DeleteFunc(kept, func(l *liveSession) bool { return l.UserID != user }), nil
}

// people returns the ids of the persons of sessions, each once.
func people(all []*liveSession) (ids []string) {
	for _, l := range all {
		if !slices.Contains(ids, l.UserID) {
			ids = append(ids, l.UserID)
		}
	}
	return ids
}

// accountRequired refuses a request that does not say whom it is for.
func accountRequired(c *Request, kept []*liveSession) error {
	r := refusal.New(api.AccountRequired, "Several people are signed in in this browser. Choose one.")
	var err error
	if r.Accounts, err = accounts(c, kept); err != nil {
		return err
	}
	return r
}

// accounts returns the persons of sessions, each once. A request is told the name of a
// person whose session has a device key only if it proves the key of one of the sessions:
// a copied cookie is not enough.
func accounts(c *Request, all []*liveSession) (list []api.Account, err error) {
	proven := false
	for _, l := range all {
		if l.JKT == "" || proven {
			continue
		}
		if proven, err = provesDevice(c, l.Session); err != nil && !refusal.Is(err) {
			return nil, err
		}
	}
	for _, l := range all {
		if slices.ContainsFunc(list, func(a api.Account) bool { return a.ID == l.UserID }) {
			continue
		}
		a := api.Account{ID: l.UserID}
		if proven || l.JKT == "" {
			s, err := c.Store.Subject(c.Ctx, l.ID, "", c.Now)
			if err != nil {
				return nil, err
			}
			a.Name = s.User.Name
		}
		list = append(list, a)
	}
	return list, nil
}

// AccountIDs returns the ids of the people of the browser, if several can be signed in and
// the request read all of their sessions.
func (c *Request) AccountIDs() []string {
	if !c.several() || c.account.byMark {
		return nil
	}
	return c.account.people
}

// Accounts returns the people of the browser, if several can be signed in.
func (c *Request) Accounts() ([]api.Account, error) {
	if !c.several() {
		return nil, nil
	}
	all, err := c.held()
	if err != nil {
		return nil, err
	}
	return accounts(c, all)
}

// RoomFor refuses a further person in an app for several, if as many as can be have sessions
// in the browser.
func (c *Request) RoomFor(user string, all []*liveSession) error {
	in := people(all)
	if !c.several() || slices.Contains(in, user) || len(in) < directory.MaxAccounts {
		return nil
	}
	return AccountLimit()
}

// AccountLimit returns the refusal of a person who is one too many.
func AccountLimit() *refusal.Refusal {
	return refusal.New(api.AccountLimitReached, "Four people are signed in in this browser, which is the most. Sign out one of them first.")
}

// held returns the live sessions of the request's app whose cookies it carries.
func (c *Request) held() ([]*liveSession, error) {
	tokens, err := c.RefreshTokens()
	if err != nil {
		return nil, err
	}
	all, _, err := c.LiveSessions(tokens)
	return all, err
}

// EndBeside ends the sessions that the browser has in the request's app beside s: further
// ones of its person, or by api.ScopeBrowser everybody's. It returns the people of all. The
// caller has authenticated s. A session with a device key that the request does not prove
// only loses its cookie here: its cookie may be copied.
func (c *Request) EndBeside(s session.Session, scope string) ([]string, error) {
	if scope == api.ScopeSession && !c.account.byMark {
		return nil, nil // the newest of the person's sessions was found, and has ended the others
	}
	all, err := c.held()
	ids := []string{s.UserID}
	for _, other := range all {
		if other.SignInID() == s.ID || other.UserID != s.UserID && scope != api.ScopeBrowser {
			continue
		}
		if own, err := provesBeside(c, other.Session); err != nil {
			return nil, err
		} else if own {
			if err := c.Revoke(other.ID, session.ReasonSignedOut, audit.Event{
				Action: audit.SignOut, Reason: scope, Actor: s.UserID, UserID: other.UserID,
				OrganizationID: other.ConfinedTo, SessionID: other.ID.String(),
			}); err != nil {
				return nil, err
			}
		}
		clearToken(c, other.cookieToken)
		ids = append(ids, other.UserID)
	}
	slices.Sort(ids)
	return slices.Compact(ids), err
}

// SharesProvider reports whether another person's session in this browser began at the
// same provider as s.
func (c *Request) SharesProvider(s session.Session) (bool, error) {
	if tokens, err := c.RefreshTokens(); err != nil || len(tokens) < 2 {
		return false, err
	}
	all, err := c.held()
	return slices.ContainsFunc(all, func(l *liveSession) bool {
		return l.UserID != s.UserID && l.SignIn.Connection == s.SignIn.Connection
	}), err
}
