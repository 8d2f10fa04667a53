package chrome

import (
	"context"
	"fmt"
	"testing"

	"github.com/chromedp/chromedp"
)

// Press presses the first element that a selector matches, as PressPart does.
func Press(t testing.TB, tab context.Context, selector string) {
	t.Helper()
	PressPart(t, tab, fmt.Sprintf("document.querySelector(%q)", selector))
}

// PressPart presses the element that an expression returns, such as a part of an
// element's shadow tree, once it is visible and enabled, no longer moves, and no other
// element covers it. Chromium drops what is pressed before a page's first paint, so it
// waits for that too. modifiers are the keys held meanwhile.
func PressPart(t testing.TB, tab context.Context, expression string, modifiers ...chromedp.Modifier) {
	t.Helper()
	Await(t, tab, fmt.Sprintf(`(() => {
		const part = %s;
		if (!part?.checkVisibility({ visibilityProperty: true }) || part.disabled) return false;
		part.scrollIntoView({ block: "nearest", inline: "nearest", behavior: "instant" });
		const { left, top, width, height } = part.getBoundingClientRect();
		const [x, y] = [left + width / 2, top + height / 2];
		const still = globalThis.pressed?.[0] === x && pressed[1] === y;
		globalThis.pressed = [x, y];
		return still && part.contains(part.getRootNode().elementFromPoint(x, y)) && performance.getEntriesByType("paint").length > 0;
	})()`, expression))
	at := Eval[[]float64](t, tab, `[pressed, globalThis.pressed = undefined][0]`)
	if err := chromedp.Do(tab, chromedp.MouseClickXY(at[0], at[1], chromedp.ButtonModifiers(modifiers...))); err != nil {
		t.Fatalf("pressing %s: %v", expression, err)
	}
}

// Key presses a key in a tab: a character, or one of package kb's.
func Key(t testing.TB, tab context.Context, key string, modifiers ...chromedp.Modifier) {
	t.Helper()
	if err := chromedp.Do(tab, chromedp.KeyEvent(key, chromedp.KeyModifiers(modifiers...))); err != nil {
		t.Fatalf("pressing %q: %v", key, err)
	}
}
