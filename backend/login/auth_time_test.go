package login_test

import (
	"encoding/json"
	"fmt"
	"strings"
	"testing"

	"github.com/tabard-auth/tabard/backend/login"
)

// TestAuthTime_SaysWhatIsWrong checks that an auth_time that tells no age satisfies no rule,
// keeps nobody out without one, and is named for what it is.
func TestAuthTime_SaysWhatIsWrong(t *testing.T) {
	for sent, want := range map[string]struct {
		fault login.Fault
		text  string
	}{
		"":                                  {"", "auth_time is missing"},
		"null":                              {"", "auth_time is missing"},
		fmt.Sprint(now * 1000):              {login.FaultToken, "in milliseconds"},
		fmt.Sprintf(`"%d"`, now*1000-90000): {login.FaultToken, "in milliseconds"},
		fmt.Sprint(now + 3600):              {login.FaultClock, "3600 s ahead of this server's clock"},
		fmt.Sprint(now * 1000000):           {login.FaultClock, "ahead of this server's clock"},
		`"yesterday"`:                       {login.FaultToken, `auth_time is "yesterday", which is not a time`},
		`"2026-11-30T11:00:00Z"`:            {login.FaultToken, "which is not a time in seconds"},
		"true":                              {login.FaultToken, "auth_time is true"},
		"-5":                                {login.FaultToken, "auth_time is -5"},
		"0":                                 {login.FaultToken, "auth_time is 0"},
		`{"at":1}`:                          {login.FaultToken, "which is not a time"},
		"1e400":                             {login.FaultToken, "which is not a time"},
	} {
		p := provider(t)
		p.Claims = func(claims map[string]any) {
			if delete(claims, "auth_time"); sent != "" {
				claims["auth_time"] = json.RawMessage(sent)
			}
		}
		age := int64(60)
		_, err := signIn(t, p, &age)
		wantRefused(t, err, "auth_time_missing")
		if login.FaultOf(err) != want.fault || err == nil || !strings.Contains(err.Error(), want.text) {
			t.Errorf("%s: %q, %v", sent, login.FaultOf(err), err)
		}
		if got, err := signIn(t, p, nil); err != nil || got.AuthTime != 0 {
			t.Errorf("%s, without max_age: %d, %v", sent, got.AuthTime, err)
		}
	}
}
