//go:build !js && long

package main_test

import (
	"fmt"
	"io"
	"net/http"
	"regexp"
	"strings"
	"testing"

	"github.com/tabard-auth/tabard/backend/directory"
	"github.com/tabard-auth/tabard/browser_test/kit/ports"
	"github.com/tabard-auth/tabard/worker/workerd"
)

// TestThePlatform runs the tests of platformtest inside workerd.
func TestThePlatform(t *testing.T) {
	workerd.Must(t, workerd.CompileTests("platformtest"))
	port := ports.Hold(t)
	workerd.Run(t, workerd.Options{
		Port: port, Entry: "platformtest/entry.mjs", State: workerd.Database(t, directory.Desired{}),
	})
	response, err := http.Get(fmt.Sprintf("http://localhost:%d/", port))
	if err != nil {
		t.Fatal(err)
	}
	defer response.Body.Close()
	printed, err := io.ReadAll(response.Body)
	if err != nil {
		t.Fatal(err)
	}
	passed := len(regexp.MustCompile(`(?m)^ *--- PASS`).FindAll(printed, -1))
	if response.Header.Get("Exit-Code") != "0" || passed < 26 || strings.Contains(string(printed), "--- SKIP") {
		t.Errorf("exit code %s, %d passed:\n%s", response.Header.Get("Exit-Code"), passed, printed)
	}
	t.Logf("%s", printed)
}
