package handover

import (
	"crypto/rand"

	"github.com/tabard-auth/tabard/backend/session"
)

// OriginCode is the content of a code that brings a browser's session to another origin of
// the same app.
//
// A page that the browser has a session for asks for it, with a proof of that session's
// device key (POST /handover/origin), and passes it to the page at the other origin in the
// fragment of its address, which no server and no Referer sees. That page redeems it with a
// proof of its own origin's key (POST /handover/join), and gets a session that joined.
//
// Threat model. Whoever reads the address lacks the browser's cookies: the code is only
// accepted beside the living cookie of the session that asked. For the same reason an
// attacker's code in a victim's browser is worth nothing (login CSRF). Whoever copied the
// cookies lacks the code, and the device key to ask for one. The code is valid for one
// origin and organization, for a minute, and once: the session keeps its id.
type OriginCode struct {
	// ID becomes the Attempt of the session that the code makes.
	ID  string `json:"id"`
	App string `json:"app"`
	// Origin is the one that it opens, and Organization the only organization there, or
	// empty if the page acts for all.
	Origin       string `json:"origin"`
	Organization string `json:"organization"`
	// By is the session that asked for it.
	By      string `json:"by"`
	Expires int64  `json:"expires"` // Unix seconds
}

const originContext = "origin"

// NewOriginCode returns a code that a session asks for.
func NewOriginCode(app, origin, organization string, by session.ID, now int64) OriginCode {
	return OriginCode{
		ID: "origin_" + rand.Text(), App: app, Origin: origin, Organization: organization, By: by.String(), Expires: now + CodeLife,
	}
}

// Seal returns the code's text.
func (c OriginCode) Seal(s Sealer) string { return seal(s, c, originContext) }

// OpenOriginCode reads a code's text. It does not check whether it was used before.
func OpenOriginCode(s Sealer, text string, now int64) (OriginCode, error) {
	var c OriginCode
	if !open(s, text, originContext, &c) || c.Expires < now {
		return OriginCode{}, ErrCode
	}
	return c, nil
}
