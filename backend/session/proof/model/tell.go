package main

import (
	"fmt"
	"strings"
)

// kind returns the token's relation to the row: C, N, S, P as in session.Judge, or ?.
func (r row) kind(t token) string {
	switch {
	case t.id == r.cur && t.gen == r.gen:
		return "C"
	case t.parent == r.cur && t.gen == r.gen+1:
		return "N"
	case t.parent == r.prev && r.prev != 0 && t.gen == r.gen:
		return "S"
	case t.id == r.prev && r.prev != 0 && t.gen == r.gen-1:
		return "P"
	}
	return "?"
}

func (b browser) String() string {
	name := func(t token) string { return fmt.Sprintf(" %s%d issued %d ago", b.row.kind(t), t.id, t.age) }
	var text strings.Builder
	fmt.Fprintf(&text, "C%d first used %d ago, last %d; rollbacks %d %v | jar%s", b.row.cur, b.row.at, b.row.last, b.row.rollbacks, b.row.rolled, name(b.jar))
	for _, p := range b.past {
		if p.id != 0 {
			fmt.Fprintf(&text, ", until %d ago%s", p.since, name(p.token))
		}
	}
	for _, r := range b.requests {
		if r.id != 0 {
			fmt.Fprintf(&text, " | request%s, sent %d ago", name(r.token), r.sent)
			if r.orphan {
				text.WriteString(", orphan")
			}
		}
	}
	for _, r := range b.replies {
		if r.id != 0 {
			fmt.Fprintf(&text, " | reply%s", name(r.token))
		}
	}
	text.WriteString([]string{"", " | asleep", " | waking"}[b.state])
	return text.String()
}
