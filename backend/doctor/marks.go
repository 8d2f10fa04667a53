package doctor

import (
	"fmt"
	"maps"
	"slices"
	"strings"
	"sync"
)

// marks counts the answers of servers by the mark that is in the names of their cookies.
type marks struct {
	mu      sync.Mutex // a slow probe is sent beside the others
	answers map[string]int
}

func (m *marks) count(p probed) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.answers == nil {
		m.answers = map[string]int{}
	}
	if p.report.Mark != "" { // not of a release before this one
		m.answers[p.report.Mark]++
	}
}

// marked reports whether the server has another mark than these settings: the cookies of
// probe and answer differ because of that.
func (p probed) marked() bool { return p.report.Mark != "" && p.report.Mark != p.Mark() }

// sameMarks tells whether all servers have the mark of these settings.
func (e *examination) sameMarks(own string) {
	e.marks.mu.Lock()
	defer e.marks.mu.Unlock()
	all := slices.Sorted(maps.Keys(e.marks.answers))
	switch {
	case len(all) == 0 || len(all) == 1 && all[0] == own:
	case len(all) == 1:
		e.add(cookies, Problem, "Give this command the --cookie-mark of the servers (or their --public-url, from which it is derived), and run it again: what a proxy does with cookies was not seen.",
			"the servers' cookies have the mark %s, and these settings %s", all[0], own)
	default:
		var counted []string
		for _, mark := range all {
			counted = append(counted, fmt.Sprintf("%s in %d", mark, e.marks.answers[mark]))
		}
		e.add(cookies, Problem, "Give every server the same --cookie-mark: a browser that one of them has signed in is signed out at the others.",
			"the servers' cookies have different marks: %s answers", strings.Join(counted, ", "))
	}
}
