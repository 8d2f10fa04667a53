package cli

import (
	"fmt"
	"strings"
	"testing"
	"testing/synctest"
	"time"
)

// calls are the texts that were written, call by call.
type calls []string

func (c *calls) Write(text []byte) (int, error) {
	*c = append(*c, string(text))
	return len(text), nil
}

func TestLinesThatComeTogetherAreWrittenTogether(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var written calls
		g := &logBuffer{to: &written}
		for range 2 {
			for i := range 100 {
				fmt.Fprintln(g, i)
			}
			time.Sleep(bufferDelay)
			synctest.Wait()
		}
		if len(written) != 2 || written[0] != written[1] || strings.Count(written[0], "\n") != 100 {
			t.Errorf("%d calls wrote %q", len(written), written)
		}
	})
}

func TestWhatWasGatheredIsWrittenAtTheEnd(t *testing.T) {
	var written calls
	g := &logBuffer{to: &written}
	fmt.Fprint(g, "the last line")
	g.flush()
	if strings.Join(written, "") != "the last line" {
		t.Errorf("written: %q", written)
	}
}
