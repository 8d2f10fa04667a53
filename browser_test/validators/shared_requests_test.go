package validators

import (
	"context"
	"crypto/ecdsa"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/tabard-auth/tabard/backend/resource"
	"github.com/tabard-auth/tabard/backend/token"
)

// requestFile is requests.json.
type requestFile struct {
	setting
	BaseURL string          `json:"base_url"`
	Ended   []string        `json:"ended"` // sessions
	Vectors []sharedRequest `json:"vectors"`
}

// sharedRequest is a sequence of requests to one guard, which is new.
type sharedRequest struct {
	Name string     `json:"name"`
	Rule sharedRule `json:"rule"`
	// Row is the organization that the handler compares. Empty compares none.
	Row string `json:"row,omitempty"`
	// Unreachable is an issuer whose keys cannot be fetched.
	Unreachable bool           `json:"unreachable,omitempty"`
	Requests    []sharedAction `json:"requests"`
}

type sharedRule struct {
	Organization string   `json:"organization,omitempty"` // a wildcard
	Permissions  []string `json:"permissions,omitempty"`
	MaxAge       int64    `json:"max_age,omitempty"` // seconds
	ACR          []string `json:"acr,omitempty"`
	Lent         bool     `json:"lent,omitempty"`
}

// sharedAction is a request and its answer.
type sharedAction struct {
	Method  string            `json:"method"`
	Path    string            `json:"path"`
	Params  map[string]string `json:"params,omitempty"`
	Headers [][2]string       `json:"headers"`

	Status       int            `json:"status"`
	Code         string         `json:"code,omitempty"`
	Reason       string         `json:"reason,omitempty"`
	Challenge    string         `json:"challenge,omitempty"`
	RetryAfter   string         `json:"retry_after,omitempty"`
	Organization string         `json:"organization,omitempty"` // Tabard-Organization
	Records      []sharedRecord `json:"records"`
}

type sharedRecord struct {
	Outcome              string `json:"outcome"`
	Reason               string `json:"reason"`
	Session              string `json:"session"`
	TokenOrganization    string `json:"token_organization"`
	ResourceOrganization string `json:"resource_organization"`
	Actor                string `json:"actor"`
	Staff                bool   `json:"staff"`
	Method               string `json:"method"`
	Route                string `json:"route"`
}

const sharedRoute = "/notes"

// handler returns a new guard's handler for a vector. record is called for each request.
func (f *requestFile) handler(t *testing.T, s sharedRequest, record func(context.Context, resource.Record)) http.Handler {
	t.Helper()
	on := f.setting
	if s.Unreachable {
		on.Keys = nil
	}
	guard, err := resource.NewGuard(on.verifier(t, false), resource.Config{
		BaseURL: f.BaseURL,
		Ended:   func(_ context.Context, c *token.Claims) bool { return slices.Contains(f.Ended, c.SessionID) },
		Record:  record,
	})
	if err != nil {
		t.Fatal(err)
	}
	return guard.Protect(resource.Rule{Organization: s.Rule.Organization, Demand: token.Demand{
		Permissions: s.Rule.Permissions, MaxAge: time.Duration(s.Rule.MaxAge) * time.Second, ACR: s.Rule.ACR, Lent: s.Rule.Lent,
	}}, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if s.Row == "" {
			return
		}
		if err := resource.Match(r.Context(), s.Row); err != nil {
			resource.Refuse(w, err)
		}
	}))
}

// run sends the requests of a vector to a new guard and returns them with its answers.
func (f *requestFile) run(t *testing.T, s sharedRequest) []sharedAction {
	t.Helper()
	var records []sharedRecord
	handler := f.handler(t, s, func(_ context.Context, r resource.Record) {
		records = append(records, sharedRecord{string(r.Outcome), string(r.Reason), r.Session, r.TokenOrganization,
			r.ResourceOrganization, r.Actor, r.Staff, r.Method, r.Route})
	})
	answered := make([]sharedAction, 0, len(s.Requests))
	for _, a := range s.Requests {
		records = nil
		r := httptest.NewRequest(a.Method, a.Path, nil)
		r.Pattern = sharedRoute
		for name, value := range a.Params {
			r.SetPathValue(name, value)
		}
		for _, h := range a.Headers {
			r.Header.Add(h[0], h[1])
		}
		w := httptest.NewRecorder()
		handler.ServeHTTP(w, r)
		var body struct {
			Error  string
			Reason string `json:"error_description"`
		}
		json.Unmarshal(w.Body.Bytes(), &body)
		a.Status, a.Code, a.Reason, a.Records = w.Code, body.Error, body.Reason, records
		a.Challenge, a.RetryAfter = w.Header().Get("WWW-Authenticate"), w.Header().Get("Retry-After")
		a.Organization = w.Header().Get(resource.HeaderOrganization)
		answered = append(answered, a)
	}
	return answered
}

// TestSharedVectors_Requests also checks that the file is current: the requests come of
// the table, and the answers of the guard.
func TestSharedVectors_Requests(t *testing.T) {
	v := newVectors(t)
	file := v.requestFile()
	for i, s := range file.Vectors {
		file.Vectors[i].Requests = file.run(t, s)
		for n, a := range file.Vectors[i].Requests {
			if want := s.Requests[n].Reason; a.Reason != want || (a.Status == http.StatusOK) != (want == "") {
				t.Errorf("%s: request %d is answered %d, %q, want %q", s.Name, n, a.Status, a.Reason, want)
			}
		}
	}
	current(t, sharedRequests, file)
}

func (v *vectors) requestFile() *requestFile {
	all := slices.Concat(v.plain(), v.inOrganizations(), v.lent(), v.demanded(), v.proved())
	slices.SortFunc(all, func(a, b sharedRequest) int { return strings.Compare(a.Name, b.Name) })
	return &requestFile{
		setting: setting{
			Issuer: "https://app.example.com/auth", Audience: "https://api.example.com", Now: v.now.Unix(), Leeway: 30,
			Keys: map[string]json.RawMessage{"https://app.example.com/auth/.well-known/jwks.json": v.set},
		},
		BaseURL: "https://api.example.com", Ended: []string{"ses_ended"},
		Vectors: all,
	}
}

func bearer(raw string) [2]string { return [2]string{"Authorization", "Bearer " + raw} }

func getNotes(reason token.Reason, headers ...[2]string) sharedAction {
	return sharedAction{Method: "GET", Path: "/notes", Headers: append([][2]string{}, headers...), Reason: string(reason)}
}

// proved returns requests with tokens that are bound to a key.
func (v *vectors) proved() (all []sharedRequest) {
	key, other := fixedKey(v.T, "device"), fixedKey(v.T, "another device")
	bound := v.with(object{"cnf": object{"jkt": v.thumbprint(key)}})
	add := func(name string, want token.Reason, rule sharedRule, headers ...[2]string) {
		all = append(all, sharedRequest{Name: name, Rule: rule, Requests: []sharedAction{getNotes(want, headers...)}})
	}
	auth := [2]string{"Authorization", "DPoP " + bound}
	proof := func(header, claims object) [2]string { return [2]string{"DPoP", v.proof(key, bound, header, claims)} }
	refused := func(name string, header, claims object) {
		add("a proof "+name, token.InvalidProof, sharedRule{}, auth, proof(header, claims))
	}
	add("a bound token with its proof", "", sharedRule{}, auth, proof(nil, nil))
	add("under Bearer", token.ProofRequired, sharedRule{}, bearer(bound), proof(nil, nil))
	add("under Bearer without a proof", token.ProofRequired, sharedRule{}, bearer(bound))
	add("without a proof", token.InvalidProof, sharedRule{}, auth)
	add("with two proofs", token.InvalidProof, sharedRule{}, auth, proof(nil, nil), proof(nil, object{"jti": "2"}))
	add("a plain token under DPoP", token.InvalidProof, sharedRule{}, [2]string{"Authorization", "DPoP " + v.with(nil)}, proof(nil, nil))
	add("a plain token with a proof", "", sharedRule{}, bearer(v.with(nil)), [2]string{"DPoP", "ignored"})
	add("a proof that is none", token.InvalidProof, sharedRule{}, auth, [2]string{"DPoP", "a.b.c"})
	add("by another key", token.InvalidProof, sharedRule{}, auth, [2]string{"DPoP", v.proof(other, bound, nil, nil)})
	add("an expired bound token", token.Expired, sharedRule{},
		[2]string{"Authorization", "DPoP " + v.with(object{"exp": 1, "cnf": object{"jkt": v.thumbprint(key)}})}, proof(nil, nil))
	add("a bound token without a permission", token.InsufficientScope, sharedRule{Permissions: []string{"notes:write"}}, auth, proof(nil, nil))
	add("a bound token with an old authentication", token.InsufficientAuthentication, sharedRule{ACR: []string{"urn:mfa"}}, auth, proof(nil, nil))
	replayed := []sharedAction{getNotes("", auth, proof(nil, nil)), getNotes(token.InvalidProof, auth, proof(nil, nil)), getNotes("", auth, proof(nil, object{"jti": "2"}))}
	all = append(all, sharedRequest{Name: "a proof used twice", Requests: replayed})

	refused("for another method", nil, object{"htm": "POST"})
	refused("for a method in small letters", nil, object{"htm": "get"})
	refused("for another token", nil, object{"ath": "AAAA"})
	refused("for no token", nil, object{"ath": nil})
	refused("without an id", nil, object{"jti": nil})
	refused("with a long id", nil, object{"jti": strings.Repeat("ä", 65)})
	refused("without a time", nil, object{"iat": nil})
	refused("with a time that is text", nil, object{"iat": "1800000000"})
	refused("of 91 s ago", nil, object{"iat": v.now.Unix() - 91})
	refused("of 90 s ago", nil, object{"iat": v.now.Unix() - 90})
	refused("in 31 s", nil, object{"iat": v.now.Unix() + 31})
	refused("of another type", object{"typ": "JWT"}, nil)
	refused("with a type in capitals", object{"typ": "DPOP+JWT"}, nil)
	refused("with an alg that is not the signature's", object{"alg": "RS256"}, nil)
	refused("without a key", object{"jwk": nil}, nil)
	refused("with a key that is a text", object{"jwk": "k"}, nil)
	refused("with the private key", object{"jwk": v.deviceJWK(key, object{"d": "AAAA"})}, nil)
	refused("with an empty private member", object{"jwk": v.deviceJWK(key, object{"oth": []string{}})}, nil)
	refused("with a key of another curve", object{"jwk": v.deviceJWK(key, object{"crv": "P-384"})}, nil)
	refused("with a point off the curve", object{"jwk": v.deviceJWK(key, object{"y": v.deviceJWK(key, nil)["x"]})}, nil)
	refused("with a padded coordinate", object{"jwk": v.deviceJWK(key, object{"x": v.deviceJWK(key, nil)["x"].(string) + "="})}, nil)
	refused("with crit", object{"crit": []string{"exp"}}, nil)
	refused("larger than 4 KiB", nil, object{"more": strings.Repeat("a", 3000)})
	add("a proof of 89 s ago", "", sharedRule{}, auth, proof(nil, object{"iat": v.now.Unix() - 89}))
	add("a proof in 30 s", "", sharedRule{}, auth, proof(nil, object{"iat": v.now.Unix() + 30}))
	add("a proof with a fraction of a second", "", sharedRule{}, auth, proof(nil, object{"iat": float64(v.now.Unix()) + 0.5}))
	add("a proof with more in its key", "", sharedRule{}, auth, proof(object{"jwk": v.deviceJWK(key, object{"alg": "ES256", "kid": "k"})}, nil))
	return append(all, v.addressed(auth, proof)...)
}

// addressed returns requests whose proofs name the address in several ways.
func (v *vectors) addressed(auth [2]string, proof func(header, claims object) [2]string) (all []sharedRequest) {
	const api = "https://api.example.com"
	for _, c := range []struct {
		path, htu string
		same      bool
	}{
		{"/notes", api + "/notes?page=2#top", true},
		{"/notes?page=2", api + "/notes", true},
		{"/notes", "HTTPS://API.example.com:443/notes", true},
		{"/notes", api + ":/notes", true},
		{"/notes", api + ":8443/notes", false},
		{"/notes", api + ":0443/notes", false},
		{"/notes", "http://api.example.com/notes", false},
		{"/notes", "https://api.example.com./notes", false},
		{"/notes", "https://evil.example/notes", false},
		{"/notes", "https://user@api.example.com/notes", false},
		{"/notes", "https://api.example.com\\@evil.example/notes", false},
		{"/notes", "//api.example.com/notes", false},
		{"/notes", "/notes", false},
		{"/notes", "https:/api.example.com/notes", false},
		{"/notes", " " + api + "/notes", false},
		{"/notes", api + "/not\nes", false},
		{"/notes", api + "/notes\t", false},
		{"/notes", api + "/no%74es", true},
		{"/notes", api + "/x/../notes", true},
		{"/notes", api + "/./notes", true},
		{"/notes", api + "/x/%2e%2e/notes", false},
		{"/notes", api + "/x/.%2e/notes", false},
		{"/notes", api + "/notes/", false},
		{"/notes", api + "//notes", false},
		{"/notes", api + "/..//notes", true},
		{"/notes", api + "/Notes", false},
		{"/notes", api + "/notes%", false},
		{"/notes", api + "/notes#%", false},
		{"/notes", api + "/notes?%", true},
		{"/notes/%C3%A4", api + "/notes/%c3%a4", true},
		{"/notes/%C3%A4", api + "/notes/ä", true},
		{"/notes/%2F", api + "/notes/%2f", true},
		{"/notes/%2F", api + "/notes//", false},
		{"/notes/a%20b", api + "/notes/a b", true},
		{"/notes/a%22b", api + "/notes/a\"b", true},
		{"/notes/(a)", api + "/notes/(a)", true},
		{"/notes/(a)", api + "/notes/%28a%29", false},
		{"/", api, true},
		{"/", api + "?a", true},
		{"/a/", api + "/a/b/..", true},
		{"/a/", api + "/a/.", true},
	} {
		want := token.InvalidProof
		if c.same {
			want = ""
		}
		action := sharedAction{Method: "GET", Path: c.path, Headers: [][2]string{auth, proof(nil, object{"htu": c.htu})}, Reason: string(want)}
		all = append(all, sharedRequest{Name: "at " + c.path + ", a proof for " + c.htu, Requests: []sharedAction{action}})
	}
	return all
}

// proof signs a proof for GET /notes and a token, changed.
func (v *vectors) proof(key *ecdsa.PrivateKey, bound string, header, claims object) string {
	full := merged(object{"typ": "dpop+jwt", "alg": "ES256", "jwk": v.deviceJWK(key, nil)}, header)
	sum := sha256.Sum256([]byte(bound))
	return v.text(v.json(full), v.json(merged(object{
		"jti": "1", "htm": "GET", "htu": "https://api.example.com/notes", "iat": v.now.Unix(), "ath": base64.RawURLEncoding.EncodeToString(sum[:]),
	}, claims)), "ES256", key)
}

func (v *vectors) deviceJWK(key *ecdsa.PrivateKey, change object) object {
	v.Helper()
	point, err := key.PublicKey.Bytes() // 4 | x | y
	if err != nil {
		v.Fatal(err)
	}
	coordinate := base64.RawURLEncoding.EncodeToString
	return merged(object{"kty": "EC", "crv": "P-256", "x": coordinate(point[1:33]), "y": coordinate(point[33:])}, change)
}

// thumbprint returns the key's thumbprint (RFC 7638).
func (v *vectors) thumbprint(key *ecdsa.PrivateKey) string {
	sum := sha256.Sum256([]byte(v.json(v.deviceJWK(key, nil)))) // maps are written in the order of their keys
	return base64.RawURLEncoding.EncodeToString(sum[:])
}
