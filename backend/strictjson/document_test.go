package strictjson_test

import (
	"testing"

	"github.com/tabard-auth/tabard/backend/strictjson"
)

type embedded struct {
	Inner int `json:"inner"`
}

type document struct {
	embedded
	Name  string                       `json:"name"`
	Roles map[string][]string          `json:"roles"`
	Items []map[string]embedded        `json:"items"`
	Any   any                          `json:"any"`
	Deep  *map[string]map[string]int64 `json:"deep"`
	Not   int                          `json:"-"`
}

func TestDecodeDocument(t *testing.T) {
	for text, good := range map[string]bool{
		`{"name":"a","roles":{"Admin":["x"],"admin":[],"süd":[]},"inner":1}`: true,
		`{"items":[{"A":{"inner":1}}],"any":{"X":{"y":1}},"deep":{"A":{}}}`:  true,
		`{"Name":"a"}`: false, `{"ſ":1}`: false, `{"name":"a","name":"b"}`: false, `{"roles":{"a":[],"a":[]}}`: false,
		`{"roles":{"a":[],"\u0061":[]}}`: false, `{"items":[{"A":{"Inner":1}}]}`: false, `{"-":1}`: false, `{"Not":1}`: false, `{"unknown":1}`: false,
		`{"any":{"X":{"y":1,"y":2}}}`: false, `{"any":[[[[[1]]]]]}`: false, `[]`: false, `{"name":"a"} {}`: false, `{"name":1}`: false, ``: false,
	} {
		if err := strictjson.DecodeDocument([]byte(text), &document{}, 4); (err == nil) != good {
			t.Errorf("%s: %v", text, err)
		}
	}
}
