package directory_test

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"errors"
	"fmt"
	"strings"
	"testing"

	"github.com/tabard-auth/tabard/backend/directory"
	"github.com/tabard-auth/tabard/backend/token"
)

// TestWhatIsSaidOfATokensSizeIsTheMost: no token of the role is larger, and the largest
// is not much smaller.
func TestWhatIsSaidOfATokensSizeIsTheMost(t *testing.T) {
	private, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	for _, n := range []int{0, 1, 50, 100, 140} {
		w := directory.Workspace{
			Apps:  []directory.App{{ID: "small", Audience: "a"}, {ID: "web", Audience: "https://app.example.com/api", Claims: map[string]string{"tenantId": "org_id"}, DPoPBoundTokens: true}},
			Roles: map[string][]string{"editor": {}},
		}
		for i := range n {
			w.Roles["editor"] = append(w.Roles["editor"], fmt.Sprintf("billing:statements:%06d", i))
		}
		said, app := w.TokenBytes([]string{"editor"})
		c := token.Claims{
			Issuer: "https://app.example.com/auth", Subject: directory.NewID("usr_"), Audience: []string{w.Apps[1].Audience}, IssuedAt: 1_800_000_000, Expires: 1_800_000_300,
			ID: rand.Text(), ClientID: "web", SessionID: directory.NewID("ses_"), OrganizationID: directory.NewID("org_"), OrganizationSlug: "acme",
			Roles: []string{"editor"}, Permissions: w.Permissions([]string{"editor"}), AuthTime: 1_800_000_000, ACR: "mfa", AMR: []string{"pwd", "otp"},
			Confirmation: &token.Confirmation{JKT: strings.Repeat("k", 43)},
		}
		raw, err := c.Sign(token.SigningKey{ID: "0123456789abcdef", Algorithm: "ES256", Private: private}, w.Apps[1].Claims)
		if err != nil {
			t.Fatal(err)
		}
		if len(raw) > said || said-len(raw) > token.MaxBytes-directory.MaxRoleToken || app != "web" {
			t.Errorf("%d permissions: it is of %d bytes, and %d were said, in %s", n, len(raw), said, app)
		}
		if err := w.CheckTokens([]string{"editor"}); errors.Is(err, directory.ErrTooLarge) != (said > directory.MaxRoleToken) {
			t.Errorf("%d permissions: %v", n, err)
		}
	}
}
