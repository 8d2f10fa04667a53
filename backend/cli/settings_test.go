package cli

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// right are settings with which a server starts.
func right() map[string]string {
	return map[string]string{
		"public-url": "http://localhost:8080/auth", "oidc-issuer": "https://id.example.com",
		"oidc-client-id": "tabard", "oidc-client-secret": "secret",
	}
}

// checked returns the problems of the settings of a command line and an environment.
func checked(t *testing.T, args, environ []string) wrongSettings {
	t.Helper()
	var s settings
	allSettingsOf(&s)
	if err := s.flags.Parse(args); err != nil {
		t.Fatal(err)
	}
	if err := readEnvironment(s.flags, environ); err != nil {
		t.Fatal(err)
	}
	return s.check()
}

// given returns the right settings with one changed, as flags and as environment.
func given(flag, value string) (args, environ []string) {
	all := right()
	all[flag] = value
	for flag, value := range all {
		args = append(args, "--"+flag+"="+value)
		environ = append(environ, variable(flag)+"="+value)
	}
	return args, environ
}

func TestRightSettingsPass(t *testing.T) {
	folder := t.TempDir()
	secret := filepath.Join(folder, "secret")
	if err := makeSecret(secret); err != nil {
		t.Fatal(err)
	}
	for _, good := range []struct{ flag, value string }{
		{"listen", "[::1]:0"}, {"listen", "localhost:8787"},
		{"public-url", "http://127.0.0.1:8080"}, {"public-url", "http://app.localhost/auth"},
		{"database", "sqlite:a/b.db"}, {"secret-file", secret},
		{"oidc-issuer", "http://localhost:8081"}, {"oidc-issuer", "https://id.example.com/realms/a"},
		{"oidc-response-mode", "form_post"}, {"oidc-response-mode", "query"}, {"oidc-push-requests", "true"},
		{"oidc-internal-url", "http://keycloak:8080"}, {"oidc-client-key-file", clientKeyFile(t)},
		{"oidc-assertion-audience", "issuer"}, {"oidc-assertion-audience", "token_endpoint"}, {"oidc-apple-client", ""},
		{"signing-algorithm", "ES256"}, {"signing-algorithm", "EdDSA"}, {"signing-algorithm", "RS256"},
		{"signing-key-life", "30d"}, {"signing-key-life", "36h"}, {"signing-key-life", "0"},
		{"log-format", "json"}, {"log-format", "text"}, {"log-level", "debug"}, {"log-level", "ERROR"},
	} {
		args, environ := given(good.flag, good.value)
		if wrong := checked(t, args, nil); wrong != nil {
			t.Errorf("--%s %s: %v", good.flag, good.value, wrong)
		}
		if wrong := checked(t, nil, environ); wrong != nil {
			t.Errorf("%s=%s: %v", variable(good.flag), good.value, wrong)
		}
	}
}

func TestAWrongSettingNamesItselfAndWhatWouldBeRight(t *testing.T) {
	folder := t.TempDir()
	broken := filepath.Join(folder, "broken")
	if err := os.WriteFile(broken, []byte("hunter2\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	for _, bad := range []struct{ flag, value, right string }{
		{"listen", "8787", "Pass HOST:PORT, such as 127.0.0.1:8787"},
		{"listen", "localhost:http", "Pass HOST:PORT"},
		{"listen", "localhost:65536", "Pass HOST:PORT"},
		{"public-url", "app.example.com/auth", "such as\nhttps://app.example.com/auth"},
		{"public-url", "http://app.example.com", "http works on localhost only"},
		{"public-url", "https://app.example.com/auth?x=1", "without a query"},
		{"public-url", "ftp://localhost", "Pass an https address"},
		{"database", "tabard.db", "Pass sqlite:FILE"},
		{"database", "sqlite:", "Pass sqlite:FILE"},
		{"database", "mysql://localhost/x", "postgres://USER:PASSWORD@HOST/DATABASE"},
		{"secret-file", filepath.Join(folder, "none"), "The file cannot be used: there is no such file: correct its name, or put it there."},
		{"secret-file", folder, "The file cannot be used: it is a folder. A container engine makes one where"},
		{"secret-file", broken, "The file cannot be used: line 1 is not the base64 of at least 32 bytes"},
		{"oidc-issuer", "id.example.com", "Pass an https address without a query"},
		{"oidc-issuer", "http://id.example.com", "http on localhost only"},
		{"oidc-issuer", "https://id.example.com?x", "without a query"},
		{"oidc-issuer", "https://me:pw@id.example.com", "Pass an https address"},
		{"oidc-client-key-file", broken, "there is no private key in PEM"},
		{"oidc-client-key-file", filepath.Join(folder, "none"), "no such file or directory"},
		{"oidc-assertion-audience", "https://login.example/token", "Pass issuer or token_endpoint."},
		{"oidc-apple-client", "TEAM123456", "the ids have to be TEAM/KEY"},
		{"oidc-apple-client", "TEAM123456/KEY1234567", "has to be the one that Apple gave out"},
		{"oidc-response-mode", "fragment", "Pass query or form_post."},
		{"oidc-tenants", "contoso.onmicrosoft.com", "Pass tenant (directory) ids"},
		{"oidc-tenants", "72f988bf-86f1-41af-91ab-2d7cd011db47", "It needs an issuer of several tenants"},
		{"oidc-internal-url", "keycloak:8080", "Pass scheme, host and port only"},
		{"oidc-internal-url", "http://keycloak:8080/realms/a", "Pass scheme, host and port only"},
		{"signing-algorithm", "HS256", "Pass ES256, EdDSA or RS256."},
		{"signing-key-life", "90", "Pass a time from 1d to 400d, such as 90d, or 0"},
		{"log-format", "xml", "Pass json or text."},
		{"log-level", "loud", "Pass debug, info, warn or error."},
	} {
		args, environ := given(bad.flag, bad.value)
		for source, wrong := range map[string]wrongSettings{
			"--" + bad.flag:    checked(t, args, nil),
			variable(bad.flag): checked(t, nil, environ),
		} {
			if len(wrong) != 1 || !wrong.has(bad.flag) || !strings.HasPrefix(wrong[0].what, source+" is ") || !strings.Contains(wrong[0].hint, bad.right) {
				t.Errorf("%s=%s: %v, not: %s", source, bad.value, wrong, bad.right)
			}
		}
	}
}

func TestAMissingSettingNamesItsFlagAndItsVariable(t *testing.T) {
	for flag := range right() {
		args, environ := given(flag, "")
		for _, wrong := range []wrongSettings{checked(t, args, nil), checked(t, nil, environ)} {
			want := "--" + flag + " (or " + variable(flag) + ") is missing"
			if len(wrong) != 1 || wrong[0].what != want {
				t.Errorf("%v, not: %s", wrong, want)
			}
		}
	}
}

func TestAServerThatOthersReachNeedsASecretOfItsOwn(t *testing.T) {
	for _, reached := range []struct{ flag, value string }{
		{"listen", "0.0.0.0:8787"}, {"listen", ":8787"}, {"listen", "10.0.0.5:8787"},
		{"public-url", "https://app.example.com/auth"}, {"database", "postgres://localhost/tabard"},
	} {
		args, _ := given(reached.flag, reached.value)
		if wrong := checked(t, args, nil); len(wrong) != 1 || !wrong.has("secret-file") {
			t.Errorf("--%s %s: %v", reached.flag, reached.value, wrong)
		}
	}
}

func TestAllWrongSettingsAreToldAtOnceWithTheirSource(t *testing.T) {
	wrong := checked(t, []string{"--listen", "x", "--log-level", "loud"}, []string{
		"TABARD_LISTEN=127.0.0.1:1", "TABARD_OIDC_ISSUER=x", "TABARD_DATABASE=postgre://me:hunter2@localhost/tabard",
	})
	told := wrong.Error()
	for _, want := range []string{
		"7 settings are invalid", `--listen is "x"`, `--log-level is "loud"`,
		`TABARD_OIDC_ISSUER is "x"`, `TABARD_DATABASE is "postgre:…"`, "--public-url (or TABARD_PUBLIC_URL) is missing",
	} {
		if !strings.Contains(told, want) {
			t.Errorf("%q is not told in:\n%s", want, told)
		}
	}
	if strings.Contains(told, "hunter2") {
		t.Error("a password is told")
	}
	for line := range strings.Lines(told) {
		if len([]rune(strings.TrimSuffix(line, "\n"))) > 80 {
			t.Errorf("longer than 80 characters: %s", line)
		}
	}
}

func TestAFlagWinsOverTheEnvironmentAndAnEmptyVariableIsNone(t *testing.T) {
	var s settings
	allSettingsOf(&s)
	if err := s.flags.Parse([]string{"--listen", "127.0.0.1:1"}); err != nil {
		t.Fatal(err)
	}
	err := readEnvironment(s.flags, []string{"TABARD_LISTEN=127.0.0.1:2", "TABARD_DATABASE=", "TABARD_OIDC_ISSUER=https://id.test/?a=b"})
	if err != nil {
		t.Fatal(err)
	}
	if s.listen != "127.0.0.1:1" || s.database != "sqlite:tabard.db" || s.oidcIssuer != "https://id.test/?a=b" {
		t.Errorf("%+v", s)
	}
}

func TestVariablesThatLookLikeSettingsAreWarnedOf(t *testing.T) {
	got := unknownVariables([]string{
		"TABARD_PUBLIC_URI=x", "TABARD_SOMETHING_ELSE=x", "TABARD_LISTEN=x", "OIDC_ISSUER=x",
		"TABARD_SERVICE_HOST=10.0.0.1", "TABARD_PORT_8787_TCP=tcp://10.0.0.1:8787", "TABARD_SERVICE_PORT_HTTP=8787", "TABARD_PORT=x",
	})
	want := []string{
		"TABARD_PUBLIC_URI: unknown setting, ignored; did you mean TABARD_PUBLIC_URL?",
		"TABARD_SOMETHING_ELSE: unknown setting, ignored",
	}
	if strings.Join(got, "\n") != strings.Join(want, "\n") {
		t.Errorf("%q, not %q", got, want)
	}
}

func TestASecretThatOthersCanReadIsWarnedOf(t *testing.T) {
	path := filepath.Join(t.TempDir(), "secret")
	if err := makeSecret(path); err != nil {
		t.Fatal(err)
	}
	for mode, warned := range map[os.FileMode]bool{0o600: false, 0o640: false, 0o644: true, 0o604: true} {
		if err := os.Chmod(path, mode); err != nil {
			t.Fatal(err)
		}
		if got := readableByOthers(path); (got != "") != warned || warned && !strings.Contains(got, "chmod o= "+path) {
			t.Errorf("%o: %q", mode, got)
		}
	}
	if readableByOthers("") != "" {
		t.Error("no file is warned of")
	}
}

func TestAnOwnSecretIsMadeOnceAndForItsOwnerAlone(t *testing.T) {
	s := settings{database: "sqlite:" + filepath.Join(t.TempDir(), "a.db")}
	for range 2 {
		if _, err := s.secret(); err != nil {
			t.Fatal(err)
		}
	}
	info, err := os.Stat(s.secretPath())
	if err != nil || info.Mode().Perm() != 0o600 {
		t.Errorf("%v, %v", info.Mode(), err)
	}
	text, _ := os.ReadFile(s.secretPath())
	if _, err := s.secret(); err != nil {
		t.Fatal(err)
	}
	if again, _ := os.ReadFile(s.secretPath()); string(again) != string(text) {
		t.Error("it was made anew")
	}
}

func TestAMissingFolderOfTheDatabaseNamesTheSetting(t *testing.T) {
	_, _, err := tabard(t, "signing-keys", "list", "--database", "sqlite:"+filepath.Join(t.TempDir(), "none", "a.db"))
	if err == nil || !strings.HasPrefix(err.Error(), "--database: sqlite: ") {
		t.Errorf("the error is %v", err)
	}
	var wrong wrongSettings
	if _, _, err := tabard(t, "members", "pending", "--database", "a.db"); !errors.As(err, &wrong) {
		t.Errorf("the error is %v", err)
	}
}

// In every form of the address its password stays out of errors: of those about a
// malformed address, and of those about an unreachable one.
func TestADatabasesPasswordIsNeverTold(t *testing.T) {
	services := filepath.Join(t.TempDir(), "services")
	if err := os.WriteFile(services, []byte("[tabard]\nhost=127.0.0.1\nport=1\npassword=hunter2\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	t.Setenv("PGSERVICEFILE", services)
	for _, address := range []string{
		"host=127.0.0.1 port=1 user=me password=hunter2 dbname=tabard",
		"host=127.0.0.1 port=1 password='hunter2 and more' dbname=tabard",
		"password = hunter2 host=127.0.0.1", "Password=hunter2", "hunter2",
		"mysql://me:hunter2/tabard", "postgres//me:hunter2@localhost/tabard", "postgres://me:hunter2@127.0.0.1:1/tabard",
		"postgres://127.0.0.1:1/tabard?password=hunter2", "postgres://me:hunter2@127.0.0.1:port/tabard",
		"postgres://me:hunter2@127.0.0.1:1/tabard?sslmode=hunter2", "postgres://me:%zzhunter2@127.0.0.1/tabard",
		"postgres://me:hun hunter2@127.0.0.1:1/tabard", "postgres://127.0.0.1:1/tabard?passfile=/dev/null&password=hunter2&connect_timeout=x",
		"postgres:///tabard?service=tabard", "postgres:///tabard?service=tabard&connect_timeout=x",
		"postgres://me:1/hunter2@127.0.0.1:1/tabard", "postgres://me:1#hunter2@127.0.0.1:1/tabard", "postgres://127.0.0.1:1/tabard#hunter2",
		"postgres://me:1?hunter2@127.0.0.1:1/tabard",
	} {
		t.Setenv("TABARD_DATABASE", address)
		for _, args := range [][]string{{"serve"}, {"doctor"}, {"doctor", "--json"}, {"migrate", "--check"},
			{"signing-keys", "list"}, {"signing-keys", "rotate"}, {"keys", "create", "--name", "x"}, {"organizations", "list", "--json"},
			{"secret", "rotate"}, {"secret", "rotate", "--offline"}, {"secret", "status"}, {"secret", "status", "--json"}} {
			stdout, stderr, err := tabard(t, args...)
			var told strings.Builder
			if err == nil {
				t.Errorf("%s: tabard %v does not mind", address, args)
				continue
			}
			report(&told, err, false)
			report(&told, err, true)
			if all := stdout + stderr + told.String(); strings.Contains(all, "hunter2") {
				t.Errorf("%s: tabard %v tells the password: %s", address, args, all)
			}
		}
	}
}

// The keyword form of an address is refused with the right form.
func TestTheKeywordFormOfAnAddressIsRefused(t *testing.T) {
	wrong := checked(t, []string{"--database=host=localhost password=hunter2"}, nil)
	if told := wrong.Error(); !strings.Contains(told, `--database is "host=…"`) || !strings.Contains(told, "postgres://USER:PASSWORD@HOST/DATABASE") {
		t.Error(told)
	}
}
