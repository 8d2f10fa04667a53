package validators

import (
	"crypto/ecdsa"
	"crypto/rand"
	"crypto/sha256"
	"crypto/x509"
	"encoding/base64"
	"encoding/pem"
	"strings"

	"github.com/lestrrat-go/jwx/v2/jwk"

	"github.com/tabard-auth/tabard/backend/token"
)

func (z *zoo) good() map[string]animal {
	return map[string]animal{
		"good":                         {raw: z.with(nil)},
		"good, by EdDSA":               {raw: z.text(`{"alg":"EdDSA","kid":"ed","typ":"at+jwt"}`, z.json(z.claims(nil)), "EdDSA", z.ed)},
		"good, with a list of one aud": {raw: z.with(object{"aud": []string{"https://api.example.com"}})},
		"good, with a list of two aud": {raw: z.with(object{"aud": []string{"https://other.example.com", "https://api.example.com"}})},
		"good, with the long typ":      {raw: z.headed(object{"typ": "application/at+jwt"})},
		"good, with typ in capitals":   {raw: z.headed(object{"typ": "AT+JWT"})},
		"good, with more claims":       {raw: z.with(object{"tenantId": "org_globex", "ORG_ID": "org_globex", "scope": ""})},
		"good, with an address of keys": {raw: z.headed(object{
			"jku": "https://evil.example/jwks.json", "x5u": "https://evil.example/cert", "jwk": z.jwk(z.evil.Public())})},
	}
}

// kinds are the other JWTs that a workspace or its provider makes, signed by the
// issuer's own key for this very audience.
func (z *zoo) kinds() map[string]animal {
	all := map[string]animal{"no kind at all": {raw: z.headed(object{"typ": nil})}}
	for _, typ := range []string{"JWT", "id_token+jwt", "logout+jwt", "dpop+jwt", "secevent+jwt", "rt+jwt", "at+jwt ", "application/x-at+jwt", ""} {
		all["of the kind "+typ] = animal{raw: z.headed(object{"typ": typ})}
	}
	all["of a kind that is a list"] = animal{raw: z.headed(object{"typ": []string{"at+jwt"}})}
	for name, a := range all {
		all[name] = animal{a.raw, token.WrongType}
	}
	return all
}

func (z *zoo) algorithms() map[string]animal {
	good := z.with(nil)
	parts := strings.Split(good, ".")
	unsigned := func(alg string) string {
		head := base64.RawURLEncoding.EncodeToString([]byte(`{"alg":"` + alg + `","kid":"es","typ":"at+jwt"}`))
		return head + "." + parts[1] + "."
	}
	der, err := x509.MarshalPKIXPublicKey(z.es.Public())
	if err != nil {
		z.Fatal(err)
	}
	secret := pem.EncodeToMemory(&pem.Block{Type: "PUBLIC KEY", Bytes: der})
	confused := func(alg, by string, key any) string {
		return z.text(z.json(object{"alg": alg, "kid": "es", "typ": "at+jwt"}), z.json(z.claims(nil)), by, key)
	}
	sum := sha256.Sum256([]byte(parts[0] + "." + parts[1]))
	asn1, err := ecdsa.SignASN1(rand.Reader, z.es, sum[:])
	if err != nil {
		z.Fatal(err)
	}
	all := map[string]animal{
		"alg none":                        {raw: unsigned("none")},
		"alg None":                        {raw: unsigned("None")},
		"alg NONE":                        {raw: unsigned("NONE")},
		"alg ES256 without a signature":   {raw: unsigned("ES256")},
		"no alg":                          {raw: confused("", "ES256", z.es)},
		"HS256 by the public key's PEM":   {raw: confused("HS256", "HS256", secret)},
		"HS256 by the public key's bytes": {raw: confused("HS256", "HS256", der)},
		"HS256 by the public set":         {raw: confused("HS256", "HS256", z.set)},
		"RS256 by another key":            {raw: confused("RS256", "RS256", z.rs)},
		"alg of another of our keys":      {raw: confused("EdDSA", "EdDSA", z.ed)},
		"alg ES256, signed by RS256":      {raw: confused("ES256", "RS256", z.rs)},
		"alg in small letters":            {raw: confused("es256", "ES256", z.es)},
		"a signature in DER":              {raw: parts[0] + "." + parts[1] + "." + base64.RawURLEncoding.EncodeToString(asn1)},
		"a signature of zeros":            {raw: parts[0] + "." + parts[1] + "." + strings.Repeat("A", 86)},
		"a longer signature":              {raw: good + "AA"},
		"another's signature":             {raw: z.sign(nil, nil, z.evil)},
		"another token's signature":       {raw: parts[0] + "." + parts[1] + "." + strings.Split(z.with(object{"jti": "k"}), ".")[2]},
	}
	for name, a := range all {
		all[name] = animal{raw: a.raw, reason: token.BadSignature}
	}
	return all
}

// keys are tokens whose header offers a key, or names one that is not the issuer's.
func (z *zoo) keys() map[string]animal {
	all := map[string]animal{
		"a jku of its own":     {raw: z.sign(object{"jku": "https://evil.example/jwks.json"}, nil, z.evil), reason: token.BadSignature},
		"an x5u of its own":    {raw: z.sign(object{"x5u": "https://evil.example/cert.pem"}, nil, z.evil), reason: token.BadSignature},
		"a jwk of its own":     {raw: z.sign(object{"jwk": z.jwk(z.evil.Public())}, nil, z.evil), reason: token.BadSignature},
		"a jwk, and its kid":   {raw: z.sign(object{"jwk": z.jwk(z.evil.Public()), "kid": "evil"}, nil, z.evil), reason: token.UnknownKey},
		"an x5c of its own":    {raw: z.sign(object{"x5c": []string{"AAAA"}}, nil, z.evil), reason: token.BadSignature},
		"an unknown kid":       {raw: z.headed(object{"kid": "nobody"}), reason: token.UnknownKey},
		"no kid":               {raw: z.headed(object{"kid": nil}), reason: token.UnknownKey},
		"an empty kid":         {raw: z.headed(object{"kid": ""}), reason: token.UnknownKey},
		"a kid that is a file": {raw: z.headed(object{"kid": "../../../../dev/null"}), reason: token.UnknownKey},
		"a kid that is SQL":    {raw: z.headed(object{"kid": "' OR 1=1 --"}), reason: token.UnknownKey},
		"a kid that is a list": {raw: z.headed(object{"kid": []string{"es"}}), reason: token.UnknownKey},
		"another key's kid":    {raw: z.headed(object{"kid": "ed"}), reason: token.BadSignature},
		"something critical":   {raw: z.headed(object{"crit": []string{"exp"}, "exp": 1}), reason: token.Malformed},
		"an empty crit":        {raw: z.headed(object{"crit": []string{}}), reason: token.Malformed},
		"crit b64":             {raw: z.headed(object{"crit": []string{"b64"}, "b64": true}), reason: token.Malformed},
	}
	return all
}

func (z *zoo) jwk(public any) any {
	key, err := jwk.FromRaw(public)
	if err != nil {
		z.Fatal(err)
	}
	return key
}

func (z *zoo) times() map[string]animal {
	at := func(seconds int64) int64 { return z.now.Unix() + seconds }
	return map[string]animal{
		"expired 59 s ago":          {raw: z.with(object{"exp": at(-59)})},
		"expired 61 s ago":          {raw: z.with(object{"exp": at(-61)}), reason: token.Expired},
		"expired long ago":          {raw: z.with(object{"exp": 1}), reason: token.Expired},
		"expired before time":       {raw: z.with(object{"exp": -1}), reason: token.Expired},
		"issued in 59 s":            {raw: z.with(object{"iat": at(59)})},
		"issued in 61 s":            {raw: z.with(object{"iat": at(61)}), reason: token.NotYetValid},
		"good only in 59 s":         {raw: z.with(object{"nbf": at(59)})},
		"good only in 61 s":         {raw: z.with(object{"nbf": at(61)}), reason: token.NotYetValid},
		"good only in an hour":      {raw: z.with(object{"nbf": at(3600)}), reason: token.NotYetValid},
		"without an end":            {raw: z.with(object{"exp": nil}), reason: token.MissingClaim},
		"without a beginning":       {raw: z.with(object{"iat": nil}), reason: token.MissingClaim},
		"an end that is text":       {raw: z.with(object{"exp": "1800000300"}), reason: token.Malformed},
		"an end beyond all numbers": {raw: z.with(object{"exp": 1e300}), reason: token.Malformed},
		"an end that is null":       {raw: z.text(`{"alg":"ES256","kid":"es","typ":"at+jwt"}`, strings.Replace(z.json(z.claims(nil)), "1800000300", "null", 1), "ES256", z.es), reason: token.MissingClaim},
		"a fraction of a second":    {raw: z.with(object{"iat": float64(z.now.Unix()) + 0.5}), reason: token.Malformed},
	}
}

func (z *zoo) subjects() map[string]animal {
	return map[string]animal{
		"for another audience":           {raw: z.with(object{"aud": "https://other.example.com"}), reason: token.WrongAudience},
		"for an audience with a slash":   {raw: z.with(object{"aud": "https://api.example.com/"}), reason: token.WrongAudience},
		"for a part of the audience":     {raw: z.with(object{"aud": "https://api"}), reason: token.WrongAudience},
		"for the app":                    {raw: z.with(object{"aud": "app"}), reason: token.WrongAudience},
		"for nobody":                     {raw: z.with(object{"aud": nil}), reason: token.WrongAudience},
		"for an empty list":              {raw: z.with(object{"aud": []string{}}), reason: token.WrongAudience},
		"for a number":                   {raw: z.with(object{"aud": 7}), reason: token.Malformed},
		"by another issuer":              {raw: z.with(object{"iss": "https://evil.example"}), reason: token.WrongIssuer},
		"by an issuer with a slash":      {raw: z.with(object{"iss": "https://app.example.com/auth/"}), reason: token.WrongIssuer},
		"by an issuer in capitals":       {raw: z.with(object{"iss": "https://APP.example.com/auth"}), reason: token.WrongIssuer},
		"by an organization's issuer":    {raw: z.with(object{"iss": "https://app.example.com/auth/o/org_acme"}), reason: token.WrongIssuer},
		"by nobody":                      {raw: z.with(object{"iss": nil}), reason: token.WrongIssuer},
		"of nobody":                      {raw: z.with(object{"sub": nil}), reason: token.MissingClaim},
		"of a number":                    {raw: z.with(object{"sub": 7}), reason: token.Malformed},
		"for no organization":            {raw: z.with(object{"org_id": nil}), reason: token.MissingClaim},
		"for an organization of no name": {raw: z.with(object{"org_id": ""}), reason: token.MissingClaim},
		"for ORG_ID":                     {raw: z.with(object{"org_id": nil, "ORG_ID": "org_acme"}), reason: token.MissingClaim},
		"for two organizations":          {raw: z.with(object{"org_id": []string{"org_acme", "org_globex"}}), reason: token.Malformed},
		"for the number of one":          {raw: z.with(object{"org_id": 7}), reason: token.Malformed},
	}
}

// texts are tokens, signed by the issuer, of which two parsers could think differently,
// or that are no JWS at all.
func (z *zoo) texts() map[string]animal {
	good := z.with(nil)
	parts := strings.Split(good, ".")
	header, claims := `{"alg":"ES256","kid":"es","typ":"at+jwt"}`, z.json(z.claims(nil))
	payload := func(text string) string { return z.text(header, text, "ES256", z.es) }
	all := map[string]animal{
		"a claim twice":              {raw: payload(strings.Replace(claims, "{", `{"org_id":"org_globex",`, 1))},
		"a claim twice, escaped":     {raw: payload(strings.Replace(claims, "{", `{"\u006frg_id":"org_globex",`, 1))},
		"an aud twice":               {raw: payload(strings.Replace(claims, "{", `{"aud":"https://other.example.com",`, 1))},
		"alg twice":                  {raw: z.text(`{"alg":"none","alg":"ES256","kid":"es","typ":"at+jwt"}`, claims, "ES256", z.es)},
		"kid twice":                  {raw: z.text(`{"kid":"evil","alg":"ES256","kid":"es","typ":"at+jwt"}`, claims, "ES256", z.es)},
		"claims that are a list":     {raw: payload(`[` + claims + `]`)},
		"claims that are a text":     {raw: payload(`"claims"`)},
		"claims that are no JSON":    {raw: payload(`claims`)},
		"claims, and more of them":   {raw: payload(claims + claims)},
		"claims after a mark":        {raw: payload("\ufeff" + claims)},
		"a header that is a list":    {raw: z.text(`[]`, claims, "ES256", z.es)},
		"a header that is null":      {raw: z.text(`null`, claims, "ES256", z.es)},
		"two parts":                  {raw: parts[0] + "." + parts[1]},
		"four parts":                 {raw: good + "."},
		"five parts, as encrypted":   {raw: good + ".a.b"},
		"nothing":                    {raw: ".."},
		"a padded signature":         {raw: good + "=="},
		"padded claims":              {raw: parts[0] + "." + parts[1] + "=." + parts[2]},
		"a signature in two lines":   {raw: parts[0] + "." + parts[1] + "." + parts[2][:40] + "\n" + parts[2][40:]},
		"a signature with a space":   {raw: parts[0] + "." + parts[1] + "." + parts[2][:40] + " " + parts[2][40:]},
		"a signature's unused bits":  {raw: good[:len(good)-1] + unusedBits(good[len(good)-1])},
		"as JSON":                    {raw: `{"protected":"` + parts[0] + `","payload":"` + parts[1] + `","signature":"` + parts[2] + `"}`},
		"more than a header carries": {raw: z.with(object{"roles": strings.Repeat("r", 8<<10)})},
		"a million dots":             {raw: strings.Repeat(".", 1_000_000)},
	}
	for name, a := range all {
		all[name] = animal{raw: a.raw, reason: token.Malformed}
	}
	all["claims that are null"] = animal{raw: payload(`null`), reason: token.WrongIssuer}
	return all
}

// unusedBits is another last character for the same signature.
func unusedBits(last byte) string {
	const alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"
	return string(alphabet[strings.IndexByte(alphabet, last)|1])
}
