package strictjson_test

import (
	"encoding/json"
	"strings"
	"testing"

	"github.com/tabard-auth/tabard/backend/strictjson"
)

func TestAnObjectIsReadByItsExactNames(t *testing.T) {
	o, err := strictjson.ReadObject([]byte(" {\"a\" : \"x\\n\" ,\t\"A\":1e3,\"inner\":{\"b\":[true,{\"c\":null}], \"\\u0061\": \"}\"},\"e\":{}}\r\n"))
	if err != nil {
		t.Fatal(err)
	}
	for got, want := range map[string]string{
		o.Text("a"): "x\n", string(o.Value("A")): "1e3", o.Object("inner").Text("a"): "}",
		string(o.Object("inner").Value("b")): `[true,{"c":null}]`,
		o.Text("A") + o.Text("inner") + o.Text("nothing") + string(o.Value("nothing")) + string(o.Value("INNER")): "",
	} {
		if got != want {
			t.Errorf("read %q, want %q", got, want)
		}
	}
	if len(o.Object("a")) != 0 || len(o.Object("nothing")) != 0 || o.Value("e") == nil {
		t.Error("what is no object has members, or an empty one is not there")
	}
}

func TestAnObjectThatTwoParsersReadDifferentlyIsRefused(t *testing.T) {
	for _, text := range []string{
		``, `null`, `[]`, `"a"`, `{`, `{"a":1} {}`, `{"a":1,}`, `{a:1}`, `{"a":01}`, "{\"a\":\"\n\"}", "\ufeff{}",
		`{"a":1,"a":2}`, `{"a":1,"\u0061":2}`, `{"a":{"b":1,"b":1}}`, `{"a":[[{"b":1},{"b":1,"b":2}]]}`,
		"{\"\xff\":1,\"\xfe\":2}", // both stand for U+FFFD
		`{` + strings.Repeat(`"a":1,`, 70) + `"b":1}`,
	} {
		if o, err := strictjson.ReadObject([]byte(text)); err == nil {
			t.Errorf("%s is read as %v", text, o)
		}
	}
	var many strings.Builder
	for i := range 65 {
		many.WriteString(`,"` + strings.Repeat("a", i+1) + `":1`)
	}
	if _, err := strictjson.ReadObject([]byte("{" + many.String()[1:] + "}")); err == nil {
		t.Error("an object of 65 members is read")
	}
}

// encoding/json, which is lenient about names, finds the same members in every object
// that is accepted.
func FuzzReadObject(f *testing.F) {
	for _, seed := range []string{`{}`, `{"a":1}`, `{"a":{"b":"\\\""},"c":[1,"]"]}`, `{"a":1,"a":2}`, "{\"\\ud800\":0}"} {
		f.Add([]byte(seed))
	}
	f.Fuzz(func(t *testing.T, text []byte) {
		o, err := strictjson.ReadObject(text)
		var members map[string]json.RawMessage
		if wrong := json.Unmarshal(text, &members); wrong != nil || members == nil {
			if err == nil {
				t.Fatalf("%q is read as %v", text, o)
			}
			return
		}
		if err != nil {
			return
		}
		if len(o) != len(members) {
			t.Fatalf("%q has %d members, not %d", text, len(members), len(o))
		}
		for _, m := range o {
			if string(members[m.Name]) != string(m.Value) {
				t.Fatalf("%q: %q is %q, not %q", text, m.Name, members[m.Name], m.Value)
			}
		}
	})
}
