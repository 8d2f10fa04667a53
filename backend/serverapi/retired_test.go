package serverapi_test

import (
	"net/http"
	"testing"

	"github.com/tabard-auth/tabard/backend/audit"
	"github.com/tabard-auth/tabard/backend/signingkey"
	"github.com/tabard-auth/tabard/backend/token"
)

// TestARetiredKeyIsKnownToEveryReplicaAtOnce, also to one that has minted no token since.
func TestARetiredKeyIsKnownToEveryReplicaAtOnce(t *testing.T) {
	w := newCrossed(t)
	w.entered(w.enter())
	minting := w.Hosts["localhost:8080"]
	w.Restart()
	entering := w.Hosts["localhost:8080"]
	w.entered(w.enter())

	before := w.subject
	now := w.Now().Unix()
	signing, err := signingkey.NewKeyRing(w.Store, w.Secret, signingkey.ES256).Signing(t.Context(), "", 0, now)
	w.must(signing, err)
	w.must(w.Store.RetireSigningKey(t.Context(), signing.ID, audit.CommandLine, now))

	w.Hosts["localhost:8080"] = minting
	w.subject = w.minted(w.mint(w.alice, "acme"))
	w.Hosts["localhost:8080"] = entering
	if got := w.enter(); got.Status != http.StatusOK {
		t.Errorf("by the new key: %d %s", got.Status, got.Body)
	}
	w.subject = before
	w.denies(w.enter(), string(token.UnknownKey))
}
