package validators

import (
	"bytes"
	"encoding/json"
	"flag"
	"fmt"
	"io"
	"net/http"
	"os"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/tabard-auth/tabard/backend/token"
)

var update = flag.Bool("update", false, "write the shared vectors anew")

// The shared vectors are files that the tests of the Go packages and of @tabard/server
// both run: one verdict, one reason.
const (
	sharedTokens   = "../../js/server/vectors/tokens.json"
	sharedRequests = "../../js/server/vectors/requests.json"
)

// setting is the issuer and the API of a file of shared vectors.
type setting struct {
	Issuer   string `json:"issuer"`
	Audience string `json:"audience"`
	Now      int64  `json:"now"`    // Unix seconds
	Leeway   int64  `json:"leeway"` // seconds
	// Keys are the published key sets by address. Others are not found.
	Keys map[string]json.RawMessage `json:"keys"`
	// Dedicated are the organizations whose tokens come from their own issuers only.
	Dedicated []string `json:"dedicated"`
}

// RoundTrip serves the key sets.
func (s *setting) RoundTrip(r *http.Request) (*http.Response, error) {
	text, found := s.Keys[r.URL.String()]
	status := http.StatusOK
	if !found {
		status = http.StatusNotFound
	}
	return &http.Response{StatusCode: status, Header: http.Header{}, Body: io.NopCloser(bytes.NewReader(text)), Request: r}, nil
}

// verifier returns a verifier, of tokens of organizations' own issuers too if so asked.
func (s *setting) verifier(t *testing.T, organizations bool) *token.Verifier {
	t.Helper()
	client := &http.Client{Transport: s}
	config := token.Config{
		Issuer: s.Issuer, Audience: s.Audience, Leeway: time.Duration(s.Leeway) * time.Second, Now: func() time.Time { return time.Unix(s.Now, 0) },
		Keys: token.NewKeySet(s.Issuer+"/.well-known/jwks.json", client),
	}
	if organizations {
		config.Organizations = token.NewKeySets(s.Issuer, client)
		config.Dedicated = func(id string) bool { return slices.Contains(s.Dedicated, id) }
	}
	verifier, err := token.NewVerifier(config)
	if err != nil {
		t.Fatal(err)
	}
	return verifier
}

// tokenFile is tokens.json.
type tokenFile struct {
	setting
	Vectors []sharedToken `json:"vectors"`
}

// sharedToken is a token and its verdicts; an empty reason is an accepted token.
type sharedToken struct {
	Name  string `json:"name"`
	Token string `json:"token"`
	Times int    `json:"times,omitempty"` // how often Token is repeated; 0 is once
	// Organizations accepts tokens of organizations' own issuers.
	Organizations bool         `json:"organizations,omitempty"`
	Verify        token.Reason `json:"verify"`
	Inspect       token.Reason `json:"inspect"`
	// Organization and Subject are what Inspect tells of an authentic token.
	Organization string `json:"organization,omitempty"`
	Subject      string `json:"subject,omitempty"`
}

// TestSharedVectors_TokensAreCurrent compares the file with the table that the
// independent validators agree with, and with further tokens.
func TestSharedVectors_TokensAreCurrent(t *testing.T) {
	v := newVectors(t)
	file := tokenFile{setting: setting{
		Issuer: "https://app.example.com/auth", Audience: "https://api.example.com", Now: v.now.Unix(), Leeway: 60,
		Keys: map[string]json.RawMessage{
			"https://app.example.com/auth/.well-known/jwks.json":              v.set,
			"https://app.example.com/auth/o/org_globex/.well-known/jwks.json": v.publish(object{"evil": v.evil.Public()}),
		},
		Dedicated: []string{"org_globex"},
	}}
	for name, vec := range v.all() {
		s := sharedToken{Name: name, Token: vec.raw, Verify: vec.reason, Inspect: vec.reason}
		if dots := strings.Trim(s.Token, "."); dots == "" && len(s.Token) > 1000 {
			s.Token, s.Times = ".", len(s.Token)
		}
		file.Vectors = append(file.Vectors, s)
	}
	file.Vectors = append(file.Vectors, v.further()...)
	slices.SortFunc(file.Vectors, func(a, b sharedToken) int { return strings.Compare(a.Name, b.Name) })
	for i := range file.Vectors { // what Inspect tells of authentic tokens
		s := &file.Vectors[i]
		if claims, _ := file.verifier(t, s.Organizations).Inspect(t.Context(), s.text()); claims != nil {
			s.Organization, s.Subject = claims.OrganizationID, claims.Subject
		}
	}
	current(t, sharedTokens, file)
}

func (s *sharedToken) text() string { return strings.Repeat(s.Token, max(s.Times, 1)) }

// current writes a file of vectors if so asked, and otherwise compares it.
func current(t *testing.T, path string, file any) {
	t.Helper()
	var text bytes.Buffer
	e := json.NewEncoder(&text)
	e.SetEscapeHTML(false)
	e.SetIndent("", " ")
	if err := e.Encode(file); err != nil {
		t.Fatal(err)
	}
	if *update {
		if err := os.WriteFile(path, text.Bytes(), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	committed, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if !bytes.Equal(committed, text.Bytes()) {
		t.Errorf("%s is not current: run go test ./browser_test/validators -run %s -update", path, t.Name())
	}
}

func read(t *testing.T, path string, into any) {
	t.Helper()
	text, err := os.ReadFile(path)
	if err == nil {
		err = json.Unmarshal(text, into)
	}
	if err != nil {
		t.Fatal(err)
	}
}

// TestSharedVectors_Tokens runs the file as the tests of @tabard/server do.
func TestSharedVectors_Tokens(t *testing.T) {
	var file tokenFile
	read(t, sharedTokens, &file)
	for _, s := range file.Vectors {
		t.Run(s.Name, func(t *testing.T) {
			v := file.verifier(t, s.Organizations)
			if _, err := v.Verify(t.Context(), s.text()); token.ReasonOf(err) != s.Verify || (err == nil) != (s.Verify == "") {
				t.Errorf("Verify says %v, want %q", err, s.Verify)
			}
			claims, err := v.Inspect(t.Context(), s.text())
			if token.ReasonOf(err) != s.Inspect || (claims != nil) != (s.Organization != "") {
				t.Errorf("Inspect says %+v, %v, want %q", claims, err, s.Inspect)
			}
			if claims != nil && (claims.OrganizationID != s.Organization || claims.Subject != s.Subject) {
				t.Errorf("Inspect says %q of %q", claims.Subject, claims.OrganizationID)
			}
		})
	}
	if len(file.Vectors) < 150 {
		t.Errorf("there are only %d vectors", len(file.Vectors))
	}
}

// list collects tokens that generic validators have no verdict on.
type list struct {
	*vectors
	header, claims string // of an ordinary token
	all            []sharedToken
}

// further returns tokens that generic validators have no verdict on: forms that two
// parsers of our own could read differently, bound tokens, and organizations' issuers.
func (v *vectors) further() []sharedToken {
	l := &list{vectors: v, header: `{"alg":"ES256","kid":"es","typ":"at+jwt"}`, claims: v.json(v.claims(nil))}
	l.addClaims()
	l.addTexts()
	l.addBound()
	l.addLent()
	return append(l.all, v.issuers()...)
}

// add adds a token with the verdicts of Verify and Inspect, which are one unless said.
func (l *list) add(name, raw string, verify token.Reason, inspect ...token.Reason) {
	s := sharedToken{Name: name, Token: raw, Verify: verify, Inspect: verify}
	if len(inspect) > 0 {
		s.Inspect = inspect[0]
	}
	l.all = append(l.all, s)
}

// payload returns an ordinary token with a member before the others.
func (l *list) payload(member string) string {
	return l.text(l.header, strings.Replace(l.claims, "{", "{"+member+",", 1), "ES256", l.es)
}

// without returns an ordinary token with a member instead of a claim.
func (l *list) without(claim, member string) string {
	text := l.json(l.vectors.claims(object{claim: nil}))
	return l.text(l.header, strings.Replace(text, "{", "{"+member+",", 1), "ES256", l.es)
}

// many returns n members.
func many(n int) string {
	var members strings.Builder
	for i := range n {
		fmt.Fprintf(&members, `"m%d":0,`, i)
	}
	return strings.TrimSuffix(members.String(), ",")
}

// addClaims adds claims in other forms and of other types.
func (l *list) addClaims() {
	for name, member := range map[string]string{ // forms of one number
		"exp as 1.8e9": `"exp":1.8e9`, "exp as a decimal": `"exp":1800000300.0`, "exp beyond 64 bits": `"exp":9223372036854775808`,
		"exp with a plus": `"exp":+1800000300`, "exp with a zero before it": `"exp":01800000300`,
	} {
		l.add(name, l.without("exp", member), token.Malformed)
	}
	l.add("exp at the end of 64 bits", l.without("exp", `"exp":9223372036854775807`), "")
	l.add("exp at the other end", l.without("exp", `"exp":-9223372036854775808`), token.Expired)
	l.add("exp as minus zero", l.without("exp", `"exp":-0`), token.MissingClaim)
	l.add("iat at the end of 64 bits", l.without("iat", `"iat":9223372036854775807`), token.NotYetValid)
	l.add("nbf as null", l.payload(`"nbf":null`), "")
	l.add("auth_time as a decimal", l.without("auth_time", `"auth_time":1.5`), token.Malformed)
	for name, member := range map[string]string{ // claims of another type
		"roles as a text": `"roles":"editor"`, "roles of numbers": `"roles":[1]`, "roles as an object": `"roles":{}`,
	} {
		l.add(name, l.without("roles", member), token.Malformed)
	}
	l.add("roles as null", l.without("roles", `"roles":null`), "")
	l.add("a role that is null", l.without("roles", `"roles":[null]`), "")
	l.add("an aud that is null in a list", l.without("aud", `"aud":["https://api.example.com",null]`), token.Malformed)
	l.add("org_slug as a list", l.without("org_slug", `"org_slug":["acme"]`), token.Malformed)
	l.add("act as a text", l.payload(`"act":"usr_1"`), token.Malformed)
	l.add("act of a number", l.payload(`"act":{"sub":7}`), token.Malformed)
	l.add("act within act of a number", l.payload(`"act":{"sub":"reports","act":{"sub":7}}`), token.Malformed)
	l.add("act as null", l.payload(`"act":null`), "")
	l.add("act of staff", l.payload(`"act":{"sub":"usr_1"}`), "")
}

// addTexts adds JSON at the edges of its grammar.
func (l *list) addTexts() {
	l.add("64 members", l.payload(many(64-13)), "")
	l.add("65 members", l.payload(many(65-13)), token.Malformed)
	l.add("65 members further in", l.payload(`"m":{`+many(65)+`}`), token.Malformed)
	l.add("a repeated member further in", l.payload(`"m":[{"a":1,"a":1}]`), token.Malformed)
	l.add("a member named as all objects have", l.payload(`"__proto__":{"org_id":"org_globex"},"constructor":1,"toString":1`), "")
	l.add("an organization by __proto__", l.without("org_id", `"__proto__":{"org_id":"org_globex"}`), token.MissingClaim)
	l.add("braces in texts", l.payload(`"m":"{\"a\":[\\","n":["}",",",":"]`), "")
	l.add("deep nesting", l.payload(`"m":`+strings.Repeat("[", 2500)+strings.Repeat("]", 2500)), "")
	l.add("white space", l.text(" {\n\"alg\" : \"ES256\",\t\"kid\":\"es\",\r\"typ\":\"at+jwt\" } ", l.claims, "ES256", l.es), "")
	l.add("a no-break space", l.text("\u00a0"+l.header, l.claims, "ES256", l.es), token.Malformed)
	l.add("invalid UTF-8 in the header", l.text(`{"alg":"ES256","kid":"es","typ":"at+jwt","m":"`+"\xff"+`"}`, l.claims, "ES256", l.es), token.Malformed)
	l.add("invalid UTF-8 in the claims", l.payload(`"m":"`+"\xe2\x82"+`"`), token.Malformed)
	l.add("half a surrogate pair", l.without("sub", `"sub":"usr_\ud800"`), "")
	l.add("two names of half a pair", l.payload(`"\ud800":1,"\udfff":1`), token.Malformed)
	l.add("a subject outside of Latin", l.without("sub", `"sub":"usr_🦊é"`), "")
	l.add("a kid with an escape", l.text(`{"alg":"ES256","kid":"\u0065s","typ":"at\u002bjwt"}`, l.claims, "ES256", l.es), "")
	l.add("typ in letters like ASCII", l.text(`{"alg":"ES256","kid":"es","typ":"AT+JWT"}`, l.claims, "ES256", l.es), "")
	l.add("typ application twice", l.text(`{"alg":"ES256","kid":"es","typ":"application/application/at+jwt"}`, l.claims, "ES256", l.es), token.WrongType)
}

// addBound adds tokens that are bound to a key, or seem so.
func (l *list) addBound() {
	jkt := strings.Repeat("k", 43)
	l.add("bound", l.payload(`"cnf":{"jkt":"`+jkt+`"}`), token.ProofRequired, "")
	l.add("bound by a certificate", l.payload(`"cnf":{"x5t#S256":"k"}`), token.ProofRequired, "")
	l.add("bound to nothing", l.payload(`"cnf":{}`), token.ProofRequired, "")
	l.add("bound to null", l.payload(`"cnf":null`), "")
	l.add("bound to a text", l.payload(`"cnf":"k"`), token.Malformed)
	l.add("bound to a number", l.payload(`"cnf":{"jkt":7}`), token.Malformed)
	l.add("bound and expired", l.with(object{"cnf": object{"jkt": jkt}, "exp": 1}), token.Expired)
}

// addLent adds lent tokens, and tokens whose mark two parsers could read differently: one that
// is not understood is no mark, and a token without a mark opens more.
func (l *list) addLent() {
	l.add("lent", l.payload(`"lent":true`), "")
	l.add("lent as false", l.payload(`"lent":false`), "")
	l.add("lent as null", l.payload(`"lent":null`), "")
	for name, value := range map[string]string{
		"a text": `"true"`, "an empty text": `""`, "a number": `1`, "zero": `0`, "a list": `[true]`, "an object": `{}`,
	} {
		l.add("lent as "+name, l.payload(`"lent":`+value), token.Malformed)
	}
	l.add("lent twice", l.payload(`"lent":false,"lent":true`), token.Malformed)
	l.add("lent twice, by an escape", l.payload(`"lent":true,"l\u0065nt":false`), token.Malformed)
	l.add("lent by an escape", l.payload(`"l\u0065nt":true`), "")
	l.add("lent in capitals", l.payload(`"LENT":true`), "")
	l.add("lent in capitals beside the mark", l.payload(`"lent":true,"Lent":false`), "")
	l.add("lent and bound", l.with(object{"lent": true, "cnf": object{"jkt": strings.Repeat("k", 43)}}), token.ProofRequired, "")
	l.add("lent and expired", l.with(object{"lent": true, "exp": 1}), token.Expired)
}

// issuers returns tokens of organizations that may have an issuer of their own.
func (v *vectors) issuers() (all []sharedToken) {
	own := func(id string) string { return "https://app.example.com/auth/o/" + id }
	evil := object{"kid": "evil"}
	for name, c := range map[string]struct {
		raw  string
		want token.Reason
	}{
		"of the workspace":                             {v.with(nil), ""},
		"of an organization's issuer":                  {v.sign(evil, object{"iss": own("org_globex"), "org_id": "org_globex"}, v.evil), ""},
		"of it by the workspace's key":                 {v.with(object{"iss": own("org_globex"), "org_id": "org_globex"}), token.UnknownKey},
		"of it for another organization":               {v.sign(evil, object{"iss": own("org_globex"), "org_id": "org_acme"}, v.evil), token.WrongIssuer},
		"of the workspace for a dedicated one":         {v.with(object{"org_id": "org_globex"}), token.WrongIssuer},
		"of the workspace by an organization's key":    {v.sign(evil, nil, v.evil), token.UnknownKey},
		"of an organization without an issuer":         {v.sign(evil, object{"iss": own("org_acme")}, v.evil), token.UnknownKey},
		"of an organization with dots in its id":       {v.sign(evil, object{"iss": own("org_../org_globex"), "org_id": "org_../org_globex"}, v.evil), token.WrongIssuer},
		"of an organization with an escape in its id":  {v.sign(evil, object{"iss": own("org_%67lobex"), "org_id": "org_%67lobex"}, v.evil), token.WrongIssuer},
		"of an organization with a line end in its id": {v.sign(evil, object{"iss": own("org_globex\n"), "org_id": "org_globex\n"}, v.evil), token.WrongIssuer},
		"of an organization with a long id":            {v.sign(evil, object{"iss": own("org_" + strings.Repeat("g", 61)), "org_id": "org_" + strings.Repeat("g", 61)}, v.evil), token.WrongIssuer},
		"of the longest id, without an issuer":         {v.sign(evil, object{"iss": own("org_" + strings.Repeat("g", 60)), "org_id": "org_" + strings.Repeat("g", 60)}, v.evil), token.UnknownKey},
		"of an organization by slug":                   {v.sign(evil, object{"iss": own("globex"), "org_id": "globex"}, v.evil), token.WrongIssuer},
	} {
		all = append(all, sharedToken{Name: "issuers: " + name, Token: c.raw, Organizations: true, Verify: c.want, Inspect: c.want})
	}
	return all
}
