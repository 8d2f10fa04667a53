package tenantdb

import (
	"errors"
	"fmt"
	"slices"
	"strings"
)

// ErrUnscoped is the error of a statement that does not carry the organisation.
var ErrUnscoped = errors.New("tenantdb: the statement does not carry its organisation")

const parameter = "@organization"

// Check refuses a statement by the rules of Guard. Every error is ErrUnscoped.
func (g Guard) Check(query string) error {
	if err := g.check(query); err != nil {
		return fmt.Errorf("%w: %w", ErrUnscoped, err)
	}
	return nil
}

func (g Guard) check(query string) error {
	words, err := wordsOf(query)
	switch {
	case err != nil:
		return err
	case len(g.Tables) == 0 || g.Column == "":
		return errors.New("the guard is of no table, or of no column")
	case !slices.Contains(words, parameter) || !oneOf(words[0], []string{"select", "with", "insert", "update", "delete"}):
		return fmt.Errorf("each table needs %s = %s", g.Column, parameter)
	}
	r := reader{words: words, column: strings.ToLower(g.Column)}
	for _, table := range g.Tables {
		r.tables = append(r.tables, strings.ToLower(table))
	}
	r.scopes = []*scope{{part: &part{}, kind: whole}}
	for r.at = range words {
		if err := r.read(); err != nil {
			return err
		}
	}
	if len(r.scopes) != 1 {
		return errors.New("a bracket is not closed")
	}
	return r.conclude()
}

// reader goes over the words of a statement.
type reader struct {
	tables []string // the guard's
	column string
	words  []string
	at     int
	scopes []*scope // the statement, and the brackets that are open
}

// scope is the statement, or a bracket in it.
type scope struct {
	kind   kind
	part   *part  // what it belongs to
	clause string // the keyword that began it
	target string // what an INSERT writes to, where that is one of the guard's tables
	// Of the clause: what the ON of a LEFT JOIN is about, the conditions found, whether
	// an OR stands beside them, how many CASEs are open, and a BETWEEN before its AND.
	outer   bool
	joined  string
	found   []string
	or      bool
	cases   int
	between bool
	// ranged is the place of the AND of a BETWEEN, behind which no condition stands.
	ranged int
	// conjunct tells a bracket that stands where a condition could.
	conjunct bool
}

// kind is what a scope is.
type kind int

const (
	other kind = iota // an expression, arguments, a list
	whole             // the statement or a subquery
	joins             // tables, joined
)

// part is one SELECT, INSERT, UPDATE or DELETE: the names by which it calls the guard's
// tables, and the names whose column it has compared.
type part struct{ tables, conditions []string }

// nothing is joined.
const nothing = "\x00"

func (r *reader) scope() *scope { return r.scopes[len(r.scopes)-1] }

// word returns the word that stands some places on; "" where none does.
func (r *reader) word(on int) string {
	if i := r.at + on; i >= 0 && i < len(r.words) {
		return r.words[i]
	}
	return ""
}

func oneOf(word string, all []string) bool { return slices.Contains(all, word) }

// conclude ends a part: each of its tables needs a condition of its own.
func (r *reader) conclude() error {
	s := r.scope()
	s.endClause()
	for _, table := range s.part.tables {
		alone := len(s.part.tables) == 1 && slices.Contains(s.part.conditions, "")
		if !alone && !slices.Contains(s.part.conditions, table) {
			return fmt.Errorf("%s needs %s = %s beside ANDs alone", table, r.column, parameter)
		}
	}
	s.part = &part{}
	return nil
}

// endClause counts the conditions of a clause. The ON of a LEFT JOIN restricts nothing
// but what is joined.
func (s *scope) endClause() {
	for _, of := range s.found {
		about := s.clause == "where" || s.clause == "on" && (!s.outer || s.joined != nothing && (of == "" || of == s.joined))
		if about && !s.or {
			s.part.conditions = append(s.part.conditions, of)
		}
	}
	s.found, s.or, s.cases, s.between = nil, false, 0, false
}

// open begins a bracket.
func (r *reader) open() {
	around := r.scope()
	s := &scope{part: around.part, clause: around.clause, outer: around.outer, joined: around.joined}
	before := r.word(-1)
	switch {
	case oneOf(r.word(1), []string{"select", "with", "insert", "update", "delete", "values"}):
		s.kind, s.part, s.clause = whole, &part{}, ""
	case around.clause == "from" && around.kind != other && oneOf(before, []string{"from", "join", ",", "("}):
		s.kind = joins
	default:
		s.conjunct = around.cases == 0 && oneOf(before, []string{"where", "and", "on", "("}) && around.ranged != r.at-1
	}
	r.scopes = append(r.scopes, s)
}

// afterCondition may follow what restricts rows.
var afterCondition = []string{"", "and", ")", ",", "order", "group", "having", "limit", "window", "returning", "where", "on",
	"join", "left", "inner", "cross", "natural", "union", "except", "intersect"}

// close ends a bracket. Conditions in one that stands between ANDs stand there too.
func (r *reader) close() error {
	s := r.scope()
	if len(r.scopes) == 1 {
		return errors.New("a bracket was not opened")
	}
	switch s.kind {
	case whole:
		if err := r.conclude(); err != nil {
			return err
		}
	case joins:
		s.endClause()
	}
	r.scopes = r.scopes[:len(r.scopes)-1]
	if s.kind == other && s.conjunct && !s.or && oneOf(r.word(1), afterCondition) {
		r.scope().found = append(r.scope().found, s.found...)
	}
	return nil
}
