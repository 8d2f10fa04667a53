package signin

import (
	"cmp"
	"errors"
	"net/url"
	"slices"
	"strings"

	"github.com/tabard-auth/tabard/backend/api"
	"github.com/tabard-auth/tabard/backend/authn"
	"github.com/tabard-auth/tabard/backend/directory"
	"github.com/tabard-auth/tabard/backend/login"
	"github.com/tabard-auth/tabard/backend/publicurl"
	"github.com/tabard-auth/tabard/backend/refusal"
	"github.com/tabard-auth/tabard/backend/session"
)

// Where several people can be signed in in one browser, a sign-in with the parameter
// account adds a person, or lets one of them sign in again. Only the app's own page begins
// it, by its script. Every other sign-in ends the sessions of the others.

// prepareAccount sets the account of an attempt, if its parameters name one.
func prepareAccount(c *authn.Request, attempt *login.Attempt, query url.Values) error {
	switch account := query.Get(api.ParamAccount); {
	case account == "" && query.Has(api.ParamJoin):
		return prepareJoin(c, attempt)
	case account == "":
		return nil
	case c.ReadOnly():
		return refusal.New(api.InvalidRequest, "An account is added by the app's page. Start the sign-in there.")
	case c.App.Accounts != directory.SeveralAccounts:
		return refusal.New(api.InvalidRequest, "This app lets one person be signed in at a time. With accounts: several in the workspace file it lets four.")
	case account != api.AnotherAccount && (!authn.ValidRef(account) || !strings.HasPrefix(account, "usr_")):
		return refusal.New(api.InvalidRequest, "account must be another, or a person's id.")
	default:
		return setAccount(c, attempt, account)
	}
}

// prepareJoin makes an attempt, by which a page's origin joins the browser's session, one for
// the person of that. Somebody else whom the provider knows by now must not replace them.
func prepareJoin(c *authn.Request, attempt *login.Attempt) error {
	siblings, err := c.Siblings()
	if err == nil && len(siblings) > 0 {
		attempt.Account = siblings[0].UserID
	}
	return err
}

// setAccount makes an attempt one for an account, and notes the people who are signed in.
// As many as can be refuse a further one.
func setAccount(c *authn.Request, attempt *login.Attempt, account string) error {
	all, err := c.HeldSessions()
	if err != nil {
		return err
	}
	attempt.Account = account
	for _, s := range all {
		attempt.AddPerson(s.UserID)
	}
	if attempt.HasPerson(account) || len(attempt.People) < directory.MaxAccounts {
		return nil
	}
	r := authn.AccountLimit()
	if r.Accounts, err = c.Accounts(); err != nil {
		return err
	}
	return r
}

// checkAccount refuses an identity that is not the account's, and changes nothing.
func checkAccount(c *authn.Request, attempt login.Attempt, i login.Identity, own *directory.Connection) error {
	if attempt.Account == "" {
		return checkSilent(c, attempt, i, own)
	}
	user, err := knownUser(c, i, own)
	switch {
	case errors.Is(err, directory.ErrNoUser) && attempt.Account == api.AnotherAccount:
		return nil
	case err != nil && !errors.Is(err, directory.ErrNoUser):
		return err
	case attempt.Account == api.AnotherAccount && !attempt.HasPerson(user.ID), attempt.Account == user.ID:
		return nil
	}
	return refusedWith(api.AccountMismatch)
}

// selectAccount is the prompt by which a provider lets the person choose an account.
const selectAccount = "select_account"

// asksWhom reports whether a sign-in came back as another person than it is for, because the
// provider asked nobody: the provider's session is theirs. The person who signs in again must
// have a choice there.
func asksWhom(c *authn.Request, attempt login.Attempt, err error) bool {
	refused, ok := errors.AsType[*login.Refused](err)
	return ok && refused.Code == string(api.AccountMismatch) && attempt.Prompt == "" && attempt.Account != "" && c.App.Accounts == directory.SeveralAccounts
}

// knownUser returns the user that findUser would return, if there is one, and changes
// nothing. Otherwise it returns directory.ErrNoUser.
func knownUser(c *authn.Request, i login.Identity, own *directory.Connection) (directory.User, error) {
	if own == nil {
		return c.Store.UserOf(c.Ctx, i.Issuer, i.Subject)
	}
	linked, err := c.Store.Linked(c.Ctx, own.ID, i.Subject)
	if errors.Is(err, directory.ErrNoUser) {
		return c.Store.UserOf(c.Ctx, own.ID, i.Subject)
	}
	return linked, err
}

// limitAccounts ends a new session and refuses it, if its person is one too many. It runs
// after the session was stored, so that of sign-ins at once each sees the others: those that
// began later than the attempt. Of earlier ones the attempt knows whose cookies the browser
// had; the others are gone, or a copy of the browser's value began them.
func limitAccounts(c *authn.Request, attempt login.Attempt, s session.Session) error {
	if !s.Added || attempt.HasPerson(s.UserID) {
		return nil
	}
	all, err := c.Store.OfBrowser(c.Ctx, s.Browser, c.Now, 2*maxBrowserSessions)
	if err != nil {
		return err
	}
	slices.SortFunc(all, func(a, b session.Session) int {
		return cmp.Or(cmp.Compare(a.CreatedAt, b.CreatedAt), strings.Compare(a.ID.String(), b.ID.String()))
	})
	for _, other := range all {
		if other.ID == s.ID {
			break
		}
		if other.App == s.App && other.CreatedAt >= attempt.CreatedAt && c.CheckIdle(other) == nil {
			attempt.AddPerson(other.UserID)
		}
	}
	if attempt.HasPerson(s.UserID) || len(attempt.People) < directory.MaxAccounts {
		return nil
	}
	if err := c.Revoke(s.ID, session.ReasonLimit, endedBeyond(s, true)); err != nil {
		return err
	}
	return refusedWith(api.AccountLimitReached)
}

// arrivalURL returns the address that a sign-in returns to. It names the person whom a
// sign-in for an account signed in: the page does not know them.
func arrivalURL(c *authn.Request, attempt login.Attempt) string {
	if attempt.Account == "" || c.Record.User == "" || c.App.Accounts != directory.SeveralAccounts {
		return attempt.ReturnTo
	}
	return publicurl.WithParameter(attempt.ReturnTo, api.ParamSignedIn, c.Record.User)
}
