package hold_test

import (
	"io"
	"net/http"
	"testing"

	"github.com/tabard-auth/tabard/backend/token"
)

func TestProtect_StreamEnds(t *testing.T) {
	api := newSocketAPI(t)
	for name, c := range map[string]struct {
		life   int64
		end    func()
		reason token.Reason
	}{
		"the token's end": {2, func() {}, token.Expired},
		"the feed":        {300, func() { api.ended.Store(true) }, token.SessionEnded},
	} {
		api.ended.Store(false)
		r, _ := http.NewRequestWithContext(t.Context(), "GET", api.server.URL+"/stream", nil)
		r.Header.Set("Authorization", "Bearer "+api.token("org_acme", c.life))
		answer, err := http.DefaultClient.Do(r)
		if err != nil || answer.Header.Get("Tabard-Organization") != "org_acme" {
			t.Fatalf("%v %v", answer, err)
		}
		c.end()
		if cause := <-api.over; token.ReasonOf(cause) != c.reason {
			t.Errorf("%s: %v", name, cause)
		}
		if text, err := io.ReadAll(answer.Body); string(text) != "org_acme" || err == nil {
			t.Errorf("%s: the answer looks complete: %q %v", name, text, err)
		}
		answer.Body.Close()
	}
}
