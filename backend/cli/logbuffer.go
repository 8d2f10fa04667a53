package cli

import (
	"io"
	"sync"
	"time"
)

// bufferDelay is the longest that a line of the log waits for others.
const bufferDelay = 20 * time.Millisecond

// gathered writes what comes within a moment at once, for a system call for each line
// costs a mint a twentieth. A process that is killed loses a moment's lines: what must
// not be lost is in the audit trail.
type logBuffer struct {
	to io.Writer

	mu    sync.Mutex
	lines []byte
}

func (g *logBuffer) Write(line []byte) (int, error) {
	g.mu.Lock()
	defer g.mu.Unlock()
	if len(g.lines) == 0 {
		time.AfterFunc(bufferDelay, g.flush)
	}
	g.lines = append(g.lines, line...)
	return len(line), nil
}

// flush writes what was gathered. Whoever writes meanwhile waits: a reader that is slow
// slows them, as it would without gathering.
func (g *logBuffer) flush() {
	g.mu.Lock()
	defer g.mu.Unlock()
	if len(g.lines) > 0 {
		g.to.Write(g.lines)
		g.lines = g.lines[:0]
	}
}
