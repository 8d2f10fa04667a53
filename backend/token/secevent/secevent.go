// Package secevent is a security event token (RFC 8417) about an ending: what access
// tokens that were minted before no longer stand for. The backend signs them, and
// package resource follows them.
package secevent

import (
	"crypto"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"strconv"
	"strings"

	"github.com/golang-jwt/jwt/v5"

	"github.com/tabard-auth/tabard/backend/jws"
	"github.com/tabard-auth/tabard/backend/strictjson"
)

// Type is the token's media type in its header (RFC 8417 section 2.3).
const Type = "secevent+jwt"

// The event types: those of the OpenID Continuous Access Evaluation Profile 1.0, and one
// for a signing key, for which it has none.
const (
	SessionRevoked    = "https://schemas.openid.net/secevent/caep/event-type/session-revoked"
	TokenClaimsChange = "https://schemas.openid.net/secevent/caep/event-type/token-claims-change"
	KeyWithdrawn      = "https://github.com/tabard-auth/tabard/event-type/signing-key-withdrawn"
)

// Subject is what an ending concerns: the access tokens that have all of its ids. An
// empty id stands for any. The zero Subject is the whole workspace.
type Subject struct {
	Session      string // sid
	User         string // sub
	Organization string // org_id
	App          string // client_id
}

// Event is an ending.
type Event struct {
	// Number is the event's number in the workspace's feed. It refuses access tokens of
	// its subject whose evt is smaller, and those of a session or a signing key always.
	Number int64
	// At is when it was written, in Unix seconds of the database's clock.
	At     int64
	Reason string
	Subject
	// Key is the id of a withdrawn signing key. Such an event has no Subject.
	Key string
}

// Feed is the state of a workspace's feed.
type Feed struct {
	Number    int64 // of the newest event
	Forgotten int64 // the newest number that was deleted
	Revision  int64 // of the workspace's document
}

// Claims change rather than end by these reasons.
var changes = map[string]bool{
	"roles_changed": true, "rules_changed": true, "organization_renamed": true, "app_changed": true,
	"attributes_changed": true, "provider_claims_changed": true,
}

func (e *Event) eventType() string {
	switch {
	case e.Key != "":
		return KeyWithdrawn
	case changes[e.Reason]:
		return TokenClaimsChange
	}
	return SessionRevoked
}

// JWTID returns the event's jti.
func (e *Event) JWTID() string { return "end_" + strconv.FormatInt(e.Number, 10) }

type header struct {
	Algorithm string `json:"alg"`
	KeyID     string `json:"kid"`
	Type      string `json:"typ"`
}

type payload struct {
	Issuer   string             `json:"iss"`
	ID       string             `json:"jti"`
	IssuedAt int64              `json:"iat"`
	Audience string             `json:"aud"`
	Number   int64              `json:"evt"`
	Subject  identifier         `json:"sub_id"`
	Events   map[string]details `json:"events"`
}

// identifier is a subject identifier (RFC 9493); a complex one has members.
type identifier struct {
	Format      string      `json:"format"`
	ID          string      `json:"id,omitempty"`
	URI         string      `json:"uri,omitempty"`
	Issuer      string      `json:"iss,omitempty"`
	Subject     string      `json:"sub,omitempty"`
	Session     *identifier `json:"session,omitempty"`
	User        *identifier `json:"user,omitempty"`
	Tenant      *identifier `json:"tenant,omitempty"`
	Application *identifier `json:"application,omitempty"`
}

type details struct {
	Timestamp int64             `json:"event_timestamp"`
	Reason    map[string]string `json:"reason_admin,omitempty"`
	// Claims are those that changed; which values they have now is in no event.
	Claims map[string]any `json:"claims,omitempty"`
	Key    string         `json:"kid,omitempty"`
}

func opaque(id string) *identifier {
	if id == "" {
		return nil
	}
	return &identifier{Format: "opaque", ID: id}
}

func (e *Event) identifier(issuer string) identifier {
	switch {
	case e.Key != "":
		return *opaque(e.Key)
	case e.Subject == Subject{}:
		return identifier{Format: "uri", URI: issuer}
	}
	of := identifier{Format: "complex", Session: opaque(e.Session), Tenant: opaque(e.Organization), Application: opaque(e.App)}
	if e.User != "" {
		of.User = &identifier{Format: "iss_sub", Issuer: issuer, Subject: e.User}
	}
	return of
}

// Signer signs events.
type Signer struct {
	Issuer  string
	KeyID   string
	Alg     string // ES256, EdDSA or RS256
	Private crypto.Signer
}

// Sign returns the event's token for an audience, in compact form.
func (e *Event) Sign(by Signer, audience string) (string, error) {
	method := jwt.GetSigningMethod(by.Alg)
	if method == nil {
		return "", fmt.Errorf("secevent: signing method %q is not supported", by.Alg)
	}
	d := details{Timestamp: e.At, Reason: map[string]string{"en": e.Reason}, Key: e.Key}
	if e.eventType() == TokenClaimsChange {
		d.Claims = map[string]any{}
	}
	signed := encoded(header{by.Alg, by.KeyID, Type}) + "." + encoded(payload{
		Issuer: by.Issuer, ID: e.JWTID(), IssuedAt: e.At, Audience: audience, Number: e.Number,
		Subject: e.identifier(by.Issuer), Events: map[string]details{e.eventType(): d},
	})
	signature, err := method.Sign(signed, by.Private)
	if err != nil {
		return "", fmt.Errorf("secevent: %w", err)
	}
	return signed + "." + base64.RawURLEncoding.EncodeToString(signature), nil
}

func encoded(part any) string {
	text, err := json.Marshal(part)
	if err != nil { // header and payload always encode
		panic(err)
	}
	return base64.RawURLEncoding.EncodeToString(text)
}

// maxBytes is the longest token that Parse reads.
const maxBytes = 8 << 10

// Key finds the issuer's public key with an id, and its algorithm.
type Key func(kid string) (algorithm string, key crypto.PublicKey, err error)

// Parse verifies a token of an issuer and returns its event and audience. An authentic
// event with a subject or of a type that this release does not know concerns the whole
// workspace: what is not understood must not be passed over.
func Parse(raw, issuer string, find Key) (Event, string, error) {
	message, err := jws.Parse(raw, maxBytes)
	if err != nil {
		return Event{}, "", fmt.Errorf("secevent: %w", err)
	}
	if typ := message.Header.Text("typ"); strings.TrimPrefix(strings.ToLower(typ), "application/") != Type {
		return Event{}, "", fmt.Errorf("secevent: typ is %q, want %s", typ, Type)
	}
	algorithm, key, err := find(message.Header.Text("kid"))
	if err != nil {
		return Event{}, "", fmt.Errorf("secevent: key %q: %w", message.Header.Text("kid"), err)
	}
	if err := message.Verify(algorithm, key); err != nil {
		return Event{}, "", fmt.Errorf("secevent: %w", err)
	}
	p, err := readPayload(message.Payload)
	if err != nil {
		return Event{}, "", fmt.Errorf("secevent: %w", err)
	}
	switch {
	case p.Issuer != issuer:
		return Event{}, "", fmt.Errorf("secevent: iss is %q, want %q", p.Issuer, issuer)
	case p.Number <= 0 || p.Audience == "" || len(p.Events) == 0:
		return Event{}, "", errors.New("secevent: evt, aud or events is missing")
	}
	return p.event(), p.Audience, nil
}

// readPayload reads an event. Of one with members of other types it reads what every event
// has, and so makes it one of a type that this release does not know.
func readPayload(text []byte) (p payload, err error) {
	if strictjson.DecodeKnown(text, &p) == nil {
		return p, nil
	}
	var least struct {
		Issuer   string                     `json:"iss"`
		Audience string                     `json:"aud"`
		Number   int64                      `json:"evt"`
		Events   map[string]json.RawMessage `json:"events"`
	}
	err = strictjson.DecodeKnown(text, &least)
	p = payload{Issuer: least.Issuer, Audience: least.Audience, Number: least.Number, Events: map[string]details{}}
	for name := range least.Events {
		p.Events["unreadable "+name] = details{}
	}
	return p, err
}

func (p *payload) event() Event {
	e := Event{Number: p.Number, At: p.IssuedAt}
	known := len(p.Events) == 1
	for name, d := range p.Events {
		e.Reason = d.Reason["en"]
		switch {
		case name == KeyWithdrawn && d.Key != "":
			e.Key = d.Key
		case name != SessionRevoked && name != TokenClaimsChange:
			known = false
		}
	}
	if known && e.Key == "" && p.Subject.Format == "complex" {
		e.Subject = Subject{
			Session: p.Subject.Session.id(), User: p.Subject.User.id(),
			Organization: p.Subject.Tenant.id(), App: p.Subject.Application.id(),
		}
	}
	return e
}

func (i *identifier) id() string {
	switch {
	case i == nil:
		return ""
	case i.Format == "iss_sub":
		return i.Subject
	}
	return i.ID
}
