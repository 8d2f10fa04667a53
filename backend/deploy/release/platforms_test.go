//go:build long

package main

import (
	"debug/buildinfo"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

// TestRelease_EveryPlatform builds for all of them. Of those that cannot be started here
// the binary is read.
func TestRelease_EveryPlatform(t *testing.T) {
	out := release(t, "")
	version, err := version()
	if err != nil {
		t.Fatal(err)
	}
	for _, platform := range targets {
		info, err := buildinfo.ReadFile(filepath.Join(out, fileName(version, platform)))
		if err != nil {
			t.Errorf("%s: %v", platform, err)
			continue
		}
		settings := map[string]string{}
		for _, s := range info.Settings {
			settings[s.Key] = s.Value
		}
		if settings["GOOS"] != platform.os || settings["GOARCH"] != platform.arch || settings["CGO_ENABLED"] != "0" || settings["-trimpath"] != "true" {
			t.Errorf("%s was built by %v", platform, settings)
		}
	}
	said, err := exec.Command("qemu-aarch64", filepath.Join(out, fileName(version, target{"linux", "arm64"})), "version").CombinedOutput()
	if err != nil || !strings.HasPrefix(string(said), "tabard "+version+" ") {
		t.Errorf("under qemu: %q, %v", said, err)
	}
}
