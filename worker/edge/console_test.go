package edge

import (
	"bytes"
	"log/slog"
	"testing"
)

func TestConsole_KeepsTheLevel(t *testing.T) {
	for level, want := range map[slog.Level]string{slog.LevelDebug: "debug", slog.LevelInfo: "log", slog.LevelWarn: "warn", slog.LevelError: "error"} {
		var line bytes.Buffer
		log := slog.New(slog.NewJSONHandler(&line, &slog.HandlerOptions{Level: slog.LevelDebug}))
		log.Log(t.Context(), level, `no "level":"ERROR" of a message counts, wherever in a line of any length it stands`)
		if got := consoleMethod(line.Bytes()); got != want {
			t.Errorf("%s: %s, want %s", line.Bytes(), got, want)
		}
	}
}
