package main

import "testing"

func TestRelease_UnknownPlatformIsRefused(t *testing.T) {
	t.Chdir("../../..")
	if err := build(t.Context(), t.TempDir(), "plan9/mips"); err == nil {
		t.Error("it was built")
	}
}
