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

// Key is a program's key as it is stored. Of the key itself only a keyed hash is,
// whose own key lies outside the store: a copy of the database opens nothing.
type Key struct {
	ID   string // key_…; it names the key in lists and in the trail, and opens nothing
	Kind KeyKind
	Name string
	Hash string
	// OrganizationID is the only organization that the key reaches; "" means the whole
	// workspace.
	OrganizationID string
	// App is the only app whose server may use the key; "" means every app's.
	App        string
	CreatedAt  int64
	CreatedBy  string // the Actor's ID
	ExpiresAt  int64
	LastUsedAt int64 // an hour behind at most
	RevokedAt  int64
}

// KeyKind is what a key is a key to. A key of one kind opens nothing of another's.
type KeyKind string

// The kinds: keys to the administration API, and those with which servers of the
// workspace's apps open sessions in each other.
const (
	Administration KeyKind = "administration"
	WorkspaceAPI   KeyKind = "workspace"
)

// KeyStore keeps keys. It forgets none, so that the trail's names of them still say
// something.
type KeyStore interface {
	// AddKey keeps a new key.
	AddKey(ctx context.Context, k Key) error
	// Key returns the key of an id, and KeyByHash that of a hash, or ErrNoKey.
	Key(ctx context.Context, id string) (Key, error)
	KeyByHash(ctx context.Context, hash string) (Key, error)
	// Keys returns all keys by id, those after one, at most limit.
	Keys(ctx context.Context, after string, limit int) ([]Key, error)
	// UseKey writes down when a key was used, and the hash to find it by from now on.
	UseKey(ctx context.Context, id, hash string, now int64) error
	// RevokeKey ends a key; one that has ended keeps its time. ErrNoKey.
	RevokeKey(ctx context.Context, id string, now int64) error
}

// ErrNoKey is the error for a key that is not in the store.
var ErrNoKey = errors.New("administration: there is no such key")

const (
	keyPrefix = "tbk_"
	keyBytes  = 33 // 264 bits, without padding in base64
	// lastUsedAfter is how much later a use has to be to be written down.
	lastUsedAfter = 60 * 60
	// maxKeyLife is the longest that a key may be made for, in seconds.
	maxKeyLife = 10 * 366 * 24 * 60 * 60
)

// newKeyText draws a key.
func newKeyText() string {
	secret := make([]byte, keyBytes)
	rand.Read(secret) // never fails
	return keyPrefix + base64.RawURLEncoding.EncodeToString(secret)
}

// wellFormed tells a text that can be a key: its prefix, and its length.
func wellFormed(text string) bool {
	secret, found := strings.CutPrefix(text, keyPrefix)
	return found && len(secret) == base64.RawURLEncoding.EncodedLen(keyBytes)
}

// hasher hashes keys under each value of the workspace's secret, the one that makes
// first.
type hasher [][]byte

func (h hasher) hash(under []byte, kind KeyKind, text string) string {
	mac := hmac.New(sha256.New, under)
	mac.Write([]byte(string(kind) + " " + text))
	return base64.RawURLEncoding.EncodeToString(mac.Sum(nil))
}

// keyRefusals refuses a key, and says of it what it says of none.
var keyRefusals = map[KeyKind]*refusal.Refusal{
	Administration: refuse(api.AdminKeyRequired, "A valid administration key is required."),
	WorkspaceAPI:   refuse(api.WorkspaceAPIKeyRequired, "A valid workspace API key is required."),
}

// Authenticate returns who presents a key of that kind. A key that is unknown,
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

// find finds a key by its hash. While one secret replaces another it may be that of
// either.
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

// ended tells why a key is one no more.
func (k Key) endReason(now int64) (reason string) {
	switch {
	case k.RevokedAt != 0:
		return "revoked"
	case k.ExpiresAt != 0 && k.ExpiresAt <= now:
		return "expired"
	}
	return ""
}
