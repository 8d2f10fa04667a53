package login_test

import (
	"testing"
)

// TestIdentify_NamesAndAddresses checks that names are in one line, and that a name or an
// address of which something cannot be seen does not reach tokens and mails. Userinfo has
// another one where the identity token has none.
func TestIdentify_NamesAndAddresses(t *testing.T) {
	for told, want := range map[string]string{
		"Ann O'Neill": "Ann O'Neill", "Zoë 😀 👩\u200d🚀": "Zoë 😀 👩\u200d🚀", "  Ann\t B ": "Ann  B", "Ann\r\nBcc: x": "Ann  Bcc: x",
		"a\u001b[31m\u202eb": "a [31mb", "\u2066\u200fAnn\u2069": "Ann", "Ann\u2028B": "Ann B", "Ann\u0085B": "Ann B",
	} {
		checkPerson(t, "name", told, want)
	}
	for _, none := range []string{"   ", "\n", "\u202e", "\u200b \u200b", "", "A\x00"} {
		checkPerson(t, "name", none, elsewhere)
	}
	for _, good := range []string{"ann+x@example.com", "änn@bücher.example"} {
		checkPerson(t, "email", good, good)
	}
	for _, none := range []string{
		"a@b.c\r\nBcc: x", "a@b.c\n", "a b@b.c", " a@b.c", "a@b.c\u00a0", "a\u200b@b.c", "\u202ea@b.c", "a\x7f@b.c", "a\ufffd@b.c", " ", "",
	} {
		checkPerson(t, "email", none, elsewhere)
	}
}

// elsewhere is what userinfo has.
const elsewhere = "by@userinfo.example"

// checkPerson signs in with a name or an e-mail address in the identity token, and another
// one in userinfo.
func checkPerson(t *testing.T, name, told, want string) {
	t.Helper()
	p := provider(t)
	p.Claims = func(c map[string]any) { c[name] = told }
	p.UserInfo = func(c map[string]any) { c[name] = elsewhere }
	got, err := signIn(t, p, nil)
	if read := map[string]string{"name": got.Name, "email": got.Email}[name]; err != nil || read != want {
		t.Errorf("%s %q is %q, want %q: %v", name, told, read, want, err)
	}
}
