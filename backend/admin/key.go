package admin

import (
	"context"
	"crypto/hmac"
	"crypto/rand"
	"crypto/sha256"
	"crypto/subtle"
	"encoding/base64"
	"errors"
	"strings"

	"github.com/tabard-auth/tabard/backend/api"
	"github.com/tabard-auth/tabard/backend/audit"
	"github.com/tabard-auth/tabard/backend/directory"
	"github.com/tabard-auth/tabard/backend/refusal"
)

// Key is a stored API key. Only a keyed hash of the key itself is stored, and the
// hash's own key is outside the store: a copy of the database gives no access.
type Key struct {
	ID   string // key_…; the public id in lists and in the audit log
	Kind KeyKind
	Name string
	Hash string
	// OrganizationID is the only organization in the key's scope; "" means the whole
	// workspace.
	OrganizationID string
	// App is the only app whose server may use the key; "" means every app.
	App        string
	CreatedAt  int64
	CreatedBy  string // the Actor's ID
	ExpiresAt  int64
	LastUsedAt int64 // an hour behind at most
	RevokedAt  int64
}

// KeyKind is the API that a key is for. A key is refused by the other API.
type KeyKind string

// The kinds: Administration keys are for the administration API. With WorkspaceAPI keys
// the servers of apps open sessions in other apps. With Events keys they follow the feed
// of endings.
const (
	Administration KeyKind = "administration"
	WorkspaceAPI   KeyKind = "workspace"
	Events         KeyKind = "events"
)

// KeyStore stores API keys. It deletes none, so that their ids in the audit log keep a
// name.
type KeyStore interface {
	// AddKey stores a new key.
	AddKey(ctx context.Context, k Key) error
	// Key returns the key with an id, and KeyByHash the key with a hash, or ErrNoKey.
	Key(ctx context.Context, id string) (Key, error)
	KeyByHash(ctx context.Context, hash string) (Key, error)
	// Keys returns all keys by id, starting after the given id, at most limit.
	Keys(ctx context.Context, after string, limit int) ([]Key, error)
	// UseKey records when a key was used, and replaces its hash.
	UseKey(ctx context.Context, id, hash string, now int64) error
	// RevokeKey revokes a key. One that was revoked before keeps its time. Error:
	// ErrNoKey.
	RevokeKey(ctx context.Context, id string, now int64) error
}

// ErrNoKey is the error for a key that is not stored.
var ErrNoKey = errors.New("administration: there is no such key")

const (
	keyPrefix = "tbk_"
	keyBytes  = 33 // 264 bits, without padding in base64
	// lastUsedAfter is the least time between two recorded uses, in seconds.
	lastUsedAfter = 60 * 60
	// maxKeyLife is the longest life of a key, in seconds.
	maxKeyLife = 10 * 366 * 24 * 60 * 60
)

// newKeyText returns a random key.
func newKeyText() string {
	secret := make([]byte, keyBytes)
	rand.Read(secret) // never fails
	return keyPrefix + base64.RawURLEncoding.EncodeToString(secret)
}

// wellFormed reports whether a text has the prefix and the length of a key.
func wellFormed(text string) bool {
	secret, found := strings.CutPrefix(text, keyPrefix)
	return found && len(secret) == base64.RawURLEncoding.EncodedLen(keyBytes)
}

// hasher hashes keys under each value of the workspace's secret, the one in use first.
type hasher [][]byte

func (h hasher) hash(under []byte, kind KeyKind, text string) string {
	mac := hmac.New(sha256.New, under)
	mac.Write([]byte(string(kind) + " " + text))
	return base64.RawURLEncoding.EncodeToString(mac.Sum(nil))
}

// keyRefusals are the refusals of an invalid key, the same as of a missing one.
var keyRefusals = map[KeyKind]*refusal.Refusal{
	Administration: refuse(api.AdminKeyRequired, "A valid administration key is required."),
	WorkspaceAPI:   refuse(api.WorkspaceAPIKeyRequired, "A valid workspace API key is required."),
	Events:         refuse(api.EventsKeyRequired, "A valid key of the kind events is required."),
}

// Authenticate returns the actor of a key of the given kind. A key that is unknown,
// malformed, of another kind, revoked or expired is refused alike.
func (o *keys) Authenticate(ctx context.Context, kind KeyKind, text, address string) (Actor, error) {
	if !wellFormed(text) {
		return Actor{}, keyRefusals[kind]
	}
	k, err := o.find(ctx, kind, text)
	if errors.Is(err, ErrNoKey) {
		return Actor{}, keyRefusals[kind]
	}
	if err != nil {
		return Actor{}, err
	}
	now := o.now().Unix()
	by := Actor{ID: k.ID, Name: k.Name, OrganizationID: k.OrganizationID, App: k.App, Address: address}
	if reason := k.endReason(now); reason != "" {
		return Actor{}, errors.Join(keyRefusals[kind], o.store.RecordEvent(ctx, audit.Event{
			ID: directory.NewID("evt_"), At: now, Action: audit.UseKey, Outcome: audit.Refused, Reason: reason,
			Actor: k.ID, ActorName: k.Name, OrganizationID: k.OrganizationID, Address: address,
		}))
	}
	newest := o.hash.hash(o.hash[0], kind, text)
	if k.LastUsedAt+lastUsedAfter <= now || k.Hash != newest {
		return by, o.store.UseKey(ctx, k.ID, newest, now)
	}
	return by, nil
}

// find finds a key by its hash. While the secret is being replaced, the hash may be under
// either value.
func (o *keys) find(ctx context.Context, kind KeyKind, text string) (Key, error) {
	for _, under := range o.hash {
		hash := o.hash.hash(under, kind, text)
		k, err := o.store.KeyByHash(ctx, hash)
		if errors.Is(err, ErrNoKey) {
			continue
		}
		if err == nil && (k.Kind != kind || subtle.ConstantTimeCompare([]byte(k.Hash), []byte(hash)) != 1) {
			err = ErrNoKey
		}
		return k, err
	}
	return Key{}, ErrNoKey
}

// endReason returns the reason why a key is no longer valid, or "".
func (k Key) endReason(now int64) (reason string) {
	switch {
	case k.RevokedAt != 0:
		return "revoked"
	case k.ExpiresAt != 0 && k.ExpiresAt <= now:
		return "expired"
	}
	return ""
}
