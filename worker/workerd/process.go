package workerd

import (
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"
)

// Process is a running workerd, as Linux sees it.
type Process struct{ pid int }

// ticks are the clock ticks of a second in which the kernel counts CPU time.
const ticks = 100

// CPU is the time that the process has computed for.
func (p *Process) CPU(t testing.TB) time.Duration {
	t.Helper()
	f := p.stat(t)
	return time.Duration(number(t, f[11])+number(t, f[12])) * time.Second / ticks
}

// Memory is the resident memory of the process, in megabytes.
func (p *Process) Memory(t testing.TB) float64 {
	t.Helper()
	return float64(number(t, p.stat(t)[21])) * float64(os.Getpagesize()) / 1e6
}

// stat returns the fields of /proc/PID/stat that follow the command.
func (p *Process) stat(t testing.TB) []string {
	t.Helper()
	f, err := stat(p.pid)
	if err != nil {
		t.Fatal(err)
	}
	return f
}

func stat(pid int) ([]string, error) {
	text, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", pid))
	if err != nil {
		return nil, err
	}
	return strings.Fields(string(text[strings.LastIndexByte(string(text), ')')+1:])), nil
}

func number(t testing.TB, text string) int64 {
	t.Helper()
	n, err := strconv.ParseInt(text, 10, 64)
	if err != nil {
		t.Fatal(err)
	}
	return n
}

// findProcess returns the workerd that Node started; nil if the system is not Linux.
func findProcess(node int) *Process {
	folders, _ := filepath.Glob("/proc/[0-9]*")
	for _, folder := range folders {
		pid, _ := strconv.Atoi(filepath.Base(folder))
		f, err := stat(pid)
		if err != nil || f[1] != strconv.Itoa(node) {
			continue
		}
		if name, _ := os.ReadFile(folder + "/comm"); strings.TrimSpace(string(name)) == "workerd" {
			return &Process{pid}
		}
	}
	return nil
}
