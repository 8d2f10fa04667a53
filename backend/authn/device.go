package authn

import (
	"errors"
	"fmt"

	"github.com/tabard-auth/tabard/backend/api"
	"github.com/tabard-auth/tabard/backend/audit"
	"github.com/tabard-auth/tabard/backend/dpop"
	"github.com/tabard-auth/tabard/backend/refusal"
	"github.com/tabard-auth/tabard/backend/session"
)

// The device key (RFC 9449). A session is bound to a key that its browser cannot
// give away, and is open to requests that prove it: a cookie taken from the wire, a
// log or a backup is worthless. What is no good proof is refused and does nothing
// to the session; it says nothing about who has the cookie.

// requestLimits bound the age of a request. A clock may be ahead of the server's by
// what those of replicas may differ: rotation relies on both.
var requestLimits = session.LimitsFor(true)

var (
	// proofLife is how long a proof is good after it was first shown, in seconds:
	// one that was made ahead of time for longer.
	proofLife = requestLimits.D + requestLimits.Slack + 1
	// maxProofs bounds the memory for replays of one key, at some 20 bytes each.
	maxProofs = 1 << 13
)

// CheckDevice lets a session with a device key pass only where the request proves the
// key. A young session without one it binds to the key that the request proves. It
// returns the session as it stands then.
func (c *Request) CheckDevice(s session.Session) (session.Session, error) {
	if s.JKT == "" && (c.ReadOnly() || c.Now-s.CreatedAt > session.BindWithin) {
		return s, nil
	}
	proof, err := c.proof()
	if err == nil && s.JKT == "" && proof != nil {
		if err = c.proofUsed(); err == nil {
			s.JKT, err = c.Store.Bind(c.Ctx, s.ID, proof.JKT, c.Now)
		}
	}
	if err == nil && s.JKT != "" {
		if err = checkKey(proof, s.JKT); err == nil {
			err = c.proofUsed()
		}
	}
	auditProof(c, s, err)
	return s, err
}

// checkKey refuses a proof by another key than the session's, and none at all.
func checkKey(proof *dpop.Proof, jkt string) error {
	switch {
	case proof == nil:
		return refusal.New(api.DeviceKeyRequired, "This session belongs to another browser. Sign in.")
	case proof.JKT != jkt:
		return refusal.New(api.DeviceKeyMismatch, "This browser has lost the key of its session. Sign in again.")
	}
	return nil
}

// auditProof records that a session was asked for without a good proof: its cookie
// may be in other hands. Of one kind it records one a minute, however many come.
func auditProof(c *Request, s session.Session, err error) {
	if !refusal.Is(err) {
		return
	}
	switch code := RefusalOf(err).Code; code {
	case api.InvalidDPoPProof, api.DeviceKeyRequired, api.DeviceKeyMismatch:
		reason := string(code)
		if errors.Is(err, dpop.ErrReplayed) { // browsers do that too, to a request lost on an old connection
			reason = "repeated_dpop_proof"
		}
		c.Audit(audit.Event{
			ID:     fmt.Sprintf("proof:%s:%s:%d", s.ID, reason, c.Now/60),
			Action: audit.ProofRefused, Outcome: audit.Refused, Reason: reason,
			Actor: audit.Server, UserID: s.UserID, SessionID: s.ID.String(),
		})
	}
}

// provesDevice tells whether the request comes from the session's device, as far as it
// has one.
func provesDevice(c *Request, s session.Session) (bool, error) {
	if s.JKT == "" {
		return true, nil
	}
	proof, err := c.proof()
	if err != nil || proof == nil || proof.JKT != s.JKT {
		return false, err
	}
	err = c.proofUsed()
	return err == nil, err
}

// prove checks the request's proof (RFC 9449 section 4.3) for all but whose it is, and
// whether it was used before.
func (c *Request) prove() (*dpop.Proof, error) {
	values := c.R.Header.Values(api.HeaderProof)
	if len(values) == 0 {
		return nil, nil
	}
	if len(values) > 1 {
		return nil, invalidProof(errors.New("there is more than one"))
	}
	proof, err := dpop.Parse(values[0])
	if err != nil {
		return nil, invalidProof(err)
	}
	if err := proof.Covers(c.R.Method, c.Origin+c.R.URL.EscapedPath()); err != nil {
		return nil, invalidProof(err)
	}
	switch {
	case proof.IssuedAt < c.Now-requestLimits.D, proof.IssuedAt > c.Now+requestLimits.Slack:
		return nil, refusal.New(api.RequestTooOld, "The request took too long to arrive, or the clock is wrong. Send it again.")
	case c.Workspace.ProofNonce && !c.nonces.valid(proof.Nonce, c.Now):
		return nil, refusal.New(api.UseDPoPNonce, "The proof lacks the server's nonce. Send the request again.")
	}
	return proof, nil
}

// useProof notes that the request's proof is used, and refuses one that was used before.
// Only a proof by the key of an authentic session is noted: who makes keys up takes no
// place in the memory for replays.
func (c *Request) useProof() error {
	proof, err := c.proof()
	if err != nil || proof == nil {
		return err
	}
	if err = c.replays.Use(proof, c.Now); errors.Is(err, dpop.ErrReplayed) {
		return invalidProof(err)
	}
	return err
}

func invalidProof(err error) *refusal.Refusal {
	return refusal.New(api.InvalidDPoPProof, "The device key's proof is not good. Send the request again.").Because(err)
}

// ProvenKey returns the thumbprint of the key that the request proves; a navigation
// proves none. A key that an address merely names (dpop_jkt) is whoever's made the link.
func (c *Request) ProvenKey() (string, error) {
	proof, err := c.proof()
	if proof == nil || c.ReadOnly() {
		return "", err
	}
	return proof.JKT, err
}
