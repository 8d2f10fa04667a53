package validators

import (
	"crypto/x509"
	"encoding/base64"
	"encoding/pem"
	"strings"

	"github.com/lestrrat-go/jwx/v2/jwk"

	"github.com/tabard-auth/tabard/backend/token"
)

func (v *vectors) good() map[string]vector {
	return map[string]vector{
		"good":                         {raw: v.with(nil)},
		"good, by EdDSA":               {raw: v.text(`{"alg":"EdDSA","kid":"ed","typ":"at+jwt"}`, v.json(v.claims(nil)), "EdDSA", v.ed)},
		"good, with a list of one aud": {raw: v.with(object{"aud": []string{"https://api.example.com"}})},
		"good, with a list of two aud": {raw: v.with(object{"aud": []string{"https://other.example.com", "https://api.example.com"}})},
		"good, with the long typ":      {raw: v.headed(object{"typ": "application/at+jwt"})},
		"good, with typ in capitals":   {raw: v.headed(object{"typ": "AT+JWT"})},
		"good, with more claims":       {raw: v.with(object{"tenantId": "org_globex", "ORG_ID": "org_globex", "scope": ""})},
		"good, with an address of keys": {raw: v.headed(object{
			"jku": "https://evil.example/jwks.json", "x5u": "https://evil.example/cert", "jwk": v.jwk(v.evil.Public())})},
	}
}

// kinds returns the other JWTs that a workspace or its provider makes, signed with the
// issuer's own key for this audience.
func (v *vectors) kinds() map[string]vector {
	all := map[string]vector{"no kind at all": {raw: v.headed(object{"typ": nil})}}
	for _, typ := range []string{"JWT", "id_token+jwt", "logout+jwt", "dpop+jwt", "secevent+jwt", "rt+jwt", "at+jwt ", "application/x-at+jwt", ""} {
		all["of the kind "+typ] = vector{raw: v.headed(object{"typ": typ})}
	}
	all["of a kind that is a list"] = vector{raw: v.headed(object{"typ": []string{"at+jwt"}})}
	for name, vec := range all {
		all[name] = vector{vec.raw, token.WrongType}
	}
	return all
}

func (v *vectors) algorithms() map[string]vector {
	good := v.with(nil)
	parts := strings.Split(good, ".")
	unsigned := func(alg string) string {
		head := base64.RawURLEncoding.EncodeToString([]byte(`{"alg":"` + alg + `","kid":"es","typ":"at+jwt"}`))
		return head + "." + parts[1] + "."
	}
	der, err := x509.MarshalPKIXPublicKey(v.es.Public())
	if err != nil {
		v.Fatal(err)
	}
	secret := pem.EncodeToMemory(&pem.Block{Type: "PUBLIC KEY", Bytes: der})
	confused := func(alg, by string, key any) string {
		return v.text(v.json(object{"alg": alg, "kid": "es", "typ": "at+jwt"}), v.json(v.claims(nil)), by, key)
	}
	all := map[string]vector{
		"alg none":                        {raw: unsigned("none")},
		"alg None":                        {raw: unsigned("None")},
		"alg NONE":                        {raw: unsigned("NONE")},
		"alg ES256 without a signature":   {raw: unsigned("ES256")},
		"no alg":                          {raw: confused("", "ES256", v.es)},
		"HS256 by the public key's PEM":   {raw: confused("HS256", "HS256", secret)},
		"HS256 by the public key's bytes": {raw: confused("HS256", "HS256", der)},
		"HS256 by the public set":         {raw: confused("HS256", "HS256", v.set)},
		"RS256 by another key":            {raw: confused("RS256", "RS256", v.rs)},
		"alg of another of our keys":      {raw: confused("EdDSA", "EdDSA", v.ed)},
		"alg ES256, signed by RS256":      {raw: confused("ES256", "RS256", v.rs)},
		"alg in small letters":            {raw: confused("es256", "ES256", v.es)},
		"a signature in DER":              {raw: parts[0] + "." + parts[1] + "." + base64.RawURLEncoding.EncodeToString(v.der(parts[0]+"."+parts[1], v.es))},
		"a signature of zeros":            {raw: parts[0] + "." + parts[1] + "." + strings.Repeat("A", 86)},
		"a longer signature":              {raw: good + "AA"},
		"another's signature":             {raw: v.sign(nil, nil, v.evil)},
		"another token's signature":       {raw: parts[0] + "." + parts[1] + "." + strings.Split(v.with(object{"jti": "k"}), ".")[2]},
	}
	for name, vec := range all {
		all[name] = vector{raw: vec.raw, reason: token.BadSignature}
	}
	return all
}

// keys are tokens with a header that holds a key, or names one that is not the
// issuer's.
func (v *vectors) keys() map[string]vector {
	all := map[string]vector{
		"a jku of its own":     {raw: v.sign(object{"jku": "https://evil.example/jwks.json"}, nil, v.evil), reason: token.BadSignature},
		"an x5u of its own":    {raw: v.sign(object{"x5u": "https://evil.example/cert.pem"}, nil, v.evil), reason: token.BadSignature},
		"a jwk of its own":     {raw: v.sign(object{"jwk": v.jwk(v.evil.Public())}, nil, v.evil), reason: token.BadSignature},
		"a jwk, and its kid":   {raw: v.sign(object{"jwk": v.jwk(v.evil.Public()), "kid": "evil"}, nil, v.evil), reason: token.UnknownKey},
		"an x5c of its own":    {raw: v.sign(object{"x5c": []string{"AAAA"}}, nil, v.evil), reason: token.BadSignature},
		"an unknown kid":       {raw: v.headed(object{"kid": "nobody"}), reason: token.UnknownKey},
		"no kid":               {raw: v.headed(object{"kid": nil}), reason: token.UnknownKey},
		"an empty kid":         {raw: v.headed(object{"kid": ""}), reason: token.UnknownKey},
		"a kid that is a file": {raw: v.headed(object{"kid": "../../../../dev/null"}), reason: token.UnknownKey},
		"a kid that is SQL":    {raw: v.headed(object{"kid": "' OR 1=1 --"}), reason: token.UnknownKey},
		"a kid that is a list": {raw: v.headed(object{"kid": []string{"es"}}), reason: token.UnknownKey},
		"another key's kid":    {raw: v.headed(object{"kid": "ed"}), reason: token.BadSignature},
		"something critical":   {raw: v.headed(object{"crit": []string{"exp"}, "exp": 1}), reason: token.Malformed},
		"an empty crit":        {raw: v.headed(object{"crit": []string{}}), reason: token.Malformed},
		"crit b64":             {raw: v.headed(object{"crit": []string{"b64"}, "b64": true}), reason: token.Malformed},
	}
	return all
}

func (v *vectors) jwk(public any) any {
	key, err := jwk.FromRaw(public)
	if err != nil {
		v.Fatal(err)
	}
	return key
}

func (v *vectors) times() map[string]vector {
	at := func(seconds int64) int64 { return v.now.Unix() + seconds }
	return map[string]vector{
		"expired 59 s ago":          {raw: v.with(object{"exp": at(-59)})},
		"expired 61 s ago":          {raw: v.with(object{"exp": at(-61)}), reason: token.Expired},
		"expired long ago":          {raw: v.with(object{"exp": 1}), reason: token.Expired},
		"expired before time":       {raw: v.with(object{"exp": -1}), reason: token.Expired},
		"issued in 59 s":            {raw: v.with(object{"iat": at(59)})},
		"issued in 61 s":            {raw: v.with(object{"iat": at(61)}), reason: token.NotYetValid},
		"good only in 59 s":         {raw: v.with(object{"nbf": at(59)})},
		"good only in 61 s":         {raw: v.with(object{"nbf": at(61)}), reason: token.NotYetValid},
		"good only in an hour":      {raw: v.with(object{"nbf": at(3600)}), reason: token.NotYetValid},
		"without an end":            {raw: v.with(object{"exp": nil}), reason: token.MissingClaim},
		"without a beginning":       {raw: v.with(object{"iat": nil}), reason: token.MissingClaim},
		"an end that is text":       {raw: v.with(object{"exp": "1800000300"}), reason: token.Malformed},
		"an end beyond all numbers": {raw: v.with(object{"exp": 1e300}), reason: token.Malformed},
		"an end that is null":       {raw: v.text(`{"alg":"ES256","kid":"es","typ":"at+jwt"}`, strings.Replace(v.json(v.claims(nil)), "1800000300", "null", 1), "ES256", v.es), reason: token.MissingClaim},
		"a fraction of a second":    {raw: v.with(object{"iat": float64(v.now.Unix()) + 0.5}), reason: token.Malformed},
	}
}

func (v *vectors) subjects() map[string]vector {
	return map[string]vector{
		"for another audience":           {raw: v.with(object{"aud": "https://other.example.com"}), reason: token.WrongAudience},
		"for an audience with a slash":   {raw: v.with(object{"aud": "https://api.example.com/"}), reason: token.WrongAudience},
		"for a part of the audience":     {raw: v.with(object{"aud": "https://api"}), reason: token.WrongAudience},
		"for the app":                    {raw: v.with(object{"aud": "app"}), reason: token.WrongAudience},
		"for nobody":                     {raw: v.with(object{"aud": nil}), reason: token.WrongAudience},
		"for an empty list":              {raw: v.with(object{"aud": []string{}}), reason: token.WrongAudience},
		"for a number":                   {raw: v.with(object{"aud": 7}), reason: token.Malformed},
		"by another issuer":              {raw: v.with(object{"iss": "https://evil.example"}), reason: token.WrongIssuer},
		"by an issuer with a slash":      {raw: v.with(object{"iss": "https://app.example.com/auth/"}), reason: token.WrongIssuer},
		"by an issuer in capitals":       {raw: v.with(object{"iss": "https://APP.example.com/auth"}), reason: token.WrongIssuer},
		"by an organization's issuer":    {raw: v.with(object{"iss": "https://app.example.com/auth/o/org_acme"}), reason: token.WrongIssuer},
		"by nobody":                      {raw: v.with(object{"iss": nil}), reason: token.WrongIssuer},
		"of nobody":                      {raw: v.with(object{"sub": nil}), reason: token.MissingClaim},
		"of a number":                    {raw: v.with(object{"sub": 7}), reason: token.Malformed},
		"for no organization":            {raw: v.with(object{"org_id": nil}), reason: token.MissingClaim},
		"for an organization of no name": {raw: v.with(object{"org_id": ""}), reason: token.MissingClaim},
		"for an id behind a space":       {raw: v.with(object{"org_id": " org_acme"}), reason: token.MissingClaim},
		"for an id with an end of text":  {raw: v.with(object{"org_id": "org_acme\x00"}), reason: token.MissingClaim},
		"for an id in two lines":         {raw: v.with(object{"org_id": "org_a\ncme"}), reason: token.MissingClaim},
		"for an id in another script":    {raw: v.with(object{"org_id": "org_äcme"}), reason: token.MissingClaim},
		"for an id of two paragraphs":    {raw: v.with(object{"org_id": "org_acme\u2028"}), reason: token.MissingClaim},
		"for ORG_ID":                     {raw: v.with(object{"org_id": nil, "ORG_ID": "org_acme"}), reason: token.MissingClaim},
		"for two organizations":          {raw: v.with(object{"org_id": []string{"org_acme", "org_globex"}}), reason: token.Malformed},
		"for the number of one":          {raw: v.with(object{"org_id": 7}), reason: token.Malformed},
	}
}

// texts are tokens, signed by the issuer, of which two parsers could think differently,
// or that are no JWS at all.
func (v *vectors) texts() map[string]vector {
	good := v.with(nil)
	parts := strings.Split(good, ".")
	header, claims := `{"alg":"ES256","kid":"es","typ":"at+jwt"}`, v.json(v.claims(nil))
	payload := func(text string) string { return v.text(header, text, "ES256", v.es) }
	all := map[string]vector{
		"a claim twice":              {raw: payload(strings.Replace(claims, "{", `{"org_id":"org_globex",`, 1))},
		"a claim twice, escaped":     {raw: payload(strings.Replace(claims, "{", `{"\u006frg_id":"org_globex",`, 1))},
		"an aud twice":               {raw: payload(strings.Replace(claims, "{", `{"aud":"https://other.example.com",`, 1))},
		"alg twice":                  {raw: v.text(`{"alg":"none","alg":"ES256","kid":"es","typ":"at+jwt"}`, claims, "ES256", v.es)},
		"kid twice":                  {raw: v.text(`{"kid":"evil","alg":"ES256","kid":"es","typ":"at+jwt"}`, claims, "ES256", v.es)},
		"claims that are a list":     {raw: payload(`[` + claims + `]`)},
		"claims that are a text":     {raw: payload(`"claims"`)},
		"claims that are no JSON":    {raw: payload(`claims`)},
		"claims, and more of them":   {raw: payload(claims + claims)},
		"claims after a mark":        {raw: payload("\ufeff" + claims)},
		"a header that is a list":    {raw: v.text(`[]`, claims, "ES256", v.es)},
		"a header that is null":      {raw: v.text(`null`, claims, "ES256", v.es)},
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
		"more than a header carries": {raw: v.with(object{"roles": strings.Repeat("r", 8<<10)})},
		"a million dots":             {raw: strings.Repeat(".", 1_000_000)},
	}
	for name, vec := range all {
		all[name] = vector{raw: vec.raw, reason: token.Malformed}
	}
	all["claims that are null"] = vector{raw: payload(`null`), reason: token.WrongIssuer}
	return all
}

// unusedBits is another last character for the same signature.
func unusedBits(last byte) string {
	const alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"
	return string(alphabet[strings.IndexByte(alphabet, last)|1])
}
