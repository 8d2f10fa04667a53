//go:build js && wasm

// Command acts depends on the runtime's tables, and prints its observations. An
// argument "panic" makes it die of a panic, "trap" of a trap.
package main

import (
	"errors"
	"os"
	"runtime"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"
	"unsafe"
)

func main() {
	if slices.Contains(os.Args, "panic") {
		panic("the message of a panic")
	}
	if slices.Contains(os.Args, "trap") {
		trap(0xF000_0000)
	}
	for _, act := range []struct {
		name string
		do   func() string
	}{
		{"recovered", recovered}, {"deferred", deferred}, {"stack", stack}, {"collected", collected},
		{"cleaned", cleaned}, {"goroutines", goroutines}, {"timers", timers}, {"maps", maps}, {"exit", exit},
	} {
		os.Stdout.WriteString(act.name + ": " + act.do() + "\n")
	}
}

// trap reads beyond the memory, which WebAssembly answers and Go does not see.
//
//go:noinline
func trap(at uintptr) byte { return *(*byte)(unsafe.Pointer(at)) }

type value struct{ n int }

func (v value) Number() int { return v.n }

type numbered interface{ Number() int }

func textOf(r any) string {
	switch r := r.(type) {
	case error:
		return r.Error()
	case string:
		return r
	}
	return "no panic"
}

func caught(f func()) (text string) {
	defer func() { text = textOf(recover()) }()
	f()
	return ""
}

//go:noinline
func number(n numbered) int { return n.Number() }

func recovered() string {
	var none *value
	var numbers []int
	var table map[string]int
	return strings.Join([]string{
		caught(func() { number(none) }),
		caught(func() { _ = none.n }),
		caught(func() { _ = numbers[len(os.Args)] }),
		caught(func() { table["a"] = 1 }),
		caught(func() { panic(errors.New("an error")) }),
		caught(func() { var n numbered; _ = n.(value) }),
		caught(func() { _ = 1 / len(numbers) }),
	}, "; ")
}

func deferred() string {
	var order []string
	func() {
		for i := range 3 {
			defer func() { order = append(order, strconv.Itoa(i)) }()
		}
		defer func() { order = append(order, textOf(recover())) }()
		defer func() { panic("second") }()
		panic("first")
	}()
	return strings.Join(order, " ")
}

//go:noinline
func depth(n int, pad [16]int) int {
	if n == 0 {
		return pad[3]
	}
	pad[n%16]++
	return depth(n-1, pad) + pad[n%16]
}

func stack() string { return strconv.Itoa(depth(20_000, [16]int{})) }

type node struct {
	left, right *node
	text        string
}

func tree(n int) *node {
	if n == 0 {
		return nil
	}
	return &node{tree(n - 1), tree(n - 1), strings.Repeat("x", n)}
}

func (n *node) size() int {
	if n == nil {
		return 0
	}
	return n.left.size() + n.right.size() + len(n.text)
}

func collected() string {
	kept := tree(14)
	for range 20 {
		tree(12)
		runtime.GC()
	}
	return strconv.Itoa(kept.size())
}

func cleaned() string {
	done := make(chan int, 2)
	func() {
		one, two := &node{text: "one"}, &node{text: "two"}
		runtime.AddCleanup(one, func(n int) { done <- n }, 1)
		runtime.SetFinalizer(two, func(*node) { done <- 2 })
	}()
	sum := 0
	for range 2 {
		runtime.GC()
		sum += <-done
	}
	return strconv.Itoa(sum)
}

func goroutines() string {
	var wait sync.WaitGroup
	numbers := make(chan int)
	for i := range 100 {
		wait.Go(func() { numbers <- depth(50+i, [16]int{}) })
	}
	go func() { wait.Wait(); close(numbers) }()
	sum := 0
	for n := range numbers {
		sum += n
	}
	// The runtime's own goroutines are not counted.
	return strconv.Itoa(sum) + " " + strconv.Itoa(runtime.NumGoroutine())
}

func timers() string {
	var order []string
	late, early := time.After(40*time.Millisecond), time.After(5*time.Millisecond)
	stopped := time.AfterFunc(20*time.Millisecond, func() { order = append(order, "stopped") })
	stopped.Stop()
	if first, second := <-early, <-late; first.Before(second) {
		order = append(order, "in order")
	}
	return strings.Join(order, " ")
}

func maps() string {
	all := map[string]*node{}
	for i := range 5_000 {
		all[strconv.Itoa(i)] = &node{text: strconv.Itoa(i)}
		if i%3 == 0 {
			delete(all, strconv.Itoa(i/2))
		}
	}
	runtime.GC()
	return strconv.Itoa(len(all)) + " " + all["4999"].text
}

func exit() string {
	done := make(chan string)
	go func() {
		defer func() { done <- "deferred calls ran" }()
		runtime.Goexit()
	}()
	return <-done
}
