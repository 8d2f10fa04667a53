package release

import (
	"crypto/sha256"
	_ "embed"
	"encoding/hex"
	"encoding/json"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"sync/atomic"
	"testing"
	"time"
)

// commits are those that the releases were made of. "" is this one.
var commits = map[string]string{"0.1": "1612c22", This: ""}

// This names the release that is worked on.
const This = "this"

// Program builds the server of a release from its commit, with its client, and returns
// the program's path. A past release is built once, and kept where make puts programs.
//
// One line differs from what was released: the handler's clock is ahead by the seconds in
// the file that [Clock] makes, if there is one.
func Program(t testing.TB, release string) string {
	t.Helper()
	commit, known := commits[release]
	if !known {
		t.Fatalf("release %q is unknown", release)
	}
	root := strings.TrimSpace(run(t, ".", "go", "list", "-m", "-f", "{{.Dir}}"))
	if commit == "" {
		program := filepath.Join(t.TempDir(), "tabard")
		build(t, root, program)
		return program
	}
	made := sha256.Sum256([]byte(commit + clock))
	program := filepath.Join(root, "bin", "tabard-"+release+"-"+hex.EncodeToString(made[:4]))
	if _, err := os.Stat(program); err == nil {
		return program
	}
	tree := t.TempDir()
	archive := filepath.Join(t.TempDir(), "release.tar")
	run(t, root, "git", "archive", "--output="+archive, commit) // of a whole clone, not a shallow one
	run(t, tree, "tar", "-xf", archive)
	run(t, tree, "go", "run", "./js/build")
	build(t, tree, program)
	return program
}

//go:embed clock.go.txt
var clock string

// build builds the server of a tree with a clock of tests.
func build(t testing.TB, tree, program string) {
	t.Helper()
	folder := t.TempDir()
	host := filepath.Join(tree, "backend/host/host.go")
	text, err := os.ReadFile(host)
	if err != nil {
		t.Fatal(err)
	}
	const its, ours = "\t\tc.Now = time.Now\n", "\t\tc.Now = clockOfTests\n"
	if strings.Count(string(text), its) != 1 {
		t.Fatalf("%s does not set its clock by %q", host, its)
	}
	replaced := map[string]string{}
	for name, content := range map[string]string{"host.go": strings.Replace(string(text), its, ours, 1), "clock.go": clock} {
		file := filepath.Join(folder, name)
		if err := os.WriteFile(file, []byte(content), 0o600); err != nil {
			t.Fatal(err)
		}
		replaced[filepath.Join(tree, "backend/host", name)] = file
	}
	overlay, err := json.Marshal(map[string]any{"Replace": replaced})
	if err != nil {
		t.Fatal(err)
	}
	file := filepath.Join(folder, "overlay.json")
	if err := os.WriteFile(file, overlay, 0o600); err != nil {
		t.Fatal(err)
	}
	made := filepath.Join(folder, "tabard")
	run(t, tree, "go", "build", "-trimpath", "-pgo=off", "-overlay", file, "-o", made, "./backend")
	run(t, tree, "mv", made, program+".new") // another test may build the same
	run(t, tree, "mv", program+".new", program)
}

// run runs a command in a folder and returns its output.
func run(t testing.TB, folder, name string, args ...string) string {
	t.Helper()
	command := exec.Command(name, args...)
	command.Dir, command.Env = folder, append(os.Environ(), "CGO_ENABLED=0")
	out, err := command.CombinedOutput()
	if err != nil {
		t.Fatalf("%s %v: %v\n%s", name, args, err, out)
	}
	return string(out)
}

// Clock is how far the clock of servers is ahead.
type Clock struct {
	file  string
	ahead atomic.Int64
}

// NewClock returns a clock that shows the machine's time.
func NewClock(t testing.TB) *Clock {
	t.Helper()
	c := &Clock{file: filepath.Join(t.TempDir(), "clock")}
	c.Pass(t, 0)
	return c
}

// Environment makes a server show this clock's time.
func (c *Clock) Environment() []string { return []string{"CLOCK_OF_TESTS=" + c.file} }

// Pass sets the clock ahead by some more time.
func (c *Clock) Pass(t testing.TB, d time.Duration) {
	t.Helper()
	ahead := time.Duration(c.ahead.Add(int64(d)))
	next := c.file + ".new"
	if err := os.WriteFile(next, []byte(strconv.Itoa(int(ahead/time.Second))), 0o600); err != nil {
		t.Fatal(err)
	}
	if err := os.Rename(next, c.file); err != nil {
		t.Fatal(err)
	}
}

// Now returns the clock's time.
func (c *Clock) Now() time.Time { return time.Now().Add(time.Duration(c.ahead.Load())) }
