package bench

import (
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"time"
)

// processes are a process and, where it is a family, its children: those of a
// database come and go with its connections. Linux only.
type processes struct {
	id     int // 0 for none
	family bool
}

// ticksPerSecond is what /proc counts CPU time in: USER_HZ, the same on every
// architecture that Go knows.
const ticksPerSecond = 100

// cpu is the CPU time that they have used, user and system, ended children's too.
func (p processes) cpu() time.Duration {
	if p.id == 0 {
		return 0
	}
	fields := stat(p.id)
	ticks := number(fields[utime]) + number(fields[stime])
	if p.family {
		ticks += number(fields[cutime]) + number(fields[cstime])
		for _, child := range p.children() {
			if fields := stat(child); fields != nil {
				ticks += number(fields[utime]) + number(fields[stime])
			}
		}
	}
	return time.Duration(ticks) * time.Second / ticksPerSecond
}

func (p processes) children() []int {
	all, _ := filepath.Glob("/proc/[0-9]*")
	var children []int
	for _, directory := range all {
		id := number(filepath.Base(directory))
		if fields := stat(id); fields != nil && number(fields[ppid]) == p.id {
			children = append(children, id)
		}
	}
	return children
}

// Fields of /proc/PID/stat after the name, which may hold spaces (proc(5)).
const (
	ppid   = 1
	utime  = 11
	stime  = 12
	cutime = 13
	cstime = 14
)

// stat returns nil of a process that has ended.
func stat(id int) []string {
	text, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", id))
	if err != nil {
		return nil
	}
	return strings.Fields(string(text[strings.LastIndexByte(string(text), ')')+1:]))
}

func number(text string) int {
	n, _ := strconv.Atoi(text) // the kernel writes numbers
	return n
}

// peak is the most memory that the process has had, in MB.
func (p processes) peak() int { return p.kilobytes("status", "VmHWM:") >> 10 }

// resident is the memory that they have now, what they share counted once, in MB.
func (p processes) resident() int {
	total := 0
	for _, child := range append(p.children(), p.id) {
		total += processes{id: child}.kilobytes("smaps_rollup", "Pss:")
	}
	return total >> 10
}

func (p processes) kilobytes(file, name string) int {
	text, _ := os.ReadFile(fmt.Sprintf("/proc/%d/%s", p.id, file))
	for line := range strings.Lines(string(text)) {
		if fields := strings.Fields(line); len(fields) > 1 && fields[0] == name {
			return number(fields[1])
		}
	}
	return 0
}
