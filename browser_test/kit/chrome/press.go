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
// waits for that too. If the element moves away meanwhile, it presses again; no other
// element notices. modifiers are the keys held meanwhile.
func PressPart(t testing.TB, tab context.Context, expression string, modifiers ...chromedp.Modifier) {
	t.Helper()
	pressWith(t, tab, expression, chromedp.ButtonModifiers(modifiers...))
}

// PressMiddle presses an element with the middle button.
func PressMiddle(t testing.TB, tab context.Context, expression string) {
	t.Helper()
	pressWith(t, tab, expression, chromedp.ButtonMiddle)
}

func pressWith(t testing.TB, tab context.Context, expression string, option chromedp.MouseOption) {
	t.Helper()
	for missed := true; missed; {
		Await(t, tab, fmt.Sprintf(canBePressed, expression))
		at := Eval[[]float64](t, tab, `press.at`)
		if err := chromedp.Do(tab, chromedp.MouseClickXY(at[0], at[1], option)); err != nil {
			t.Fatalf("pressing %s: %v", expression, err)
		}
		missed, _ = evaluateOnce(tab, `globalThis.press?.missed`) // a page that was left has no press
	}
}

// canBePressed reports whether an element can be pressed at the same place as a moment
// ago. Then the page keeps the next press from all other elements.
const canBePressed = `(() => {
	const part = %s;
	if (!part?.checkVisibility({ visibilityProperty: true }) || part.disabled) return false;
	part.scrollIntoView({ block: "nearest", inline: "nearest", behavior: "instant" });
	const { left, top, width, height } = part.getBoundingClientRect();
	const at = [left + width / 2, top + height / 2], before = globalThis.press;
	before?.end?.();
	globalThis.press = { at };
	if (String(before?.at) !== String(at) || before.end || !performance.getEntriesByType("paint").length) return false;
	if (!part.contains(part.getRootNode().elementFromPoint(...at))) return false;
	const types = ["pointerdown", "mousedown", "pointerup", "mouseup", "click"];
	const guard = (event) => {
		const path = event.composedPath();
		if (!event.isTrusted) return;
		if (!path.includes(part) && !path.includes(part.getRootNode().host)) {
			press.missed = true;
			event.preventDefault();
			event.stopImmediatePropagation();
		}
		if (event.type === "click") press.end();
	};
	press.end = () => types.forEach((type) => removeEventListener(type, guard, true));
	types.forEach((type) => addEventListener(type, guard, true));
	return true;
})()`

// Key presses a key in a tab: a character, or one of package kb's.
func Key(t testing.TB, tab context.Context, key string, modifiers ...chromedp.Modifier) {
	t.Helper()
	if err := chromedp.Do(tab, chromedp.KeyEvent(key, chromedp.KeyModifiers(modifiers...))); err != nil {
		t.Fatalf("pressing %q: %v", key, err)
	}
}
