package session

// ProviderToken is a refresh token of a provider at which a session's person signed in.
// It asks the provider whether it still knows the person. Times are Unix seconds.
type ProviderToken struct {
	Session ID
	// Connection is the organization's own connection of the provider. It is empty for
	// the workspace's provider.
	Connection string
	// Sealed is the token, sealed. It is empty if the provider has replaced the token and
	// its answer was lost.
	Sealed string
	// AnsweredAt is the provider's last answer about the person, and DueAt when it is
	// asked next.
	AnsweredAt, DueAt int64
	// Unanswered counts the uses of the token of which no answer is known.
	Unanswered int64
	ExpiresAt  int64 // the session's
}

// Revalidation is the outcome of asking a provider about a session's person.
type Revalidation string

// The outcomes.
const (
	Confirmed Revalidation = "confirmed"
	// RefusedByProvider ends what rests on the provider.
	RefusedByProvider Revalidation = "refused"
	// Unreachable is a provider that did not answer, or was not asked because it did not
	// answer of late.
	Unreachable Revalidation = "unreachable"
	// Faulty is an answer that blames the deployment, such as invalid_client.
	Faulty Revalidation = "fault"
	// TokenLost is a refusal after an answer was lost: the provider may have replaced the
	// token in it.
	TokenLost Revalidation = "token_lost"
)

// Revalidations returns every outcome.
func Revalidations() []Revalidation {
	return []Revalidation{Confirmed, RefusedByProvider, Unreachable, Faulty, TokenLost}
}

// ReasonProviderRefused ends a session because the provider of its sign-in no longer
// knows the person.
const ReasonProviderRefused Reason = "provider_refused"

// RevalidationDue reports whether a mint has to ask a provider, or may not go on without
// its answer.
func (s *Session) RevalidationDue(now int64) bool {
	return s.RevalidateAt < 0 || s.RevalidateAt > 0 && s.RevalidateAt <= now
}

// Root returns the session whose sign-in this one rests on: its parent, or itself.
func (s *Session) Root() ID {
	if s.Parent != (ID{}) {
		return s.Parent
	}
	return s.ID
}
