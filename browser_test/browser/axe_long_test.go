//go:build long

package browser

import (
	"slices"
	"testing"
)

// otherLooks are the ways in which a page is looked at, beside looks.
var otherLooks = []look{{"a dark desktop", "dark", 1280, 900}, {"a light phone", "light", 360, 740}}

// TestAxe_OtherLooks is the other tests of axe in the other looks.
func TestAxe_OtherLooks(t *testing.T) {
	t.Parallel()
	t.Run("the demo", func(t *testing.T) { axeDemo(t, otherLooks) })
	t.Run("people", func(t *testing.T) { axePeople(t, otherLooks) })
	for name, b := range map[string]binding{"React": react, "Vue": vue, "Svelte": svelte} {
		t.Run(name, func(t *testing.T) { b.axe(t, append(slices.Clone(otherLooks), looks...)) })
	}
	t.Run("pages of the backend", func(t *testing.T) { axePagesOfTheBackend(t, otherLooks) })
}

// TestP11EveryPageIsReadableInOtherLooks is TestP11EveryPageIsReadable in the other looks.
func TestP11EveryPageIsReadableInOtherLooks(t *testing.T) {
	t.Parallel()
	everyPageIsReadable(t, otherLooks)
}
