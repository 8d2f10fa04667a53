// Package session is the life of a sign-in: the refresh token that all tabs of a
// browser share, how it rotates, and when it ends.
//
// Minting an access token and rotating the refresh token are separate. A mint presents
// the current token and usually writes no row. A rotation is finished only when its
// successor is first presented (see Judge).
package session

import (
	"context"
	"errors"

	"github.com/tabard-auth/tabard/backend/policy"
)

// Session is one sign-in on one browser in one app. Times are Unix seconds.
type Session struct {
	ID     ID
	App    string
	UserID string
	// Secret is covered by the MAC of the session's refresh tokens. The MAC's key is
	// outside the store: both are needed to make a token.
	Secret Secret
	Row

	CreatedAt int64
	// ExpiresAt is fixed at sign-in and never changes.
	ExpiresAt int64
	SignIn    policy.Authentication
	// Attempt is the sign-in attempt that made the session. It is unique, so that every
	// attempt counts once.
	Attempt string
	// JKT is the thumbprint of the device key (RFC 7638); empty without one.
	JKT string
	// BoundAt is when the session's first proof bound it to its key, in Unix seconds.
	// It is 0 if the sign-in named the key. Subject omits it.
	BoundAt int64
	// ConfinedTo is the id of the only organization that the session opens, because it
	// began at that organization's own provider. If empty, it opens all of the
	// person's.
	ConfinedTo string
	// Parent is the session of another app that this one was entered from without a
	// sign-in, or the one that it joined (see Joined), or zero. The session ends with its parent: as soon as that has ended, it
	// is read as revoked (ReasonParent).
	Parent ID
	// Replaces is the session that a step-up began this one in place of, and ReplacedBy the
	// one that came in this one's place; zero where there is none. Subject leaves ReplacedBy out.
	Replaces, ReplacedBy ID
	// Origin is the only origin of the app whose pages use the session, where the app has
	// one for each organization. It is empty for the session of the app's other origins.
	Origin string
	// Holder is who keeps the refresh token, and where alone it is redeemed.
	Holder Holder
	// UpstreamSID is the provider's id of its own session. UpstreamToken is the sealed
	// identity token, which the provider needs to end it.
	UpstreamSID   string
	UpstreamToken string
	UserAgent     string
	Address       string
	// EndsWithBrowser leaves the cookie without an end, so that the browser deletes it
	// when it closes. The server's own limits hold all the same. Subject omits it.
	EndsWithBrowser bool
	// Added tells that the sign-in added its person to those of the browser, whose
	// sessions go on. Subject omits it.
	Added bool
	// RevalidateAt is when a mint asks a provider of the session about the person, in Unix
	// seconds; 0 is never. Below 0 the session mints nothing until a provider has answered,
	// which is asked again at the time -RevalidateAt.
	RevalidateAt int64
	// Browser is a fingerprint of the value that the browser's cookie keeps, empty where
	// that is not known. Subject leaves it out.
	Browser string
}

// Keyed reports whether a key authenticates each presentation of the session's refresh
// token: that of its device, or that of the app's server that holds it.
func (s *Session) Keyed() bool { return s.JKT != "" || s.Holder == AppServer }

// TheftWithin returns the organization to whose sessions a theft of this session is
// confined: the one at whose own provider it began, since that provider's owner can be
// thief and victim. If it is empty, all of the person's sessions are concerned. It is
// also empty if the session opens one organization because it was entered from another
// app.
func (s *Session) TheftWithin() string {
	if s.SignIn.Connection == "" {
		return ""
	}
	return s.ConfinedTo
}

// Holder is the kind of party that keeps a session's refresh token.
type Holder string

// The holders. A token of one is not accepted where the other's is redeemed.
const (
	Browser   Holder = ""       // in a cookie
	AppServer Holder = "server" // the app's, which authenticates with its own key
	// Joined is a browser, at a further origin of an app with many: the session joined the
	// browser's first one there, its Parent. It always has a device key.
	Joined Holder = "joined"
)

// SignInID returns the id of the browser's first session in the app, whose organization
// sessions and authentications a joined session uses, and which access tokens name. It is
// the session's own if it did not join another one.
func (s *Session) SignInID() ID {
	if s.Holder == Joined {
		return s.Parent
	}
	return s.ID
}

// BindWithin is how long after its sign-in a session without a device key can be bound
// to one, in seconds.
const BindWithin = 120

// Redemption is an authentic token presented to its session: the input of a verdict,
// besides the row.
type Redemption struct {
	Token Token
	// Device means that the session has a device key and the request proved it.
	Device bool
	Limits Limits
	Now    int64
}

// UpstreamLogout selects the sessions that a provider ended: of its person Subject, of
// its own session SessionID, or both. One of the two may be empty.
type UpstreamLogout struct {
	Issuer string
	// Connection is the organization's own connection of the provider, which ends
	// sessions that began there. Empty is the workspace's provider.
	Connection string
	Subject    string
	SessionID  string
	// Until is the time of the newest sign-in that it covers, in Unix seconds.
	Until int64
	// Token identifies the signed token that asks for it. It is empty without one.
	Token string
}

// Reasons for the end of a session other than Judge's own.
const (
	ReasonSignedOut  Reason = "signed_out"
	ReasonSuperseded Reason = "superseded"
	ReasonUpstream   Reason = "provider_logout"
	ReasonAdmin      Reason = "administrator"
	// ReasonStepUp tells that another session of a step-up took this one's place.
	ReasonStepUp Reason = "step_up"
	// ReasonParent tells that the session ended with the one that it was entered from.
	ReasonParent Reason = "parent"
	// ReasonReuseElsewhere ends a person's other sessions after the theft of one, if
	// browsers hold both.
	ReasonReuseElsewhere Reason = "reuse_elsewhere"
	// ReasonLimit ends the sessions of a browser because the person signed in in another
	// one, beyond the workspace's limit.
	ReasonLimit Reason = "session_limit"
)

// ErrAttemptUsed refuses a second session from one sign-in attempt.
var ErrAttemptUsed = errors.New("session: the sign-in attempt was used before")

// ErrIDTaken refuses a session whose id another one has.
var ErrIDTaken = errors.New("session: another session has this id")

// ErrNotFound is the error for a session that is not in the store.
var ErrNotFound = errors.New("session: not found")

// Store stores sessions. After an error the outcome is unknown. Every method may be
// called again with the same arguments.
type Store interface {
	// Create stores a new session. It returns ErrAttemptUsed if its attempt made a
	// session before, and ErrIDTaken if another one has its id.
	Create(ctx context.Context, s Session) error
	// Session returns a session, ended or not, or ErrNotFound.
	Session(ctx context.Context, id ID) (Session, error)
	// OfAttempt returns the session that a sign-in attempt made or stepped up, ended or
	// not, or ErrNotFound.
	OfAttempt(ctx context.Context, attempt string) (Session, error)
	// Redeem applies the verdict on an authentic token, in one statement on the newest
	// state of the row, and returns the row after it. If the session had ended before,
	// it returns the row unchanged.
	Redeem(ctx context.Context, p Redemption) (Row, error)
	// Use writes down that a session's current token was redeemed, where a verdict does
	// not (see Session.UseDue).
	Use(ctx context.Context, id ID, current TokenID, now int64) error
	// Bind binds a live session that has no device key and began at most BindWithin ago
	// to a key, given by its thumbprint. It returns the thumbprint that the session has
	// then: a different one if another key came first, "" if it was too late.
	Bind(ctx context.Context, id ID, jkt string, now int64) (string, error)
	// SetUpstream stores the provider's id of its own session and the sealed token, after
	// a later authentication there.
	SetUpstream(ctx context.Context, id ID, sid, token string) error
	// Revoke ends a session. A session that has ended keeps its time and reason.
	Revoke(ctx context.Context, id ID, reason Reason, now int64) error
	// RevokeBeside ends a live session if certain others of its person's are live, and
	// reports whether it did. Of several calls at once each sees what the others ended.
	RevokeBeside(ctx context.Context, id ID, others []ID, reason Reason, now int64) (bool, error)
	// RevokeUser ends all of a person's sessions. If confinedTo names an organization,
	// it ends only those confined to it. For ReasonReuseElsewhere it ends those that
	// browsers hold; one that an app's server holds only ends with its parent.
	RevokeUser(ctx context.Context, userID, confinedTo string, reason Reason, now int64) error
	// RevokeAtOrigin ends a person's sessions that pages of an origin use (Session.Origin).
	RevokeAtOrigin(ctx context.Context, userID, origin string, reason Reason, now int64) error
	// KnowsUpstream reports whether a session, live or ended, began in a provider's
	// session, of whatever provider.
	KnowsUpstream(ctx context.Context, sid string) (bool, error)
	// RevokeUpstream ends the sessions that a provider's logout covers.
	RevokeUpstream(ctx context.Context, l UpstreamLogout, reason Reason, now int64) error
	// Live returns a person's live sessions, newest first, at most limit. If confinedTo
	// names an organization, it returns only those confined to it.
	Live(ctx context.Context, userID, confinedTo string, now int64, limit int) ([]Session, error)
	// EndsWithBrowser returns the field of that name of a session, or ErrNotFound.
	EndsWithBrowser(ctx context.Context, id ID) (bool, error)
	// SignIns returns a person's live sessions that began by a sign-in in a browser and
	// are confined to this organization, or to none if it is empty, newest first, at
	// most limit.
	SignIns(ctx context.Context, userID, confinedTo string, now int64, limit int) ([]Session, error)
	// OfBrowser returns the live sessions that began in a browser, the newest first, at
	// most limit.
	OfBrowser(ctx context.Context, browser string, now int64, limit int) ([]Session, error)
	// EndedOfBrowser returns the sessions that began in a browser and ended at a time or
	// later, the last end first, at most limit.
	EndedOfBrowser(ctx context.Context, browser string, since int64, limit int) ([]Session, error)
}
