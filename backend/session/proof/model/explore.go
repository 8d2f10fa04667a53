package main

import "fmt"

// found is the result of an exploration.
type found struct {
	states int
	// why a state is wrong, and the path to it; empty if none is.
	why   string
	trace []string
}

// explore visits every state that can be reached from start, the nearest first. next
// passes the states that can follow one to visit, or returns why the state is wrong.
func explore[S comparable](start S, next func(s S, visit func(S)) (wrong string)) found {
	seen := map[S]struct{}{start: {}}
	queue, from := []S{start}, []uint32{0}
	for i := 0; i < len(queue); i++ {
		wrong := next(queue[i], func(s S) {
			if _, known := seen[s]; !known {
				seen[s] = struct{}{}
				queue, from = append(queue, s), append(from, uint32(i))
			}
		})
		if wrong != "" {
			return found{len(queue), wrong, trace(queue, from, uint32(i))}
		}
	}
	return found{states: len(queue)}
}

func trace[S any](queue []S, from []uint32, to uint32) []string {
	line := fmt.Sprint(queue[to])
	if to == 0 {
		return []string{line}
	}
	return append(trace(queue, from, from[to]), line)
}
