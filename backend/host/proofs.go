package host

import (
	"github.com/tabard-auth/tabard/backend/authn"
	"github.com/tabard-auth/tabard/backend/dpop"
	"github.com/tabard-auth/tabard/backend/serverapi/crossapp"
)

// Proofs remembers used device proofs, so that each is accepted once.
type Proofs struct{ browsers, servers *dpop.Replays }

// NewProofs returns an empty memory.
func NewProofs() *Proofs { return &Proofs{authn.NewProofs(), crossapp.NewProofs()} }
