package serverapi_test

import (
	"net/http"
	"testing"

	"github.com/tabard-auth/tabard/backend/audit"
	"github.com/tabard-auth/tabard/backend/signingkey"
	"github.com/tabard-auth/tabard/backend/token"
)

// TestARetiredKeyIsKnownToEveryReplicaAtOnce: one may have minted nothing since.
func TestARetiredKeyIsKnownToEveryReplicaAtOnce(t *testing.T) {
	w := newCrossed(t)
	w.entered(w.enter())
	minting := w.hosts["localhost:8080"]
	w.serve(w.store)
	entering := w.hosts["localhost:8080"]
	w.entered(w.enter())

	before := w.subject
	now := w.now().Unix()
	signing, err := signingkey.NewKeyRing(w.store, w.secret, signingkey.ES256).Signing(t.Context(), "", 0, now)
	w.must(signing, err)
	w.must(w.store.RetireSigningKey(t.Context(), signing.ID, audit.CommandLine, now))

	w.hosts["localhost:8080"] = minting
	w.subject = w.minted(w.mint(w.alice, "acme"))
	w.hosts["localhost:8080"] = entering
	if got := w.enter(); got.Status != http.StatusOK {
		t.Errorf("by the new key: %d %s", got.Status, got.Body)
	}
	w.subject = before
	w.denies(w.enter(), string(token.UnknownKey))
}
