package tenantdb

import (
	"errors"
	"fmt"
)

var (
	errReplace = errors.New("it may replace rows unseen")
	errGift    = errors.New("it gives rows to another organisation")
)

// read reads the next word.
func (r *reader) read() error {
	s, word := r.scope(), r.words[r.at]
	switch word {
	case ";":
		return errors.New("it is more than one")
	case "(":
		r.open()
	case ")":
		return r.close()
	case "case":
		s.cases++
	case "end":
		s.cases = max(0, s.cases-1)
	case "between":
		s.between = true
	case "or":
		s.or = true
		if r.word(1) == "replace" {
			return errReplace
		}
	case "replace", "merge":
		if r.word(1) == "into" {
			return errReplace
		}
	case "and":
		if s.between {
			s.between, s.ranged = false, r.at
		}
	default:
		return r.readOn(s, word)
	}
	return nil
}

func (r *reader) readOn(s *scope, word string) error {
	switch {
	case r.begins(s, word):
		return r.clause(s, word)
	case r.mentions(s, word):
		return r.mention(s)
	case name(word) != r.column:
	case r.assigned(s):
		return errGift
	default:
		r.condition(s)
	}
	return nil
}

// clauses are the keywords that begin one.
var clauses = []string{"select", "insert", "update", "delete", "union", "except", "intersect", "into", "from", "join", "on",
	"where", "group", "having", "order", "limit", "window", "returning", "set", "values", "do"}

// begins tells that a clause begins here.
func (r *reader) begins(s *scope, word string) bool {
	switch {
	case word == ",": // behind an ON it lists a further table
		return s.clause == "on" && s.kind != other
	case word == "from" && r.word(-1) == "distinct" && oneOf(r.word(-2), []string{"is", "not"}):
		return false // a comparison
	case s.clause == "conflict" && oneOf(word, []string{"where", "on"}):
		return false // of an index
	case r.word(-1) == ".", word == "do" && s.clause != "conflict", word == "window" && r.word(2) != "as":
		return false // a name, as SQLite has it
	}
	return oneOf(word, clauses)
}

// clause begins a clause, and with some a part.
func (r *reader) clause(s *scope, word string) error {
	if s.kind == other { // in an expression: it orders or filters what a function is given
		s.conjunct, s.clause = false, word
		return nil
	}
	upsert := word == "update" && s.clause == "do"
	s.endClause()
	switch s.clause = word; word {
	case "select", "insert", "update", "delete", "union", "except", "intersect":
		if err := r.conclude(); err != nil {
			return err
		}
		if upsert && s.target != "" {
			s.part.tables = []string{s.target}
		}
	case "join", ",":
		s.clause, s.joined = "from", nothing
		return r.join(s)
	case "from":
		s.outer, s.joined = false, nothing
	case "on":
		if r.word(1) == "conflict" {
			s.clause = "conflict"
		}
	}
	return nil
}

// join reads what kind of JOIN it is.
func (r *reader) join(s *scope) error {
	side := r.word(-1)
	if side == "outer" {
		side = r.word(-2)
	}
	s.outer = side == "left"
	if side == "right" || side == "full" {
		return errors.New("a RIGHT or FULL JOIN keeps rows that no condition of it is about")
	}
	return nil
}

// mentions tells that one of the guard's tables is named here.
func (r *reader) mentions(s *scope, word string) bool {
	if !oneOf(name(word), r.tables) {
		return false
	}
	switch before := r.word(-1); before {
	case "from", "join", "update", "into", "using", "table", "in", "ignore", "abort", "fail", "rollback":
		return true
	case ",", "(", ".":
		return s.kind != other && oneOf(s.clause, []string{"from", "into", "update"}) && (before == "." || r.word(1) != ".")
	}
	return false
}

// notAliases may follow a table that has no other name.
var notAliases = append([]string{"inner", "left", "right", "full", "cross", "natural", "outer", "using", "default", "indexed",
	"not", "as"}, clauses...)

// mention notes a table, by the name that it goes by here.
func (r *reader) mention(s *scope) error {
	called := name(r.words[r.at])
	switch next := r.word(1); {
	case next == "as":
		called = name(r.word(2))
	case named(next) && !oneOf(next, notAliases):
		called = name(next)
	}
	switch {
	case r.word(-1) == "in":
		return fmt.Errorf("%s is read whole", called)
	case s.clause == "into":
		s.target = called
		return r.inserted()
	}
	s.joined = called
	s.part.tables = append(s.part.tables, called)
	return nil
}

// condition notes column = @organization, alone between ANDs.
func (r *reader) condition(s *scope) {
	if r.word(1) != "=" || r.word(2) != parameter || !oneOf(r.word(3), afterCondition) || s.cases > 0 {
		return
	}
	of, first := "", r.at
	if r.word(-1) == "." {
		of, first = name(r.word(-2)), r.at-2
	}
	if first >= 2 && r.words[first-1] == "." { // schema.table.column
		first -= 2
	}
	if first < 1 || first-1 == s.ranged && s.ranged > 0 || !oneOf(s.clause, []string{"where", "on"}) {
		return
	}
	switch r.words[first-1] {
	case "where", "and", "on":
		s.found = append(s.found, of)
	case "(":
		if s.kind == other {
			s.found = append(s.found, of)
		}
	}
}
