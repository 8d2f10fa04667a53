package replicas_test

import (
	"encoding/base64"
	"encoding/json"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/tabard-auth/tabard/backend/token"
	"github.com/tabard-auth/tabard/browser_test/kit/deployment"
	"github.com/tabard-auth/tabard/browser_test/kit/httpbrowser"
	"github.com/tabard-auth/tabard/browser_test/kit/program"
)

// TestP13_KeyWithdrawnAgain withdraws the workspace's signing key three times within
// seconds, while tokens of an unknown key have used up the key set's fetches: APIs refuse
// the tokens of each within a second, and take those of the next.
func TestP13_KeyWithdrawnAgain(t *testing.T) {
	d := deployment.New(t, 1)
	verifier, _ := follow(t, d)
	script := followOn(t, d, "Node.js")
	b := httpbrowser.New(t, d.Origin, d.Origin+"/auth")
	b.SignIn(deployment.Person(0))
	for i := range 3 {
		raw := mintRaw(t, b)
		t.Logf("Go took key %d after %v", i, refusedWithin(t, verifier, raw, 2*time.Second, ""))
		kid := keyIDOf(t, raw)
		claims, err := verifier.Inspect(t.Context(), raw)
		if err != nil {
			t.Fatal(err)
		}
		script.watch(t, claims, raw)
		verifier.PublicKey(t.Context(), "made up")
		d.Run(program.Path(t, "tabard"), "signing-keys", "retire", kid, "--database", d.Database)
		began := time.Now()
		t.Logf("Go heard of %d after %v", i, refusedWithin(t, verifier, raw, time.Second, token.UnknownKey))
		if line := script.next(t); line != strconv.Itoa(i) || time.Since(began) > time.Second {
			t.Errorf("the follower in TypeScript says %q after %v, want %d", line, time.Since(began), i)
		}
	}
}

func mintRaw(t *testing.T, b *httpbrowser.Browser) string {
	t.Helper()
	var minted struct {
		AccessToken string `json:"access_token"`
	}
	b.Post("/token", `{"organization":"acme","enter":true}`).JSON(t, &minted)
	return minted.AccessToken
}

// refusedWithin awaits that a token is refused for a reason, or for none, and returns how
// long that takes.
func refusedWithin(t *testing.T, verifier *token.Verifier, raw string, most time.Duration, want token.Reason) time.Duration {
	t.Helper()
	began, tick := time.Now(), time.NewTicker(10*time.Millisecond)
	defer tick.Stop()
	for {
		_, err := verifier.Inspect(t.Context(), raw)
		took := time.Since(began)
		if token.ReasonOf(err) == want {
			if took > most {
				t.Errorf("%q after %v, want within %v", want, took, most)
			}
			return took
		}
		if took > 30*time.Second {
			t.Fatalf("still %v", err)
		}
		<-tick.C
	}
}

func keyIDOf(t *testing.T, raw string) string {
	t.Helper()
	header, err := base64.RawURLEncoding.DecodeString(strings.Split(raw, ".")[0])
	if err != nil {
		t.Fatal(err)
	}
	var members struct{ Kid string }
	if err := json.Unmarshal(header, &members); err != nil {
		t.Fatal(err)
	}
	return members.Kid
}
