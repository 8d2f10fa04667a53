package tab_test

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"fmt"
	"maps"
	"slices"
	"sync"
	"testing"

	"github.com/tabard-auth/tabard/backend/api"
	"github.com/tabard-auth/tabard/backend/dpop"
	"github.com/tabard-auth/tabard/wasm/tab"
)

// device is the browser's storage of its key.
type device struct {
	mu     sync.Mutex
	key    *deviceKey
	named  map[string]*deviceKey // of people, and of sign-ins under way
	broken error
	looked int
}

type deviceKey struct{ *ecdsa.PrivateKey }

func (d *device) Key(name string) (tab.Key, error) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.looked++
	if d.broken != nil {
		return nil, d.broken
	}
	if named := d.named[name]; named != nil {
		return named, nil
	}
	if name == "" || name[0] != '+' {
		if d.key == nil {
			d.key = newDeviceKey()
		}
		return d.key, nil
	}
	if d.named == nil {
		d.named = map[string]*deviceKey{}
	}
	d.named[name] = newDeviceKey()
	return d.named[name], nil
}

func newDeviceKey() *deviceKey {
	private, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		panic(err)
	}
	return &deviceKey{private}
}

func (d *device) Rename(from, to string) error {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.named[to] = d.named[from]
	if d.named[from] == nil {
		d.named[to] = d.key
	}
	if from != "" && from[0] == '+' {
		delete(d.named, from)
	}
	return nil
}

func (d *device) Forget(stale func(name string) bool) error {
	d.mu.Lock()
	defer d.mu.Unlock()
	maps.DeleteFunc(d.named, func(name string, _ *deviceKey) bool { return stale(name) })
	return nil
}

func (d *device) Digest(text string) ([]byte, error) {
	sum := sha256.Sum256([]byte(text))
	return sum[:], nil
}

// lose clears the browser's storage.
func (d *device) lose() {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.key = nil
}

func (d *device) set(broken error) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.broken = broken
}

func (k *deviceKey) JWK() string {
	point, err := k.PublicKey.Bytes()
	if err != nil {
		panic(err)
	}
	encode := base64.RawURLEncoding.EncodeToString
	return fmt.Sprintf(`{"crv":"P-256","kty":"EC","x":"%s","y":"%s"}`, encode(point[1:33]), encode(point[33:]))
}

func (k *deviceKey) Sign(text string) ([]byte, error) {
	sum := sha256.Sum256([]byte(text))
	r, s, err := ecdsa.Sign(rand.Reader, k.PrivateKey, sum[:])
	if err != nil {
		return nil, err
	}
	signature := make([]byte, 64)
	r.FillBytes(signature[:32])
	s.FillBytes(signature[32:])
	return signature, nil
}

// proofChecker is a backend's check of proofs, made before it reads the request.
type proofChecker struct {
	jkt    string // of the session's key, if it is bound
	nonce  string // demanded, if not empty
	used   map[string]bool
	proofs []*dpop.Proof
}

// install puts the check before a backend.
func (g *proofChecker) install(b *browser) *proofChecker {
	g.used = map[string]bool{}
	b.set(func() { b.script, b.bound = g.answer, true })
	return g
}

func (g *proofChecker) answer(r tab.Request) *tab.Response {
	code := g.refusal(r)
	if code == "" {
		return nil
	}
	response := refuse(401, api.Error{Code: code, ServerTime: serverTime()})
	response.Nonce = g.nonce
	return &response
}

func (g *proofChecker) refusal(r tab.Request) api.Code {
	raw := header(r, api.HeaderProof)
	if raw == "" && g.jkt != "" {
		return api.DeviceKeyRequired
	}
	if raw == "" {
		return ""
	}
	proof, err := dpop.Parse(raw)
	if err == nil {
		err = proof.Covers(r.Method, r.URL)
	}
	if err != nil || g.used[proof.ID] {
		return api.InvalidDPoPProof
	}
	g.used[proof.ID], g.proofs = true, append(g.proofs, proof)
	switch {
	case proof.IssuedAt < serverTime()-30 || proof.IssuedAt > serverTime()+5:
		return api.RequestTooOld
	case g.nonce != "" && proof.Nonce != g.nonce:
		return api.UseDPoPNonce
	case g.jkt == "":
		g.jkt = proof.JKT
	case g.jkt != proof.JKT:
		return api.DeviceKeyMismatch
	}
	return ""
}

func header(r tab.Request, name string) string {
	i := slices.IndexFunc(r.Headers, func(h [2]string) bool { return h[0] == name })
	if i < 0 {
		return ""
	}
	return r.Headers[i][1]
}

// runWithDevice runs a test in a browser that has a device key, with Ada signed in.
func runWithDevice(t *testing.T, test func(t *testing.T, b *browser, d *device, g *proofChecker)) {
	t.Helper()
	run(t, func(t *testing.T, b *browser) {
		d := &device{}
		b.device = d
		b.signIn("ada")
		test(t, b, d, (&proofChecker{}).install(b))
	})
}
