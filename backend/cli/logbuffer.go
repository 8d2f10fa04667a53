package cli

import (
	"io"
	"sync"
	"time"
)

// bufferDelay is the longest that a line of the log is held back.
const bufferDelay = 20 * time.Millisecond

// logBuffer writes lines that come close together in one system call; a call for each
// line costs a mint a twentieth. A process that is killed loses the lines of the last
// moment. The audit log does not depend on it.
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

// flush writes the buffered lines. Concurrent writers wait, so a slow reader slows them
// as without a buffer.
func (g *logBuffer) flush() {
	g.mu.Lock()
	defer g.mu.Unlock()
	if len(g.lines) > 0 {
		g.to.Write(g.lines)
		g.lines = g.lines[:0]
	}
}
