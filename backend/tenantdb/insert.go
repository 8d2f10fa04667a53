package tenantdb

import (
	"errors"
	"slices"
)

var errInserted = errors.New("what is inserted needs its columns named, and " + parameter + " for that of the organisation in each row")

// inserted checks that each row that goes into the table named here is the
// organisation's.
func (r *reader) inserted() error {
	at := r.at + 1
	if r.word(1) == "as" {
		at += 2
	}
	columns, at := list(r.words, at)
	place := slices.IndexFunc(columns, func(c []string) bool { return len(c) == 1 && name(c[0]) == r.column })
	if place < 0 || !r.rows(at, place) {
		return errInserted
	}
	return nil
}

// rows tells that the rows that a place begins have the organisation at a place of
// theirs, all of them.
func (r *reader) rows(at, place int) bool {
	if at >= len(r.words) {
		return false
	}
	switch r.words[at] {
	case "values":
		for {
			row, next := list(r.words, at+1)
			if !own(row, place) {
				return false
			}
			if at = next; at >= len(r.words) || r.words[at] != "," {
				break
			}
		}
	case "select":
		at++
		row, _ := elements(r.words, at, clauses)
		if first := row[0]; len(first) > 0 && oneOf(first[0], []string{"distinct", "all"}) {
			row[0] = first[1:]
		}
		if !own(row, place) {
			return false
		}
	default:
		return false
	}
	if at = r.further(at); at < 0 {
		return true
	}
	return r.rows(at, place)
}

// own tells that a row has the organisation at a place.
func own(row [][]string, place int) bool {
	if place >= len(row) {
		return false
	}
	value := row[place]
	return len(value) > 0 && value[0] == parameter && (len(value) == 1 || len(value) == 3 && value[1] == "as")
}

// further is where UNION and its like go on with further rows; -1 where none do.
func (r *reader) further(at int) int {
	_, at = elements(r.words, at, []string{"union", "except", "intersect"})
	if at >= len(r.words) || r.words[at] == ")" {
		return -1
	}
	if at+1 < len(r.words) && r.words[at+1] == "all" {
		at++
	}
	return at + 1
}

// assigned tells that a row would come to have another organisation.
func (r *reader) assigned(s *scope) bool {
	if s.clause != "set" {
		return false
	}
	before := r.word(-1)
	if s.kind == other { // SET (a, b) = …
		depth, at := 1, r.at-1
		for ; at > 0 && depth > 0; at-- {
			switch r.words[at] {
			case "(":
				depth--
			case ")":
				depth++
			}
		}
		return oneOf(r.words[at], []string{"set", ","}) && len(r.scopes) > 1 && r.scopes[len(r.scopes)-2].kind == whole
	}
	return oneOf(before, []string{"set", ",", "."}) && r.word(1) == "=" && !(r.word(2) == parameter && oneOf(r.word(3), append(afterCondition, "from")))
}
