package login_test

import (
	"net/http"
	"testing"

	"github.com/tabard-auth/tabard/web-demo/idp/logintest"
)

// userInfoOf makes userinfo answer with a body.
func userInfoOf(kind, body string) func(*logintest.Provider) {
	return endpoint("/userinfo", func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", kind)
		w.Write([]byte(body))
	})
}

// TestUserInfo_AsProvidersSendIt checks that an unreadable claim does not affect the
// others.
func TestUserInfo_AsProvidersSendIt(t *testing.T) {
	for name, body := range map[string]string{
		"email_verified null":   `{"sub":"alice","email_verified":null,"groups":["staff"]}`,
		"email_verified a word": `{"sub":"alice","email_verified":"yes","groups":["staff"]}`,
		"email a list":          `{"sub":"alice","email":["a@example.com"],"groups":["staff"]}`,
		"profile an object":     `{"sub":"alice","profile":{},"groups":["staff"]}`,
		"names of other cases":  `{"sub":"alice","Email":7,"SUB":5,"groups":["staff"]}`,
		"a number of any size":  `{"sub":"alice","id":1e400,"groups":["staff"]}`,
	} {
		p := provider(t)
		userInfoOf("application/json", body)(p)
		if got, err := signIn(t, p, nil); err != nil || got.UserInfo["groups"] == nil || got.Claims["groups"] == nil {
			t.Errorf("%s: %+v, %v", name, got, err)
		}
	}
	p := provider(t)
	userInfoOf("text/plain; charset=utf-8", `{"sub":"alice","groups":["staff"]}`)(p)
	if got, err := signIn(t, p, nil); err != nil || got.UserInfo["groups"] == nil {
		t.Errorf("of another content type: %+v, %v", got, err)
	}
}

// TestUserInfo_Signed checks that a signed answer is only accepted with the provider's
// signature.
func TestUserInfo_Signed(t *testing.T) {
	p := provider(t)
	userInfoOf("application/jwt", p.SignedText(`{"sub":"alice","groups":["staff"]}`))(p)
	if got, err := signIn(t, p, nil); err != nil || got.UserInfo["groups"] == nil {
		t.Errorf("%+v, %v", got, err)
	}
	userInfoOf("application/jwt", logintest.New(t, issuer).SignedText(`{"sub":"alice","groups":["staff"]}`))(p)
	if got, err := signIn(t, p, nil); err != nil || got.UserInfo != nil || got.Claims["groups"] != nil {
		t.Errorf("by a foreign key: %+v, %v", got, err)
	}
}
