package tab

import "github.com/tabard-auth/tabard/backend/api"

// Codes that only the client knows, beside those of package api.
const (
	// OrganizationMismatch: the backend responded for another organization than the
	// requested one. The token is dropped.
	OrganizationMismatch api.Code = "organization_mismatch"
	// Overtaken: the tab changed its organization, or was signed out, before the
	// response came.
	Overtaken api.Code = "overtaken"
	// PageLeft: the page leaves for another origin of the app.
	PageLeft api.Code = "page_left"
	// Closed: the client was closed.
	Closed api.Code = "client_closed"
	// PublicURLMismatch: the backend's public URL is another address than the one that
	// the page sends requests to.
	PublicURLMismatch api.Code = "public_url_mismatch"
)

// Error is a refusal or a failure, with the action that resolves it.
type Error struct {
	Code        api.Code
	Action      api.Action
	Description string
	// RetryAfter is the least time to wait before the next request, in seconds.
	RetryAfter int64
	// Reason is why the organization session ended, if one did.
	Reason string
	// LoginURL is the address at which the person can satisfy the refusal.
	LoginURL string
	// session is what the person can choose from, with the epoch of the request that the
	// backend refused; nil if it did not say, as the release before does not.
	session *api.SessionResponse
	// accounts are the people to choose from.
	accounts []api.Account
	epoch    string
	// silentURL is the address of a sign-in that asks nothing of the person, by which the
	// page's origin joins the browser's session; see [Tab.join].
	silentURL string
}

func (e *Error) Error() string { return string(e.Code) + ": " + e.Description }

// JSON returns the error as the client reads it.
func (e *Error) JSON() string {
	if e == nil {
		return "null"
	}
	o := newObject()
	o.text("code", string(e.Code))
	o.text("action", string(e.Action))
	o.text("description", e.Description)
	if e.RetryAfter > 0 {
		o.number("retryAfter", e.RetryAfter)
	}
	if e.Reason != "" {
		o.text("reason", e.Reason)
	}
	if e.LoginURL != "" {
		o.text("loginUrl", e.LoginURL)
	}
	return o.end()
}

func newError(code api.Code, description string) *Error {
	action := code.Action()
	if code == Overtaken {
		action = api.Retry
	}
	return &Error{Code: code, Action: action, Description: description}
}

// refusal returns the error of a response that carries one of the contract's codes.
func refusal(e api.Error) *Error {
	if e.Reason == api.ReasonPublicURL {
		e.Code = PublicURLMismatch
	}
	var silent string
	if e.Code == api.OriginNotJoined {
		silent, e.LoginURL = e.LoginURL, ""
	}
	return &Error{
		silentURL: silent,
		Code:      e.Code, Action: e.Code.Action(), Description: e.Description,
		RetryAfter: e.RetryAfter, Reason: e.Reason, LoginURL: e.LoginURL, accounts: e.Accounts, session: e.Session,
	}
}

// unavailable returns the error of a response that did not come, or did not come from
// the backend. It ends no session: a proxy's 401 is no sign-out.
func unavailable(why string) *Error { return newError(api.TemporarilyUnavailable, why) }

// errOutdated is the result of a mint that has to be repeated, because its response was
// out of date.
var errOutdated = newError(Overtaken, "the response is older than a sign-in, a sign-out or the computer's sleep; try again")

// alwaysOutdated describes a request whose every attempt ended so.
const alwaysOutdated = "sign-ins, sign-outs or the computer's sleep came before each response; try again"

// errOvertaken is the result of a mint that no caller needs any more.
var errOvertaken = newError(Overtaken, "the tab has changed its organization or was signed out")

// The reasons why no token can be had until the person acts.
var (
	errSignedOut = newError(api.LoginRequired, "the browser is signed out; call signIn")
	errEnded     = newError(api.OrganizationSessionExpired, "the organization session of this tab has ended; call switchOrganization to begin another")
	errNoAccount = newError(api.AccountRequired, "this tab acts for nobody yet; call switchAccount")
	errNotChosen = newError(api.OrganizationRequired, "this tab has no organization yet; call switchOrganization")
)

// errLeaving is the result of a switch that leaves the page.
var errLeaving = newError(PageLeft, "the page leaves for the organization's own origin")

// errClosed is the result of every call of a closed client.
var errClosed = newError(Closed, "the client was closed")

// errLeft is the state's error after the person has signed out of the organization, as
// the backend tells it in other tabs.
var errLeft = &Error{
	Code: api.OrganizationSessionExpired, Action: api.StepUp, Description: "the person signed out of the organization", Reason: "signed_out",
}

// endsOrganization reports whether an error ends the organization session that it is
// about.
func (e *Error) endsOrganization() bool {
	return e.Action == api.StepUp || e.Code == api.OrganizationAccessDenied
}

// signsOut reports whether an error means that there is no session any more.
func (e *Error) signsOut() bool { return e != nil && e.Action == api.SignIn }
