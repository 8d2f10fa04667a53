package tab_test

import (
	"encoding/json"
	"go/ast"
	"go/parser"
	"go/token"
	"path/filepath"
	"reflect"
	"slices"
	"testing"

	"github.com/tabard-auth/tabard/backend/api"
	"github.com/tabard-auth/tabard/wasm/tab"
)

// The module has no encoding/json, so it repeats the contract's field names. These
// tests compare the two.

// value is JSON as encoding/json parses it, for the tab to read.
type value struct{ v any }

func parse(text string) (tab.Value, error) {
	var v any
	if err := json.Unmarshal([]byte(text), &v); err != nil || v == nil {
		return nil, err
	}
	return value{v}, nil
}

func (v value) Member(name string) tab.Value {
	object, _ := v.v.(map[string]any)
	if object[name] == nil {
		return nil
	}
	return value{object[name]}
}

func (v value) Elements() []tab.Value {
	array, _ := v.v.([]any)
	var elements []tab.Value
	for _, e := range array {
		elements = append(elements, value{e})
	}
	return elements
}

func (v value) Text() string    { s, _ := v.v.(string); return s }
func (v value) Number() float64 { n, _ := v.v.(float64); return n }
func (v value) Bool() bool      { b, _ := v.v.(bool); return b }

// responses are the types that the tab decodes, bodies those that it encodes. The rest
// are parts of them, are read by the client, or are for pages that request them
// directly.
var (
	answers = map[string]func(t *testing.T){
		"TokenResponse":    decodes(tab.DecodeTokenResponse),
		"SessionResponse":  decodes(tab.DecodeSessionResponse),
		"LoginResponse":    decodes(tab.DecodeLoginResponse),
		"LogoutResponse":   decodes(tab.DecodeLogoutResponse),
		"SessionsResponse": decodes(tab.DecodeSessionsResponse),
		"OriginResponse":   decodes(tab.DecodeOriginResponse),
		"Error":            decodes(tab.DecodeError),
	}
	bodies = map[string]func(t *testing.T){
		"TokenRequest":  encodes(tab.EncodeTokenRequest),
		"LoginRequest":  encodes(tab.EncodeLoginRequest),
		"LogoutRequest": encodes(tab.EncodeLogoutRequest),
		"OriginRequest": encodes(tab.EncodeOriginRequest),
		"JoinRequest":   encodes(tab.EncodeJoinRequest),
	}
	parts     = []string{"Organization", "User", "OrganizationSession", "OrganizationState", "DeviceSession", "Origins", "Account"}
	byTheFace = []string{"Module", "Asset"}
	byThePage = []string{"SessionsResponse", "DeviceSession", "HandoverRequest", "HandoverResponse", "JoinResponse",
		"LendRequest", "LendResponse"}
)

func TestEveryFieldOfTheContractIsReadAndWritten(t *testing.T) {
	for _, name := range structs(t, "../../backend/api") {
		test := answers[name]
		if test == nil {
			test = bodies[name]
		}
		if test != nil {
			t.Run(name, test)
		} else if !slices.Contains(parts, name) && !slices.Contains(slices.Concat(byTheFace, byThePage), name) {
			t.Errorf("api.%s is new: say here who reads or writes it", name)
		}
	}
}

func TestTheRecordKeepsEveryFieldOfAToken(t *testing.T) {
	full := filled[api.TokenResponse](t)
	v, err := parse(tab.EncodeTokenResponse(full))
	if err != nil {
		t.Fatal(err)
	}
	if got := tab.DecodeTokenResponse(v); !reflect.DeepEqual(got, full) {
		t.Errorf("kept  %+v\nwas   %+v", got, full)
	}
}

func TestTheListOfOrganizationsKeepsEveryField(t *testing.T) {
	full := filled[api.OrganizationState](t)
	var got []api.OrganizationState
	if err := json.Unmarshal([]byte(tab.EncodeOrganizations([]api.OrganizationState{full})), &got); err != nil {
		t.Fatal(err)
	}
	if len(got) != 1 || !reflect.DeepEqual(got[0], full) {
		t.Errorf("wrote %+v\nwas   %+v", got, full)
	}
}

func TestAnyTextIsWrittenAsValidJSON(t *testing.T) {
	for _, s := range []string{"", `"`, `\`, "\x00\x1f\n\t", "naïve 🦊 \u2028", `</script>`} {
		var got struct{ Organization string }
		body := tab.EncodeTokenRequest(api.TokenRequest{Organization: s})
		if err := json.Unmarshal([]byte(body), &got); err != nil || got.Organization != s {
			t.Errorf("%q was written as %s: %v", s, body, err)
		}
	}
}

func decodes[T any](decode func(tab.Value) T) func(*testing.T) {
	return func(t *testing.T) {
		full := filled[T](t)
		text, err := json.Marshal(full)
		if err != nil {
			t.Fatal(err)
		}
		v, err := parse(string(text))
		if err != nil {
			t.Fatal(err)
		}
		if got := decode(v); !reflect.DeepEqual(got, full) {
			t.Errorf("read  %+v\nfrom  %s", got, text)
		}
	}
}

func encodes[T any](encode func(T) string) func(*testing.T) {
	return func(t *testing.T) {
		full := filled[T](t)
		var got T
		if err := json.Unmarshal([]byte(encode(full)), &got); err != nil {
			t.Fatal(err)
		}
		if !reflect.DeepEqual(got, full) {
			t.Errorf("wrote %s\nfor   %+v", encode(full), full)
		}
	}
}

// filled returns a T in which every field has a different value.
func filled[T any](t *testing.T) T {
	t.Helper()
	var v T
	n := 0
	fill(t, reflect.ValueOf(&v).Elem(), &n)
	return v
}

func fill(t *testing.T, v reflect.Value, n *int) {
	t.Helper()
	*n++
	switch v.Kind() {
	case reflect.Struct:
		for i := range v.NumField() {
			fill(t, v.Field(i), n)
		}
	case reflect.String:
		v.SetString("text " + string(rune('a'+*n)))
	case reflect.Int64:
		v.SetInt(int64(1000 + *n))
	case reflect.Bool:
		v.SetBool(true)
	case reflect.Pointer:
		v.Set(reflect.New(v.Type().Elem()))
		fill(t, v.Elem(), n)
	case reflect.Slice:
		v.Set(reflect.MakeSlice(v.Type(), 2, 2))
		fill(t, v.Index(0), n)
		fill(t, v.Index(1), n)
	default:
		t.Fatalf("a field of kind %s is new: teach fill and the decoders", v.Kind())
	}
}

// structs returns the names of a package's struct types.
func structs(t *testing.T, dir string) []string {
	t.Helper()
	paths, err := filepath.Glob(filepath.Join(dir, "*.go"))
	if err != nil || len(paths) == 0 {
		t.Fatalf("no Go files in %s: %v", dir, err)
	}
	var names []string
	for _, path := range paths {
		file, err := parser.ParseFile(token.NewFileSet(), path, nil, 0)
		if err != nil {
			t.Fatal(err)
		}
		ast.Inspect(file, func(n ast.Node) bool {
			if spec, ok := n.(*ast.TypeSpec); ok {
				if _, ok := spec.Type.(*ast.StructType); ok {
					names = append(names, spec.Name.Name)
				}
			}
			return true
		})
	}
	return names
}
