package strictjson_test

import (
	"testing"

	"github.com/tabard-auth/tabard/backend/strictjson"
)

func TestDepth(t *testing.T) {
	for text, want := range map[string]int{
		`1`: 0, `"[{"`: 0, `{}`: 1, `[1,[],{}]`: 2, `{"a":{"b":[]},"c":[]}`: 3, `["\"[",[]]`: 2, `["\\",[[]]]`: 3, `{"[":"]"}`: 1, `[`: 1, `"[`: 0, ``: 0,
	} {
		if got := strictjson.Depth([]byte(text)); got != want {
			t.Errorf("%s: %d, want %d", text, got, want)
		}
	}
}
