package strictjson_test

import (
	"testing"

	"github.com/tabard-auth/tabard/backend/strictjson"
)

func TestDecodeKnownComparesNamesExactly(t *testing.T) {
	type inner struct {
		JKT string `json:"jkt"`
	}
	type claims struct {
		ACR  string         `json:"acr"`
		Cnf  *inner         `json:"cnf"`
		List []string       `json:"list"`
		Any  map[string]any `json:"any"`
	}
	for text, want := range map[string]string{
		`{"acr":"1","ACR":"2","Acr":"3"}`:         "1",
		`{"ACR":"2"}`:                             "",
		`{"ACR":"2","acr":"1"}`:                   "1",
		`{"acr":"1","other":{"a":1,"a":2}}`:       "1",
		`{"acr":"1","cnf":{"JKT":"x","jkt":""}}`:  "1",
		`{"\u0061cr":"1"}`:                        "1",
		` { "acr" : "1" , "cnf" : null } `:        "1",
		`{"acr":"1","cnf":{"JKT":"x"}}`:           "1",
		`{"acr":"1","any":{"ACR":"2","acr":1}}`:   "1",
		`{"acr":"1","list":["a"],"ſid":"long s"}`: "1",
	} {
		var got claims
		if err := strictjson.DecodeKnown([]byte(text), &got); err != nil || got.ACR != want || got.Cnf != nil && got.Cnf.JKT != "" {
			t.Errorf("%s: %+v, %v", text, got, err)
		}
	}
	for _, text := range []string{
		`{"acr":"1","acr":"1"}`, `{"acr":"1","\u0061cr":"2"}`, `{"cnf":{"jkt":"a","jkt":"b"}}`,
		`{"x":1,"x":2}`, `[]`, `7`, ``, `{`, `{"acr":"1"`, `{"acr":7}`, `{} {}`, "{}\u00a0", "\u2003{}", "{}\v",
	} {
		var got claims
		if err := strictjson.DecodeKnown([]byte(text), &got); err == nil {
			t.Errorf("%s is read: %+v", text, got)
		}
	}
}
