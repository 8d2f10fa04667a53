package workspacefile_test

import (
	"strings"
	"testing"

	"github.com/tabard-auth/tabard/backend/directory"
	"github.com/tabard-auth/tabard/backend/directory/workspacefile"
)

func TestParse_Accounts(t *testing.T) {
	app := func(settings string) string {
		return `apps: [{id: a, name: A, origins: ["https://a.test"], audience: a` + settings + `}]`
	}
	for settings, want := range map[string]directory.Accounts{
		"": directory.OneAccount, ", accounts: one": directory.OneAccount, ", accounts: several": directory.SeveralAccounts,
	} {
		d, err := workspacefile.Parse([]byte(app(settings)))
		if err != nil || d.Workspace.Apps[0].Accounts != want {
			t.Errorf("%q: %+v %v", settings, d.Workspace.Apps, err)
		}
	}
	for text, want := range map[string]string{
		app(", accounts: two"): `accounts is "two"; it is one or several`,
		app(", accounts: 2"):   `accounts is "2"`,
		`apps: [{id: a, name: A, origins: ["https://a.example.com", "https://:organization.a.example.com"], audience: a, accounts: several}]`: "which do not go together",
	} {
		if _, err := workspacefile.Parse([]byte(text)); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: %v", text, err)
		}
	}
}
