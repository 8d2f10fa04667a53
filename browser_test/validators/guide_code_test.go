package validators

import (
	"encoding/json"
	"maps"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"strings"
	"testing"
	"time"

	"github.com/tabard-auth/tabard/browser_test/kit/markdown"
	"github.com/tabard-auth/tabard/browser_test/kit/program"
)

// guideCode is code of a guide for APIs in JavaScript, which validates tokens of an
// issuer.
type guideCode struct {
	*vectors
	issuer string
}

func newGuideCode(t *testing.T) *guideCode {
	t.Helper()
	g := &guideCode{vectors: newVectors(t)}
	g.now = time.Now()
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "application/json")
		w.Write(g.set)
	}))
	t.Cleanup(server.Close)
	g.issuer = server.URL + "/auth"
	return g
}

// token returns a valid access token for acme, with changed claims.
func (g *guideCode) token(change object) string {
	claims := object{"iss": g.issuer, "aud": "https://app.example.com/api", "roles": []string{"viewer"}}
	maps.Copy(claims, change)
	return g.with(claims)
}

// tokens returns tokens that the guide's code must accept, and tokens that it must
// refuse.
func (g *guideCode) tokens() (accepted, refused map[string]string) {
	g.Helper()
	good := object{"iss": g.issuer, "aud": "https://app.example.com/api"}
	return map[string]string{
			"a Bearer token":      g.token(nil),
			"of a server's":       g.token(object{"act": object{"sub": "reports"}}),
			"without an age":      g.token(object{"auth_time": nil}),
			"with a foreign name": g.token(object{"ORG_ID": "org_globex"}),
		}, map[string]string{
			"bound to a key":               g.token(object{"cnf": object{"jkt": strings.Repeat("k", 43)}}),
			"bound in another way":         g.token(object{"cnf": object{"x5t#S256": "k"}}),
			"bound to nothing it names":    g.token(object{"cnf": object{}}),
			"lent":                         g.token(object{"lent": true}),
			"lent as a text":               g.token(object{"lent": "true"}),
			"of an issuer of its own":      g.token(object{"iss": g.issuer + "/o/org_acme"}),
			"of another issuer":            g.token(object{"iss": "https://evil.example"}),
			"for another API":              g.token(object{"aud": "https://other.example"}),
			"expired":                      g.token(object{"exp": g.now.Unix() - 120}),
			"without an end":               g.token(object{"exp": nil}),
			"an identity token":            g.text(`{"alg":"ES256","kid":"es","typ":"JWT"}`, g.json(g.claims(good)), "ES256", g.es),
			"without a type":               g.text(`{"alg":"ES256","kid":"es"}`, g.json(g.claims(good)), "ES256", g.es),
			"by somebody else's key":       g.text(`{"alg":"ES256","kid":"es","typ":"at+jwt"}`, g.json(g.claims(good)), "ES256", g.evil),
			"without an organization":      g.token(object{"org_id": nil}),
			"of another organization":      g.token(object{"org_id": "org_globex"}),
			"of an organization in a list": g.token(object{"org_id": []string{"org_acme"}}),
		}
}

// accepted runs the code on tokens, and reports for each whether the code accepts it.
func (g *guideCode) accepted(code, expression string, tokens map[string]string) map[string]bool {
	g.Helper()
	text, err := json.Marshal(tokens)
	if err != nil {
		g.Fatal(err)
	}
	script := "const [issuer, audience, tokens] = process.argv.slice(1);\n" + code + `
const accepted = {};
for (const [name, token] of Object.entries(JSON.parse(tokens))) {
  accepted[name] = await ` + expression + `.then(() => true, () => false);
}
process.stdout.write(JSON.stringify(accepted));`
	command := exec.Command("node", "--input-type=module", "-e", script, g.issuer, "https://app.example.com/api", string(text))
	out, err := command.Output()
	if err != nil {
		g.Fatalf("%v: %s", err, program.Stderr(err))
	}
	var accepted map[string]bool
	if err := json.Unmarshal(out, &accepted); err != nil {
		g.Fatal(err)
	}
	return accepted
}

// TestTheGuidesCodeForOtherLanguagesTakesWhatItShould also checks that the code refuses
// a token that is bound to a key.
func TestTheGuidesCodeForOtherLanguagesTakesWhatItShould(t *testing.T) {
	text, err := os.ReadFile("../../backend/resource/README.md")
	if err != nil {
		t.Fatal(err)
	}
	_, section, found := strings.Cut(string(text), "### Other languages\n")
	section, _, _ = strings.Cut(section, "\n## ")
	for _, word := range []string{"`cnf`", "`act`", "`dedicated_signing_key`", "`at+jwt`"} {
		if !found || !strings.Contains(section, word) {
			t.Errorf("the guide does not speak of %s", word)
		}
	}
	g := newGuideCode(t)
	code := strings.ReplaceAll(markdown.Block(section, "js"), `const issuer = "https://app.example.com/auth";`, "")
	accepted, refused := g.tokens()
	for name, ok := range g.accepted(code, `claimsOf(token, "org_acme")`, accepted) {
		if !ok {
			t.Errorf("%s: refused", name)
		}
	}
	for name, ok := range g.accepted(code, `claimsOf(token, "org_acme")`, refused) {
		if ok {
			t.Errorf("%s: accepted", name)
		}
	}
}

// TestMigrationPage_RefusesBoundTokens also checks that the code refuses tokens of
// another type. The code leaves the organization to its caller.
func TestMigrationPage_RefusesBoundTokens(t *testing.T) {
	g := newGuideCode(t)
	accepted, refused := g.tokens()
	for _, callers := range []string{"without an end", "without an organization", "of another organization", "of an organization in a list"} {
		delete(refused, callers)
	}
	text, err := os.ReadFile("../../js/MIGRATION.md")
	if err != nil {
		t.Fatal(err)
	}
	for title, section := range markdown.Sections(string(text)) {
		code := markdown.Block(section, "js")
		for name, ok := range g.accepted(code, "tenantOf(token)", accepted) {
			if !ok {
				t.Errorf("%s, %s: refused", title, name)
			}
		}
		for name, ok := range g.accepted(code, "tenantOf(token)", refused) {
			if ok {
				t.Errorf("%s, %s: accepted", title, name)
			}
		}
	}
}
