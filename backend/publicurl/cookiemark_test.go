package publicurl

import "testing"

func TestCookieMark_FollowsFromThePublicURL(t *testing.T) {
	seen := map[string]string{}
	for _, url := range []string{
		"http://localhost:9960/auth", "http://localhost:9970/auth", "https://app.example.com/auth", "https://app.example.com/staging/auth",
		"https://app.example.com", "https://app.example.com/Auth",
	} {
		mark, err := ParseCookieMark("", url)
		if err != nil || !cookieMark.MatchString(mark) || seen[mark] != "" {
			t.Errorf("%s has the mark %q, %v, which %q has too", url, mark, err, seen[mark])
		}
		if again, _ := ParseCookieMark("", url+"/"); again != mark {
			t.Errorf("%s/ has another mark", url)
		}
		seen[mark] = url
	}
	if mark, _ := ParseCookieMark("", "http://localhost:8080/auth"); mark != "TLMHNCI" {
		t.Errorf("the mark of http://localhost:8080/auth is %s: browsers lose their sessions where it changes", mark)
	}
}

func TestCookieMark_ThatIsSet(t *testing.T) {
	for set, good := range map[string]bool{
		"PROD": true, "A": true, "B2345678": true, "prod": false, "2A": false, "A.B": false, "ABCDEFGHI": false, "A;": false, "Ä": false,
	} {
		if mark, err := ParseCookieMark(set, "https://app.example.com/auth"); (err == nil) != good || good && mark != set {
			t.Errorf("%q: %q, %v", set, mark, err)
		}
	}
}
