package main

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/tabard-auth/tabard/worker/workerd"
)

func TestFill(t *testing.T) {
	text, err := os.ReadFile(workerd.Folder() + "/D1.md")
	if err != nil {
		t.Fatal(err)
	}
	page := filepath.Join(t.TempDir(), "D1.md")
	if err := os.WriteFile(page, text, 0o644); err != nil {
		t.Fatal(err)
	}
	lines := []string{
		"goos: linux",
		"BenchmarkLoad/distance=100/callers=50/provider=hangs-2 \t 1000\t  35404468 ns/op\t 86.38 memory-MB\t 28.25 mints/s\t 1705 p50-ms\t 2282 p99-ms\t 0 refused",
		"BenchmarkDistance/distance=30-2 \t 30\t 1 ns/op\t 404.4 entering-p50-ms\t 180.0 session-p50-ms\t 7.267 sign-in-p50-ms\t 275.8 sign-out-p50-ms",
	}
	for range 2 { // filled again, it is the same
		if err := fill(page, lines); err != nil {
			t.Fatal(err)
		}
		got, err := os.ReadFile(page)
		if err != nil {
			t.Fatal(err)
		}
		for _, want := range []string{"| 100 | 50 | hangs | 28 | 1705 | 2282 | 0 | 86 |\n", "| 30 | 7.3 | 404 | 180 | 276 |\n"} {
			if strings.Count(string(got), want) != 1 {
				t.Errorf("%q is not in\n%s", want, got)
			}
		}
	}
}
