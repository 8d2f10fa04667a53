package serverapi_test

import (
	"bytes"
	"context"
	"crypto/rand"
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/tabard-auth/tabard/backend/admin"
	"github.com/tabard-auth/tabard/backend/api"
	"github.com/tabard-auth/tabard/backend/jws"
	"github.com/tabard-auth/tabard/backend/serverapi/crossapp"
	"github.com/tabard-auth/tabard/backend/signingkey"
	"github.com/tabard-auth/tabard/backend/token"
	"github.com/tabard-auth/tabard/browser_test/kit/httpbrowser"
)

// crossed is a backend in which alice is signed in to the app web, acts for acme and for
// globex there, and both apps' servers have keys.
type crossed struct {
	*backend
	alice               *httpbrowser.Browser
	subject             api.TokenResponse // her token for acme
	key, web, reports   string            // the workspace's, and of each app's server
	keyID, session, uid string
}

func newCrossed(t testing.TB) *crossed {
	t.Helper()
	w := &crossed{backend: newBackend(t, nil)}
	w.sign()
	return w
}

func (w *crossed) sign() {
	w.Helper()
	w.alice = w.signedIn("alice")
	w.subject = w.minted(w.mint(w.alice, "acme"))
	w.minted(w.mint(w.alice, "globex"))
	w.session, w.uid = w.subject.Session, w.subject.User.ID
	w.key, w.keyID = w.serverKey("")
	w.web, _ = w.serverKey("web")
	w.reports, _ = w.serverKey("reports")
}

// serverKey makes a workspace API key, of one app where it is named.
func (w *crossed) serverKey(app string) (text, id string) {
	w.Helper()
	k, err := w.service.CreateKey(w.Context(), commandLine, admin.NewKey{Kind: admin.WorkspaceAPI, Name: "server " + app, App: app})
	w.must(k, err)
	return k.Secret, k.ID
}

const sessionsPath = "/v1/workspaces/default/sessions"

// calls sends a request as a server of an app does.
func (w *crossed) calls(path, body, key, subject string) answer {
	w.Helper()
	r, err := http.NewRequestWithContext(w.Context(), "POST", publicURL+path, bytes.NewBufferString(body))
	w.must(r, err)
	r.RemoteAddr = "192.0.2.1:1234"
	r.Header.Set("Content-Type", "application/json")
	if key != "" {
		r.Header.Set("Authorization", "Bearer "+key)
	}
	if subject != "" {
		r.Header.Set("X-Authorization", "Bearer "+subject)
	}
	return w.send(r)
}

// enter asks for alice's session in the app reports, as web's server does.
func (w *crossed) enter() answer {
	w.Helper()
	return w.calls(sessionsPath, `{"app_id":"reports"}`, w.web, w.subject.AccessToken)
}

// entered fails the test unless a session was opened.
func (w *crossed) entered(got answer) (s crossapp.AppSession) {
	w.Helper()
	if got.Status != http.StatusOK {
		w.Fatalf("%d %s\n%s", got.Status, got.Body, w.Logged)
	}
	got.into(w, &s)
	return s
}

// unix returns a time that is in ISO 8601.
func (w *crossed) unix(iso string) int64 {
	w.Helper()
	at, err := time.Parse(time.RFC3339, iso)
	if err != nil {
		w.Fatal(err)
	}
	return at.Unix()
}

// renews renews a session, as reports' server does.
func (w *crossed) renews(refresh string) answer {
	w.Helper()
	return w.calls(sessionsPath+"/refresh", `{"refresh":"`+refresh+`"}`, w.reports, "")
}

// denies fails the test unless a request was denied for that reason.
func (w *crossed) denies(got answer, reason string) {
	w.Helper()
	var e api.Error
	json.Unmarshal([]byte(got.Body), &e)
	if w.wants(got, http.StatusForbidden, api.WorkspaceAccessDenied); e.Reason != reason || strings.Contains(got.Body, "eyJ") {
		w.Errorf("%s, want the reason %q", got.Body, reason)
	}
}

// claims are those of a good token of the app reports.
func (w *crossed) claims(raw string) *token.Claims {
	w.Helper()
	verifier, err := token.NewVerifier(token.Config{
		Issuer: publicURL, Audience: reportsOrigin + "/api", Now: w.Now, Keys: ring{signingkey.NewKeyRing(w.Store, w.Secret, signingkey.ES256), w.Now()},
	})
	w.must(verifier, err)
	claims, err := verifier.Verify(w.Context(), raw)
	w.must(claims, err)
	return claims
}

// ring is the backend's own keys.
type ring struct {
	*signingkey.KeyRing
	now time.Time
}

func (r ring) PublicKey(ctx context.Context, kid string) (token.PublicKey, error) {
	all, err := r.Published(ctx, "", r.now.Unix())
	for _, k := range all {
		if k.ID == kid {
			return token.PublicKey{Algorithm: string(k.Algorithm), Key: k.Private.Public()}, nil
		}
	}
	return token.PublicKey{}, errors.Join(token.ErrUnknownKey, err)
}

// forged is a token like alice's, signed by the backend's own key, with other claims.
func (w *crossed) forged(secret signingkey.Secret, change func(*token.Claims)) string {
	w.Helper()
	message, err := jws.Parse(w.subject.AccessToken, 8<<10)
	w.must(message, err)
	var said struct {
		token.Claims
		Audience string `json:"aud"`
	}
	w.must(nil, json.Unmarshal(message.Payload, &said))
	claims := said.Claims
	claims.Audience, claims.ID = []string{said.Audience}, rand.Text()
	change(&claims)
	key, err := signingkey.NewKeyRing(w.Store, secret, signingkey.ES256).Signing(w.Context(), "", 1, w.Now().Unix())
	w.must(key, err)
	signed, err := claims.Sign(token.SigningKey{ID: key.ID, Algorithm: string(key.Algorithm), Private: key.Private}, nil)
	w.must(signed, err)
	return signed
}

// atReports returns a browser's tab that shows the app reports.
func (w *crossed) atReports(b *httpbrowser.Browser) *httpbrowser.Browser {
	return w.Browser(reportsOrigin).Sharing(b)
}

// begins begins a hand-over in a browser, and returns the challenge.
func (w *crossed) begins(b *httpbrowser.Browser) string {
	w.Helper()
	got := b.Post("/handover", `{}`)
	var begun api.HandoverResponse
	if got.Status != http.StatusOK {
		w.Fatalf("%d %s", got.Status, got.Body)
	}
	got.JSON(w, &begun)
	return begun.CodeChallenge
}

// code asks for a code for a browser that began.
func (w *crossed) code(challenge string) crossapp.Code {
	w.Helper()
	got := w.calls(sessionsPath, `{"app_id":"reports","response_type":"code","code_challenge":"`+challenge+`","return_to":"/month"}`, w.web, w.subject.AccessToken)
	var code crossapp.Code
	if got.Status != http.StatusOK {
		w.Fatalf("%d %s\n%s", got.Status, got.Body, w.Logged)
	}
	got.into(w, &code)
	return code
}

// redeems sends a browser on with a code.
func redeems(b *httpbrowser.Browser, code crossapp.Code) httpbrowser.Response {
	return b.Submit(code.RedeemAt, url.Values{"code": {code.Code}})
}

// landing serves the apps' own pages.
func (w *crossed) landing() {
	page := http.HandlerFunc(func(rw http.ResponseWriter, _ *http.Request) { io.WriteString(rw, "a page") })
	w.Hosts["localhost:8090"] = page
}
