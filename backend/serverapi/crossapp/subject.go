package crossapp

import (
	"context"
	"errors"
	"strings"
	"time"

	"github.com/tabard-auth/tabard/backend/api"
	"github.com/tabard-auth/tabard/backend/directory"
	"github.com/tabard-auth/tabard/backend/dpop"
	"github.com/tabard-auth/tabard/backend/grant"
	"github.com/tabard-auth/tabard/backend/jws"
	"github.com/tabard-auth/tabard/backend/policy"
	"github.com/tabard-auth/tabard/backend/session"
	"github.com/tabard-auth/tabard/backend/signingkey"
	"github.com/tabard-auth/tabard/backend/token"
)

const (
	maxToken = 8 << 10 // bytes

	// proofLife is how old a proof of a bound token may be, in seconds, and proofSkew
	// how far ahead.
	proofLife = 30
	proofSkew = 5
	maxProofs = 1 << 10
)

// subject returns the person whose access token the request carries, where they stand
// in its organization, and its claims: also those of an authentic token that is
// refused. The token has to be ours and for the app whose server asks, within its time,
// and what it was minted by must live still.
func (c *call) subject(w *directory.Workspace) (*directory.Subject, *token.Claims, error) {
	raw := subjectToken(c.R.Header.Values("X-Authorization"))
	says := parseUnverified(raw)
	app, ok := w.AppByID(says.ClientID)
	if !ok || c.Actor.App != "" && c.Actor.App != app.ID {
		return nil, nil, deny(token.WrongAudience, "The person's access token is missing, or not for this app.")
	}
	claims, err := c.verify(w, app, says, raw)
	switch reason := token.ReasonOf(err); {
	case reason == token.KeysUnavailable || err != nil && reason == "":
		return nil, nil, err
	case err != nil:
		return nil, claims, deny(reason, "The person's access token is not valid.")
	}
	if c.Actor.OrganizationID != "" && c.Actor.OrganizationID != claims.OrganizationID { // whatever became of the person
		return nil, claims, errNotAdmitted
	}
	id, err := session.ParseID(claims.SessionID)
	if err != nil {
		return nil, claims, deny(token.MissingClaim, "The person's access token has no session id.")
	}
	s, err := c.service.store.Subject(c.Context(), id, claims.OrganizationID, c.Now().Unix())
	if errors.Is(err, session.ErrNotFound) {
		return nil, claims, deny(api.SessionExpired, "The person's session has ended.")
	}
	if err != nil {
		return nil, claims, err
	}
	return &s, claims, c.checkLive(&s, claims)
}

// errNotAdmitted refuses a key that is another organization's like a person who is in
// none.
var errNotAdmitted = deny(api.OrganizationAccessDenied, "The organization does not admit the person, or this key.")

// alive refuses a person whose session, or what it does in the organization, is over.
func (c *call) checkLive(s *directory.Subject, claims *token.Claims) error {
	switch now := c.Now().Unix(); {
	case s.Session.App != claims.ClientID || s.User.ID != claims.Subject:
		return deny(token.WrongAudience, "The person's access token belongs to another session.")
	case s.Session.RevokedAt != 0 || s.User.Disabled:
		return deny(api.SessionRevoked, "The person has signed out, or was signed out.")
	case s.Session.ExpiresAt <= now:
		return deny(api.SessionExpired, "The person's session has ended.")
	case s.Membership == nil:
		return errNotAdmitted
	case !s.Membership.OrganizationSession.Live():
		return deny(api.OrganizationSessionExpired, "The person's session in the organization has ended.")
	case s.Session.Parent != session.ID{}:
		return deny("entered_session", "This session was itself opened from another app. Use a token of that app.")
	}
	return nil
}

// subjectToken returns the token of the header X-Authorization that stands once, with
// a scheme or without.
func subjectToken(headers []string) string {
	if len(headers) != 1 {
		return ""
	}
	scheme, raw, found := strings.Cut(headers[0], " ")
	switch {
	case !found:
		return headers[0]
	case strings.EqualFold(scheme, api.TokenTypeBearer), strings.EqualFold(scheme, api.TokenTypeDPoP):
		return raw
	}
	return ""
}

// says is what a token says of itself, which is not believed before it is verified: it
// tells whose keys to verify it with, and which audience it has to have.
type unverifiedClaims struct {
	ClientID, Issuer, OrganizationID string
}

// claimed is what a token says; nothing where it is none.
func parseUnverified(raw string) unverifiedClaims {
	message, err := jws.Parse(raw, maxToken)
	if err != nil {
		return unverifiedClaims{}
	}
	c := message.Claims
	return unverifiedClaims{ClientID: c.Text("client_id"), Issuer: c.Text("iss"), OrganizationID: c.Text("org_id")}
}

// issuer is who signs the tokens of its organization: the organization itself, where it
// has keys of its own, or the workspace.
func (s unverifiedClaims) issuer(base string) grant.Issuer {
	own := grant.IssuerOf(base, s.OrganizationID, policy.Rules{DedicatedKey: true})
	if s.Issuer == own.URL && directory.ValidSlug(strings.TrimPrefix(s.OrganizationID, directory.OrganizationPrefix)) {
		return own
	}
	return grant.Issuer{URL: base}
}

// verify verifies a token of an app's, by our own keys. A token that is bound to a key
// is good with that key's proof for this very request (RFC 9449 section 7), which the
// person's browser makes and the app's server passes on; without, anybody who saw the
// token could bring it here as its bearer.
func (c *call) verify(w *directory.Workspace, app directory.App, s unverifiedClaims, raw string) (*token.Claims, error) {
	by := s.issuer(c.service.issuer)
	verifier, err := token.NewVerifier(token.Config{
		Issuer: by.URL, Audience: app.Audience, Keys: ownKeys{c.service.keys, by.Organization, w.Revision, c.Now().Unix()},
		Algorithms: []string{string(signingkey.ES256), string(signingkey.EdDSA), string(signingkey.RS256)},
		Leeway:     proofSkew * time.Second, Now: c.Now,
	})
	if err != nil {
		return nil, err
	}
	claims, err := verifier.Inspect(c.Context(), raw)
	switch {
	case err != nil:
		return claims, err
	case claims.Expires <= c.Now().Unix(): // our own clock needs no leeway
		return claims, &token.Error{Reason: token.Expired}
	case claims.ClientID != app.ID:
		return claims, &token.Error{Reason: token.WrongAudience}
	case claims.Confirmation != nil:
		return claims, c.prove(raw, claims.Confirmation.JKT)
	}
	return claims, nil
}

// prove checks the request's proof of the key that the token is bound to.
func (c *call) prove(raw, jkt string) error {
	values := c.R.Header.Values(api.HeaderProof)
	if len(values) != 1 {
		return &token.Error{Reason: token.ProofRequired}
	}
	proof, err := dpop.Parse(values[0])
	if err == nil {
		err = errors.Join(proof.Covers(c.R.Method, c.requestURL()), proof.CoversToken(raw))
	}
	now := c.Now().Unix()
	if err == nil && (proof.JKT != jkt || proof.IssuedAt < now-proofLife || proof.IssuedAt > now+proofSkew) {
		err = dpop.ErrProof
	}
	if err == nil {
		err = c.service.replays.Use(proof, now)
	}
	if err != nil {
		return &token.Error{Reason: token.InvalidProof, Err: err}
	}
	return nil
}

// here is the request's address, as its sender knows it.
func (c *call) requestURL() string {
	return c.service.issuer + strings.TrimPrefix(c.R.URL.EscapedPath(), c.service.path)
}

func issuerOf(publicURL string) string { return strings.TrimSuffix(publicURL, "/") }

// ownKeys are the keys that this server's tokens are signed with.
type ownKeys struct {
	ring         *signingkey.KeyRing
	organization string // "" is the workspace
	revision     int64  // the workspace's
	now          int64
}

// all are the keys that are good now. It makes none for an organization that a token
// names.
func (o ownKeys) published(ctx context.Context) ([]signingkey.Key, error) {
	if o.organization != "" {
		return o.ring.Stored(ctx, o.organization, o.now)
	}
	return o.ring.PublishedIn(ctx, "", o.revision, o.now)
}

// PublicKey implements token.KeySource.
func (o ownKeys) PublicKey(ctx context.Context, kid string) (token.PublicKey, error) {
	all, err := o.published(ctx)
	if err != nil {
		return token.PublicKey{}, err
	}
	for _, k := range all {
		if k.ID == kid {
			return token.PublicKey{Algorithm: string(k.Algorithm), Key: k.Private.Public()}, nil
		}
	}
	return token.PublicKey{}, token.ErrUnknownKey
}
