package tab

import (
	"time"

	"github.com/tabard-auth/tabard/backend/api"
)

// heldToken is an access token that the tab holds, with the organization session that
// it belongs to.
type heldToken struct {
	answer        api.TokenResponse
	minted        time.Duration // wall clock
	received      time.Duration // this and the next two: clock.now
	renewAt       time.Duration
	expires       time.Duration
	reportedInput activity // the person's last input that the backend was told of
}

// The last part of a token's life is not handed out, so that it is still valid when it
// reaches the API. In the part before that it is renewed while it is still in use.
const (
	marginShare, maxMargin = 20, 5 * time.Second
	renewShare, maxRenewal = 5, time.Minute
)

// newHeldToken returns the token of a response that came at the moment now.
func newHeldToken(answer *api.TokenResponse, wall, now time.Duration, random uint64) *heldToken {
	h := &heldToken{answer: *answer, minted: wall, received: now, reportedInput: noInput}
	early := min(h.lifetime()/renewShare, maxRenewal)
	h.expires = now + h.lifetime()
	h.renewAt = h.expires - early - randomPart(early/2, random)
	if h.isFinal() {
		h.renewAt = now + time.Duration(answer.ExpiresIn)*time.Second
	}
	return h
}

// isFinal reports whether the token lives as long as its session: renewing it before
// its end gains no time.
func (h *heldToken) isFinal() bool {
	s := h.answer.OrganizationSession
	for _, end := range []int64{h.answer.SessionExpiresIn, s.ExpiresIn, s.IdleExpiresIn} {
		if end != 0 && end <= h.answer.ExpiresIn {
			return true
		}
	}
	return false
}

// lifetime returns how long the token is handed out after it was minted.
func (h *heldToken) lifetime() time.Duration {
	life := time.Duration(h.answer.ExpiresIn) * time.Second
	return life - min(life/marginShare, maxMargin)
}

func (h *heldToken) usable(now time.Duration) bool { return h != nil && now < h.expires }

func (h *heldToken) organization() api.Organization { return h.answer.Organization }

// credential returns the token as it is handed out; see [Tab.Credential].
func (h *heldToken) credential() string {
	if h.answer.TokenType == api.TokenTypeDPoP {
		return "DPoP " + h.answer.AccessToken
	}
	return h.answer.AccessToken
}

// restore computes a stored token's age from the time of day at which it was minted,
// the only clock that survives a reload. It reports whether the token is usable; one
// from the future has no known age and is not.
func (h *heldToken) restore(c *clock, random func() uint64) bool {
	age := c.Wall() - h.minted
	if age < 0 {
		return false
	}
	*h = *newHeldToken(&h.answer, h.minted, c.now()-age, random())
	return h.usable(c.now())
}

func (h *heldToken) json() string {
	o := newObject()
	o.number("minted", h.minted.Milliseconds())
	o.number("until", (h.minted + h.lifetime()).Milliseconds())
	o.raw("answer", EncodeTokenResponse(h.answer))
	return o.end()
}

func decodeHeldToken(v Value) *heldToken {
	return &heldToken{
		answer: DecodeTokenResponse(member(v, "answer")),
		minted: time.Duration(boundedNumber(v, "minted", maxMillis)) * time.Millisecond,
	}
}

// isComplete reports whether a response has all that a token needs.
func isComplete(answer *api.TokenResponse) bool {
	return answer.AccessToken != "" && answer.ExpiresIn > 0 && answer.Organization.ID != "" &&
		answer.User.ID != "" && answer.Session != ""
}

// matches reports whether name, an id or a slug, is the organization's.
func matches(o *api.Organization, name string) bool {
	return name != "" && (name == o.ID || name == o.Slug)
}
