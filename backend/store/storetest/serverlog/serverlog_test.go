package serverlog

import (
	"strings"
	"testing"
)

func TestLast(t *testing.T) {
	t.Parallel()
	long := strings.Repeat("ä", shownBytes)
	got := strings.Split(last(strings.Repeat("before\n", 40)+long+"\nthe end\n"), "\n")
	if len(got) != shownLines || got[shownLines-1] != "the end" {
		t.Errorf("%d lines, the last is %q", len(got), got[len(got)-1])
	}
	if cut := got[shownLines-2]; cut != strings.Repeat("ä", shownBytes/2)+"…" {
		t.Errorf("a long line is %q", cut)
	}
	if got := last("one\n"); got != "one" {
		t.Errorf("%q", got)
	}
}
