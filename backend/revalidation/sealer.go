package revalidation

import "github.com/tabard-auth/tabard/backend/signingkey"

// Sealer seals providers' refresh tokens. A sealed token opens only for the connection
// and the issuer that it came from, so that no other provider is ever sent it.
type Sealer struct{ sealer signingkey.Sealer }

// NewSealer returns the sealer of a secret.
func NewSealer(secret signingkey.Secret) Sealer {
	return Sealer{secret.Sealer(signingkey.ForProviderTokens)}
}

// Seal seals a token.
func (s Sealer) Seal(token, connection, issuer string) string {
	return s.sealer.Seal([]byte(token), connection+"\n"+issuer)
}

// open opens a sealed token, or returns signingkey.ErrSealed.
func (s Sealer) open(sealed, connection, issuer string) (string, error) {
	token, err := s.sealer.Open(sealed, connection+"\n"+issuer)
	return string(token), err
}
