package authn

import (
	"errors"
	"fmt"
	"net/url"
	"strings"

	"github.com/tabard-auth/tabard/backend/api"
	"github.com/tabard-auth/tabard/backend/audit"
	"github.com/tabard-auth/tabard/backend/directory"
	"github.com/tabard-auth/tabard/backend/dpop"
	"github.com/tabard-auth/tabard/backend/refusal"
	"github.com/tabard-auth/tabard/backend/session"
)

// A session can be bound to a device key that the browser cannot export (DPoP, RFC
// 9449). It then accepts only requests with a proof of that key, so that a copied
// cookie is useless. An invalid proof is refused without an effect on the session, and
// the answer does not reveal whether the cookie was authentic.

// requestLimits limits the age of a request. A clock may be ahead of the server's by as
// much as those of replicas may differ, as in rotation.
var requestLimits = session.LimitsFor(true)

var (
	// proofLife is how long a used proof is remembered, in seconds. A proof that was
	// issued ahead of time is remembered longer.
	proofLife = requestLimits.D + requestLimits.Slack + 1
	// maxProofs is the number of proofs remembered for each key, at about 20 bytes
	// each.
	maxProofs = 1 << 13
)

// CheckDevice refuses a session with a device key unless the request proves that key.
// It binds a new session without a device key to the key that the request proves. It
// returns the updated session.
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

// checkKey refuses a missing proof and a proof of another key than the session's.
func checkKey(proof *dpop.Proof, jkt string) error {
	switch {
	case proof == nil:
		return refusal.New(api.DeviceKeyRequired, "This session requires a proof of its device key. Sign in again.")
	case proof.JKT != jkt:
		return refusal.New(api.DeviceKeyMismatch, "This browser has lost the key of its session. Sign in again.")
	}
	return nil
}

// auditProof records a request without a valid proof, since its cookie may have been
// copied. It records each kind of refusal at most once a minute for each session.
func auditProof(c *Request, s session.Session, err error) {
	if !refusal.Is(err) {
		return
	}
	switch code := RefusalOf(err).Code; code {
	case api.InvalidDPoPProof, api.DeviceKeyRequired, api.DeviceKeyMismatch:
		reason := string(code)
		if errors.Is(err, dpop.ErrReplayed) { // browsers cause that too, by resending after a lost connection
			reason = "repeated_dpop_proof"
		}
		c.Audit(audit.Event{
			ID:     fmt.Sprintf("proof:%s:%s:%d", s.ID, reason, c.Now/60),
			Action: audit.ProofRefused, Outcome: audit.Refused, Reason: reason,
			Actor: audit.Server, UserID: s.UserID, SessionID: s.ID.String(),
		})
	}
}

// provesDevice reports whether the request proves the session's device key, if the
// session has one.
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

// furtherProof is a proof by another key of the browser. A person may have several sessions
// with the key.
type furtherProof struct {
	*dpop.Proof
	used once[struct{}]
}

// ProveAlso takes proofs of the request by further device keys, separated by spaces, from its
// body.
func (c *Request) ProveAlso(proofs string) error {
	texts := strings.Fields(proofs)
	if len(texts) > directory.MaxAccounts {
		return refusal.New(api.InvalidRequest, "There are more proofs than people.")
	}
	for _, text := range texts {
		proof, err := c.validProof(text)
		if err != nil {
			return err
		}
		c.beside = append(c.beside, &furtherProof{Proof: proof})
	}
	return nil
}

// provesBeside is provesDevice for a session of another person, whose key a further proof
// may prove.
func provesBeside(c *Request, s session.Session) (bool, error) {
	for _, proof := range c.beside {
		if s.JKT == proof.JKT {
			if !proof.used.done {
				proof.used.done, proof.used.err = true, c.use(proof.Proof)
			}
			return proof.used.err == nil, proof.used.err
		}
	}
	return provesDevice(c, s)
}

// once is the outcome of what a request does at most once.
type once[T any] struct {
	done  bool
	value T
	err   error
}

// proof returns the request's device proof, or nil without one.
func (c *Request) proof() (*dpop.Proof, error) {
	if !c.proven.done {
		c.proven.done = true
		c.proven.value, c.proven.err = c.prove()
	}
	return c.proven.value, c.proven.err
}

// proofUsed marks the proof as used.
func (c *Request) proofUsed() error {
	if !c.spent.done {
		c.spent.done = true
		c.spent.err = c.useProof()
	}
	return c.spent.err
}

// prove validates the request's proof (RFC 9449 section 4.3), except for the expected
// key and reuse.
func (c *Request) prove() (*dpop.Proof, error) {
	values := c.R.Header.Values(api.HeaderProof)
	if len(values) == 0 {
		return nil, nil
	}
	if len(values) > 1 {
		return nil, invalidProof(errors.New("there is more than one"))
	}
	return c.validProof(values[0])
}

// validProof is prove for a text.
func (c *Request) validProof(text string) (*dpop.Proof, error) {
	proof, err := dpop.Parse(text)
	if err != nil {
		return nil, invalidProof(err)
	}
	if err := proof.Covers(c.R.Method, c.Origin+c.R.URL.EscapedPath()); err != nil {
		return nil, otherAddress(c, proof, err)
	}
	switch {
	case proof.IssuedAt < c.Now-requestLimits.D, proof.IssuedAt > c.Now+requestLimits.Slack:
		return nil, refusal.New(api.RequestTooOld, "The request is too old, or this device's clock is wrong. Send it again.")
	case c.Workspace.ProofNonce && !c.nonces.valid(proof.Nonce, c.Now):
		return nil, refusal.New(api.UseDPoPNonce, "Send the request again, with a DPoP proof that contains the nonce of this response.")
	}
	return proof, nil
}

// useProof marks the request's proof as used, and refuses one that was used before.
// Callers verify the session first, so that made-up keys do not fill the memory.
func (c *Request) useProof() error {
	proof, err := c.proof()
	if err != nil || proof == nil {
		return err
	}
	return c.use(proof)
}

func (c *Request) use(proof *dpop.Proof) error {
	err := c.replays.Use(proof, c.Now)
	if errors.Is(err, dpop.ErrReplayed) {
		return invalidProof(err)
	}
	return err
}

// otherAddress refuses a proof for another request. If only scheme, host or port differ,
// it names both.
func otherAddress(c *Request, proof *dpop.Proof, cause error) error {
	r := invalidProof(cause)
	sent, err := url.Parse(proof.Address())
	if err != nil || sent.EscapedPath() != c.R.URL.EscapedPath() || sent.Scheme+"://"+sent.Host == c.Origin {
		return r
	}
	r.Reason = api.ReasonPublicURL
	r.Text = fmt.Sprintf("The page sent the request to %q, but the backend's public URL is %q. Open the page at that host and port, "+
		"or set the public URL to the address that browsers use.", sent.Scheme+"://"+sent.Host+c.Base, c.Issuer)
	return r.WithCause(fmt.Errorf("%w: %s", cause, r.Text))
}

func invalidProof(err error) *refusal.Refusal {
	return refusal.New(api.InvalidDPoPProof, "The DPoP proof is invalid. Send the request again with a new proof.").WithCause(err)
}

// UseKey returns the thumbprint of the key that the request proves, and marks the proof as
// used. It refuses a request without one.
func (c *Request) UseKey() (string, error) {
	proof, err := c.proof()
	if err == nil && proof == nil {
		err = refusal.New(api.InvalidDPoPProof, "The request needs a DPoP header with a proof by this page's device key.")
	}
	if err == nil {
		err = c.proofUsed()
	}
	if err != nil {
		return "", err
	}
	return proof.JKT, nil
}

// ProvenKey returns the thumbprint of the key that the request proves. A navigation
// proves none; the author of a link could choose the key that its URL names (dpop_jkt).
func (c *Request) ProvenKey() (string, error) {
	proof, err := c.proof()
	if proof == nil || c.ReadOnly() {
		return "", err
	}
	return proof.JKT, err
}
