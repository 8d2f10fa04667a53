package thin

import (
	"os"
	"path"
	"testing"
	"testing/fstest"
)

// TestTheCoreStaysThin, and its ceiling follows it down.
func TestTheCoreStaysThin(t *testing.T) {
	lines, err := Lines(os.DirFS("../../.."))
	switch {
	case err != nil:
		t.Fatal(err)
	case lines > Ceiling:
		t.Errorf("the core has %d lines of code, %d more than %d: say why where Ceiling is raised", lines, lines-Ceiling, Ceiling)
	case lines < Ceiling*98/100:
		t.Errorf("the core has %d lines of code, %d less than %d: lower Ceiling", lines, Ceiling-lines, Ceiling)
	}
}

func TestCommentsAndBlankLinesAreNoCode(t *testing.T) {
	const text = `// Package a is counted.
package a

/* none of
these */
var b = ` + "`one\n\nthree`" + ` // and this

func c() {
	d( /* once */ 1,
		2)
}
`
	if got := codeLines([]byte(text)); got != 8 {
		t.Errorf("%d", got)
	}
}

func TestWhatIsNotThereIsNotCounted(t *testing.T) {
	house := fstest.MapFS{}
	for _, name := range Core {
		if _, err := Lines(house); err == nil {
			t.Errorf("without %s nothing is said", name)
		}
		if path.Ext(name) != ".go" {
			name += "/a.go"
		}
		house[name] = &fstest.MapFile{Data: []byte("package a\n")}
	}
	if lines, err := Lines(house); lines != len(Core) || err != nil {
		t.Errorf("%d: %v", lines, err)
	}
}
