package d1

import (
	"encoding/json"
	"errors"
	"math"
	"reflect"
	"testing"
)

func TestEncode_RefusesWhatD1WouldRound(t *testing.T) {
	for _, value := range []any{int64(1 << 53), int64(-1 << 53), int64(math.MaxInt64)} {
		if _, err := encode([]statement{{text: "SELECT ?1", args: []any{value}}}); !errors.Is(err, ErrInexact) {
			t.Errorf("%v: %v", value, err)
		}
	}
	for _, value := range []any{math.NaN(), math.Inf(1), struct{}{}} {
		if _, err := encode([]statement{{args: []any{value}}}); err == nil {
			t.Errorf("%v was encoded", value)
		}
	}
}

func TestEncode(t *testing.T) {
	text, err := encode([]statement{
		{"SELECT ?1 < ?2", []any{int64(maxInteger), 1.5, nil, true, "a\"<\n\u2028é"}, true},
		{"DELETE", []any{[]byte{0, 255}}, false},
	})
	if err != nil {
		t.Fatal(err)
	}
	var got any
	if err := json.Unmarshal([]byte(text), &got); err != nil {
		t.Fatal(err)
	}
	want := []any{
		[]any{"SELECT ?1 < ?2", []any{float64(maxInteger), 1.5, nil, true, "a\"<\n\u2028é"}, true},
		[]any{"DELETE", []any{map[string]any{"base64": "AP8="}}, false},
	}
	if !reflect.DeepEqual(got, want) {
		t.Errorf("%#v", got)
	}
}

func TestDecode(t *testing.T) {
	all, err := decode(`[[["a","b","c","d","e","f"],[[1,-2.5,null,"plain","\"\\é\n",[0,255]]],0],[[],[],3]]`)
	if err != nil {
		t.Fatal(err)
	}
	want := []any{int64(1), -2.5, nil, "plain", "\"\\é\n", []byte{0, 255}}
	for i, raw := range all[0].rows[0] {
		if got, err := decodeValue(raw); err != nil || !reflect.DeepEqual(got, want[i]) {
			t.Errorf("%s: %#v %v", raw, got, err)
		}
	}
	if all[1].changes != 3 || len(all[1].rows) != 0 {
		t.Errorf("%+v", all[1])
	}
}

func TestDecode_RefusesWhatD1MayHaveRounded(t *testing.T) {
	for text, exact := range map[string]bool{"9007199254740991": true, "-9007199254740991": true, "9007199254740992": false, "-9223372036854775808": false, "99999999999999999999": false} {
		_, err := decodeValue(text)
		if exact != (err == nil) || !exact && !errors.Is(err, ErrInexact) {
			t.Errorf("%s: %v", text, err)
		}
	}
	for _, text := range []string{
		"", "{}", "[", "[[1]]", `[[["a"],[[1]]]]`, `[[["a"],[[1]],0]`, `[[["a"],[[1]],0]]x`, `[[["a"],[[1,2]],0]]`, `[[["a],[[1]],0]]`,
		`[[["a"],[["b]],0]]`, `[[["a"],[[]],0]]`, `[[[1],[],0]]`, `[[[],[],null]]`,
	} {
		if all, err := decode(text); err == nil {
			t.Errorf("%s: %+v", text, all)
		}
	}
}
