// Package keys owns the workspace's secret and the signing keys that are
// encrypted under it: making, keeping, publishing.
package keys

import (
	"context"
	"crypto"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/rsa"
	"crypto/x509"
	"encoding/base32"
	"errors"
	"fmt"
	"strings"
	"sync"
)

// Algorithm is a JWS signature algorithm (RFC 7518 section 3.1, RFC 8037).
type Algorithm string

// The algorithms that access tokens can be signed with.
const (
	ES256 Algorithm = "ES256"
	EdDSA Algorithm = "EdDSA"
	RS256 Algorithm = "RS256"
)

// ParseAlgorithm returns the algorithm of that name.
func ParseAlgorithm(name string) (Algorithm, error) {
	switch a := Algorithm(name); a {
	case ES256, EdDSA, RS256:
		return a, nil
	}
	return "", fmt.Errorf("%q is no signing algorithm; one of ES256, EdDSA, RS256 is", name)
}

// Key is a signing key.
type Key struct {
	ID        string
	Algorithm Algorithm
	// Generation numbers the keys of one algorithm, from 1.
	Generation int64
	Private    crypto.Signer
	CreatedAt  int64 // Unix seconds
}

// Stored is a signing key as a store keeps it: its private part sealed under the
// workspace's secret.
type Stored struct {
	ID         string
	Algorithm  Algorithm
	Generation int64
	Sealed     string
	CreatedAt  int64 // Unix seconds
}

// Store keeps signing keys.
type Store interface {
	// SigningKeys returns all keys, the newest first.
	SigningKeys(ctx context.Context) ([]Stored, error)
	// AddSigningKey keeps a key. Where one of its algorithm and generation is
	// there already, it does nothing: replicas that start together end with one.
	AddSigningKey(ctx context.Context, k Stored) error
}

// Ring holds the signing keys of the workspace, read from a store once and kept.
type Ring struct {
	store     Store
	sealer    Sealer
	algorithm Algorithm

	mu   sync.Mutex
	keys []Key
}

// NewRing returns the ring of the keys in store, which signs with algorithm. The
// first use makes a key where there is none.
func NewRing(store Store, secret Secret, algorithm Algorithm) *Ring {
	return &Ring{store: store, sealer: secret.Sealer(ForSigningKeys), algorithm: algorithm}
}

// Signing returns the key to sign with: the newest of the ring's algorithm.
func (r *Ring) Signing(ctx context.Context, now int64) (Key, error) {
	keys, err := r.All(ctx, now)
	if err != nil {
		return Key{}, err
	}
	for _, k := range keys {
		if k.Algorithm == r.algorithm {
			return k, nil
		}
	}
	return Key{}, fmt.Errorf("keys: no %s key", r.algorithm)
}

// All returns every key that tokens in circulation may be signed with, the newest
// first.
func (r *Ring) All(ctx context.Context, now int64) ([]Key, error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.keys != nil {
		return r.keys, nil
	}
	keys, err := r.Stored(ctx)
	if err != nil {
		return nil, err
	}
	if !holds(keys, r.algorithm) {
		if err := r.make(ctx, now); err != nil {
			return nil, err
		}
		if keys, err = r.Stored(ctx); err != nil {
			return nil, err
		}
	}
	r.keys = keys
	return keys, nil
}

func holds(keys []Key, a Algorithm) bool {
	for _, k := range keys {
		if k.Algorithm == a {
			return true
		}
	}
	return false
}

// Stored returns the keys that the store has, the newest first, and makes none.
func (r *Ring) Stored(ctx context.Context) ([]Key, error) {
	stored, err := r.store.SigningKeys(ctx)
	if err != nil {
		return nil, fmt.Errorf("keys: %w", err)
	}
	keys := make([]Key, 0, len(stored))
	for _, s := range stored {
		k, err := r.open(s)
		if err != nil {
			return nil, fmt.Errorf("keys: key %s: %w", s.ID, err)
		}
		keys = append(keys, k)
	}
	return keys, nil
}

func (r *Ring) open(s Stored) (Key, error) {
	der, err := r.sealer.Open(s.Sealed, s.ID)
	if err != nil {
		return Key{}, fmt.Errorf("%w; the secret that it was stored under is missing", err)
	}
	private, err := x509.ParsePKCS8PrivateKey(der)
	if err != nil {
		return Key{}, err
	}
	signer, ok := private.(crypto.Signer)
	if !ok {
		return Key{}, errors.New("not a signing key")
	}
	return Key{
		ID: s.ID, Algorithm: s.Algorithm, Generation: s.Generation,
		Private: signer, CreatedAt: s.CreatedAt,
	}, nil
}

func (r *Ring) make(ctx context.Context, now int64) error {
	private, err := generate(r.algorithm)
	if err != nil {
		return fmt.Errorf("keys: %w", err)
	}
	der, err := x509.MarshalPKCS8PrivateKey(private)
	if err != nil {
		return fmt.Errorf("keys: %w", err)
	}
	id := newID()
	return r.store.AddSigningKey(ctx, Stored{
		ID: id, Algorithm: r.algorithm, Generation: 1, Sealed: r.sealer.Seal(der, id), CreatedAt: now,
	})
}

func generate(a Algorithm) (crypto.Signer, error) {
	switch a {
	case EdDSA:
		_, private, err := ed25519.GenerateKey(rand.Reader)
		return private, err
	case RS256:
		return rsa.GenerateKey(rand.Reader, 2048)
	default:
		return ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	}
}

func newID() string {
	id := make([]byte, 10)
	rand.Read(id)
	return strings.ToLower(base32.StdEncoding.WithPadding(base32.NoPadding).EncodeToString(id))
}
