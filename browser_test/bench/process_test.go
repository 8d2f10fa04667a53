package bench

import (
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"time"
)

// processes is a process and, if family is set, its children: a database starts and
// ends one for each connection. Linux only.
type processes struct {
	id     int // 0 for none
	family bool
}

// cpu returns the CPU time that they have used, user and system. Threads and children
// that have ended are not counted; under a load none ends.
func (p processes) cpu() (total time.Duration) {
	if p.id == 0 {
		return 0
	}
	all := []int{p.id}
	if p.family {
		all = append(all, p.children()...)
	}
	for _, id := range all {
		threads, _ := filepath.Glob(fmt.Sprintf("/proc/%d/task/*/schedstat", id))
		for _, thread := range threads {
			text, _ := os.ReadFile(thread)
			spent, _, _ := strings.Cut(string(text), " ") // in nanoseconds
			total += time.Duration(number(spent))
		}
	}
	return total
}

func (p processes) children() []int {
	all, _ := filepath.Glob("/proc/[0-9]*")
	var children []int
	for _, directory := range all {
		if child := (processes{id: number(filepath.Base(directory))}); child.status("PPid:") == p.id {
			children = append(children, child.id)
		}
	}
	return children
}

func number(text string) int {
	n, _ := strconv.Atoi(text) // the kernel writes numbers
	return n
}

// peak is the most memory that the process has had, in MB.
func (p processes) peak() int { return p.status("VmHWM:") >> 10 }

// resident returns the memory that they hold now in MB. Shared memory is counted once.
func (p processes) resident() int {
	total := 0
	for _, child := range append(p.children(), p.id) {
		total += processes{id: child}.read("smaps_rollup", "Pss:")
	}
	return total >> 10
}

func (p processes) status(name string) int { return p.read("status", name) }

// read reads a number, of kilobytes where it is one of memory (proc(5)).
func (p processes) read(file, name string) int {
	text, _ := os.ReadFile(fmt.Sprintf("/proc/%d/%s", p.id, file))
	for line := range strings.Lines(string(text)) {
		if fields := strings.Fields(line); len(fields) > 1 && fields[0] == name {
			return number(fields[1])
		}
	}
	return 0
}
