package strictjson_test

import (
	"reflect"
	"strings"
	"testing"

	"github.com/tabard-auth/tabard/backend/strictjson"
)

type body struct {
	Name  string   `json:"name"`
	Roles []string `json:"roles"`
	Inner struct {
		Age int64 `json:"age"`
	} `json:"inner"`
}

func TestAnObjectIsRead(t *testing.T) {
	var got body
	err := strictjson.Decode([]byte(` {"name": "a", "roles": ["x", "y"], "inner": {"age": 3}} `), &got, 2)
	want := body{Name: "a", Roles: []string{"x", "y"}}
	want.Inner.Age = 3
	if err != nil || !reflect.DeepEqual(got, want) {
		t.Errorf("%+v: %v", got, err)
	}
}

func TestWhatParsersDisagreeAboutIsRefused(t *testing.T) {
	for text, because := range map[string]string{
		``:                                   "not a JSON object",
		`[]`:                                 "not a JSON object",
		`{"name": "a"`:                       "not a JSON object",
		`{"name": "a"} {}`:                   "more than one",
		`{"name": "a", "name": "b"}`:         `"name" is repeated`,
		`{"inner": {"age": 1, "age": 2}}`:    `"age" is repeated`,
		`{"Name": "a"}`:                      `unknown field "Name"`,
		`{"other": "a"}`:                     `unknown field "other"`,
		`{"inner": {"other": 1}}`:            `unknown field "other"`,
		`{"name": 1}`:                        `"name" has the wrong type`,
		`{"name": {}}`:                       `"name" has the wrong type`,
		`{"roles": [["a"]]}`:                 `"roles" has the wrong type`,
		`{"inner": {"age": [1]}}`:            `"age" has the wrong type`,
		`{"roles": ["a"`:                     "EOF",
		strings.Repeat(`{"inner":`, 100_000): `"inner" has the wrong type`,
	} {
		var got body
		if err := strictjson.Decode([]byte(text), &got, 2); err == nil || !strings.Contains(err.Error(), because) {
			t.Errorf("%.40s: %v, want %s", text, err, because)
		}
	}
	var got body
	if err := strictjson.Decode([]byte(`{"roles": []}`), &got, 1); err == nil {
		t.Error("a flat object has a list")
	}
}
