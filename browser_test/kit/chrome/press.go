package chrome

import (
	"context"
	"fmt"
	"testing"

	"github.com/chromedp/chromedp"
)

// PressPart presses the element that an expression returns, such as a part of an
// element's shadow tree, once it is visible and no longer moves. modifiers are the keys
// held meanwhile.
func PressPart(t testing.TB, tab context.Context, expression string, modifiers ...chromedp.Modifier) {
	t.Helper()
	Await(t, tab, fmt.Sprintf(`(() => {
		const part = %s;
		if (!part?.checkVisibility({ visibilityProperty: true })) return false;
		const { left, top, width, height } = part.getBoundingClientRect();
		const [x, y] = [left + width / 2, top + height / 2];
		const still = globalThis.pressed?.[0] === x && pressed[1] === y;
		globalThis.pressed = [x, y];
		return still && part.contains(part.getRootNode().elementFromPoint(x, y));
	})()`, expression))
	at := Eval[[]float64](t, tab, `pressed`)
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
