package edge

import "bytes"

// maxPrefix is the length of a line's beginning in which its level stands: slog writes it after
// the time.
const maxPrefix = 80

// consoleMethod returns the method of the console for a line of slog's JSON handler. By it the
// platform tells errors and warnings from the rest.
func consoleMethod(line []byte) string {
	prefix := line[:min(len(line), maxPrefix)]
	switch {
	case bytes.Contains(prefix, []byte(`"level":"ERROR"`)):
		return "error"
	case bytes.Contains(prefix, []byte(`"level":"WARN"`)):
		return "warn"
	case bytes.Contains(prefix, []byte(`"level":"DEBUG"`)):
		return "debug"
	}
	return "log"
}
