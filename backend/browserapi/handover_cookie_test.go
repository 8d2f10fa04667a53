package browserapi_test

import (
	"net/http"
	"net/url"
	"strings"
	"testing"

	"github.com/tabard-auth/tabard/backend/api"
	"github.com/tabard-auth/tabard/backend/handover"
	"github.com/tabard-auth/tabard/backend/session"
	"github.com/tabard-auth/tabard/backend/signingkey"
	"github.com/tabard-auth/tabard/browser_test/kit/httpbrowser"
)

// handsOver begins a hand-over into the app desk and returns the code's form.
func handsOver(w *backend, b *httpbrowser.Browser) url.Values {
	w.Helper()
	parent, err := session.ParseID(w.mint(b, "acme").Session)
	if err != nil {
		w.Fatal(err)
	}
	var begun api.HandoverResponse
	b.Post("/handover", `{}`).JSON(w, &begun)
	code := handover.NewCode(parent, "org_acme", "desk", sibling+"/", begun.CodeChallenge, "key_1", w.Now().Unix())
	return url.Values{"code": {code.Seal(w.Secret.Sealer(signingkey.ForHandovers))}}
}

// TestHandover_BrowserWithoutValue: a browser that has lost its value gets one.
func TestHandover_BrowserWithoutValue(t *testing.T) {
	w := newBackend(t, nil)
	b := w.signedIn("alice")
	b.SetCookie(browserCookie(b), "")
	code := handsOver(w, b)
	if got := b.Copy().SubmitStep(publicURL+"/handover/code", code); got.Header.Get("Location") != sibling+"/" {
		t.Errorf("%d %s", got.Status, got.Body)
	}
	b.SetCookie(browserCookie(b), "")
	w.wants(b.SubmitStep(publicURL+"/handover/code", code), http.StatusBadRequest, api.InvalidRequest)
}

// TestHandover_PreviousRelease: while an upgrade may go on, a hand-over is kept in a cookie
// that replicas of both releases read.
func TestHandover_PreviousRelease(t *testing.T) {
	w, _ := upgrading(t)
	b := w.signedIn("alice")
	var codes []url.Values
	for range 3 {
		codes = append(codes, handsOver(w, b))
	}
	b.SetCookie(browserCookie(b), "")
	pending := 0
	for name := range b.Cookies() {
		if strings.HasPrefix(name, "__Host-Http-tabard-handover.") && strings.Count(name, ".") == 1 {
			pending++
		}
	}
	if pending != 2 {
		t.Errorf("%d pending hand-overs: %v", pending, b.Cookies())
	}
	for i, want := range []int{http.StatusBadRequest, http.StatusSeeOther, http.StatusSeeOther} {
		before := b.Copy()
		if got := b.SubmitStep(publicURL+"/handover/code", codes[i]); got.Status != want {
			t.Errorf("%d: %d %s, want %d", i, got.Status, got.Body, want)
		}
		if got := before.SubmitStep(publicURL+"/handover/code", codes[i]); got.Status == http.StatusSeeOther {
			t.Errorf("%d is redeemed twice", i)
		}
	}
}
