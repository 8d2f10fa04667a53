package host

import (
	"github.com/tabard-auth/tabard/backend/authn"
	"github.com/tabard-auth/tabard/backend/dpop"
	"github.com/tabard-auth/tabard/backend/serverapi/crossapp"
)

// Proofs remembers the proofs by device keys that were shown, so that none is good twice.
type Proofs struct{ browsers, servers *dpop.Replays }

// NewProofs returns an empty memory.
func NewProofs() *Proofs { return &Proofs{authn.NewProofs(), crossapp.NewProofs()} }
