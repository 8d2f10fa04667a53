// Package program builds and runs the programs of the project for tests: the ones
// that make builds, as processes of their own.
package program

import (
	"bufio"
	"bytes"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/tabard-auth/tabard/backend/store/storetest/serverlog"
)

var (
	once     sync.Once
	folder   string
	buildErr error
)

// Path returns the path of a program. It builds the program where make does, once for
// each test binary. The programs are tabard, tabard-worker and web-demo.
func Path(t testing.TB, name string) string {
	t.Helper()
	once.Do(build)
	if buildErr != nil {
		t.Fatal(buildErr)
	}
	return filepath.Join(folder, name)
}

func build() {
	root, err := exec.Command("go", "list", "-m", "-f", "{{.Dir}}").Output()
	if err != nil {
		buildErr = err
		return
	}
	folder = filepath.Join(strings.TrimSpace(string(root)), "bin")
	for name, flags := range map[string][]string{
		"tabard": {"-trimpath", "./backend"}, "web-demo": {"-trimpath", "./web-demo"},
		"tabard-worker": {"./worker/local"}, // which finds its JavaScript by its own path
	} {
		command := exec.Command("go", append([]string{"build", "-o", filepath.Join(folder, name)}, flags...)...)
		command.Dir = filepath.Dir(folder)
		command.Env = append(os.Environ(), "CGO_ENABLED=0")
		if out, err := command.CombinedOutput(); err != nil {
			buildErr = fmt.Errorf("%w\n%s", err, out)
			return
		}
	}
}

// Process is a running program.
type Process struct {
	command *exec.Cmd
	output  *output
	// Ended is closed when the program has ended.
	Ended <-chan struct{}
}

// Start runs a program until the test ends, and prints its output if the test fails.
func Start(t testing.TB, name string, environment []string, args ...string) *Process {
	t.Helper()
	command := exec.Command(Path(t, name), args...)
	command.Env = append(os.Environ(), environment...)
	return Run(t, name, command)
}

// Run is [Start] for a command that runs the program, or something around it.
func Run(t testing.TB, name string, command *exec.Cmd) *Process {
	t.Helper()
	ended := make(chan struct{})
	p := &Process{command: command, output: &output{}, Ended: ended}
	command.Stdout, command.Stderr = p.output, p.output
	if err := command.Start(); err != nil {
		t.Fatal(err)
	}
	go func() {
		command.Wait()
		close(ended)
	}()
	t.Cleanup(func() {
		command.Process.Signal(syscall.SIGTERM)
		<-ended
		serverlog.Report(t, name, p.output.String())
	})
	return p
}

// Converse runs a command until the test ends, and returns its input and the lines of its
// output.
func Converse(t testing.TB, command *exec.Cmd) (io.Writer, *bufio.Scanner) {
	t.Helper()
	command.Stderr = t.Output()
	in, err := command.StdinPipe()
	if err != nil {
		t.Fatal(err)
	}
	out, err := command.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := command.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		in.Close()
		command.Process.Signal(os.Interrupt)
		command.Wait()
	})
	return in, bufio.NewScanner(out)
}

// PID returns the id of the program's process.
func (p *Process) PID() int { return p.command.Process.Pid }

// Await waits until the program has printed a text.
func (p *Process) Await(t testing.TB, text string) {
	t.Helper()
	tick := time.NewTicker(20 * time.Millisecond)
	defer tick.Stop()
	for !strings.Contains(p.output.String(), text) {
		select {
		case <-tick.C:
		case <-p.Ended:
			t.Fatalf("it ended, and did not say %q", text)
		case <-t.Context().Done():
			t.Fatalf("it did not say %q", text)
		}
	}
}

// Count returns how often the program has printed a text.
func (p *Process) Count(text string) int { return strings.Count(p.output.String(), text) }

// Kill ends the program at once, as a crash does.
func (p *Process) Kill() {
	p.command.Process.Kill()
	<-p.Ended
}

// Stop ends the program with SIGTERM, as a service manager does.
func (p *Process) Stop() {
	p.command.Process.Signal(syscall.SIGTERM)
	<-p.Ended
}

// output keeps a program's output, which the test may read at the same time.
type output struct {
	mu   sync.Mutex
	text bytes.Buffer
}

func (o *output) Write(p []byte) (int, error) {
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.text.Write(p)
}

func (o *output) String() string {
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.text.String()
}

// Stderr returns the standard error of a program that failed.
func Stderr(err error) string {
	if exit := new(exec.ExitError); errors.As(err, &exit) {
		return string(exit.Stderr)
	}
	return ""
}

// Write writes a file for a program to read.
func Write(t testing.TB, path, content string) {
	t.Helper()
	if err := os.WriteFile(path, []byte(content), 0o644); err != nil {
		t.Fatal(err)
	}
}
