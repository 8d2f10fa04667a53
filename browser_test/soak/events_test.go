//go:build long

package main

import (
	"encoding/json"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"time"
)

// events records the events of each tab, as its page and its driver report them, and
// the faults among them.
type events struct {
	calls atomic.Int64 // calls of the API with a valid token

	mu       sync.Mutex
	began    time.Time
	logs     map[string][]string
	guarded  bool // the person is signed in, so a signed-out tab is a fault
	faults   []string
	consoles []string // console output of the client
	kinds    map[string]int
}

// kept is the number of events that are kept for a tab.
const kept = 300

func newEvents() *events {
	return &events{began: time.Now(), logs: map[string][]string{}, kinds: map[string]int{}}
}

// receive accepts a report from a page.
func (e *events) receive(w http.ResponseWriter, r *http.Request) {
	var told struct{ Tab, Kind, Detail string }
	if err := json.NewDecoder(r.Body).Decode(&told); err != nil {
		http.Error(w, err.Error(), http.StatusBadRequest)
		return
	}
	w.WriteHeader(http.StatusNoContent)
	e.note(told.Tab, told.Kind+" "+told.Detail)
	e.mu.Lock()
	guarded := e.guarded
	e.kinds[told.Kind]++
	e.mu.Unlock()
	switch told.Kind {
	case "fault":
		e.fault(told.Tab, told.Detail)
	case "signed_out", "ended", "choose":
		if guarded {
			e.fault(told.Tab, "the tab is "+told.Kind+" "+told.Detail)
		}
	case "console":
		e.mu.Lock()
		defer e.mu.Unlock()
		e.consoles = append(e.consoles, told.Tab+": "+told.Detail)
	}
}

func (e *events) note(tab, what string) {
	e.mu.Lock()
	defer e.mu.Unlock()
	log := append(e.logs[tab], fmt.Sprintf("%9.3f %s", time.Since(e.began).Seconds(), what))
	e.logs[tab] = log[max(0, len(log)-kept):]
}

// fault records a fault.
func (e *events) fault(tab, what string) {
	e.note(tab, "WRONG "+what)
	e.mu.Lock()
	defer e.mu.Unlock()
	e.faults = append(e.faults, tab+": "+what)
}

// guard sets whether a signed-out tab is a fault.
func (e *events) guard(on bool) {
	e.mu.Lock()
	defer e.mu.Unlock()
	e.guarded = on
}

// count counts the events of a kind, of all tabs.
func (e *events) count(kind string) int {
	e.mu.Lock()
	defer e.mu.Unlock()
	return e.kinds[kind]
}

// consoleOutput returns the client's console output.
func (e *events) consoleOutput() []string {
	e.mu.Lock()
	defer e.mu.Unlock()
	return slices.Clone(e.consoles)
}

// verdict returns the faults and the logs of the tabs concerned; "" if there is no
// fault.
func (e *events) verdict() string {
	e.mu.Lock()
	defer e.mu.Unlock()
	if len(e.faults) == 0 {
		return ""
	}
	var text strings.Builder
	shown := map[string]bool{}
	for _, fault := range e.faults {
		fmt.Fprintf(&text, "%s\n", fault)
	}
	for _, fault := range e.faults {
		tab, _, _ := strings.Cut(fault, ":")
		if !shown[tab] {
			fmt.Fprintf(&text, "tab %s:\n\t%s\n", tab, strings.Join(e.logs[tab], "\n\t"))
		}
		shown[tab] = true
	}
	return text.String()
}
