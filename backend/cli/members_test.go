package cli

import "testing"

func TestWhatAProviderNamesCannotSteerTheTerminal(t *testing.T) {
	for text, want := range map[string]string{
		"Dana Scully":      "Dana Scully",
		"José 高橋":          "José 高橋",
		"":                 "-",
		"a\x1b[2Jb":        `"a\x1b[2Jb"`,
		"a\nb\tc":          `"a\nb\tc"`,
		"safe\u202egnp.js": `"safe\u202egnp.js"`,
	} {
		if got := printable(text); got != want {
			t.Errorf("%q is shown as %s, not %s", text, got, want)
		}
	}
}
