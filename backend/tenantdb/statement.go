package tenantdb

import (
	"errors"
	"fmt"
	"math"
	"regexp"
	"slices"
	"strings"
)

// ErrUnscoped is the error of a statement that does not carry the organisation.
var ErrUnscoped = errors.New("tenantdb: the statement does not carry its organisation")

// lexeme is a word, a parameter, a quoted text or name, or another character; comments
// are none.
var lexeme = regexp.MustCompile(`(?s)--[^\n]*|/\*.*?\*/|'(?:[^']|'')*'|"(?:[^"]|"")*"|[@:$]?\w+|\S`)

// Check refuses a statement by the rules of Guard. Every error is ErrUnscoped.
func (g Guard) Check(query string) error {
	words := words(query)
	tables, conditions, bound := 0, 0, 0
	depth, innermost, or := 0, -1, math.MaxInt // of brackets: the innermost condition, the outermost OR
	for i, word := range words {
		switch {
		case word == "@organization":
			bound++
		case word == "(":
			depth++
		case word == ")":
			depth--
		case word == "or":
			or = min(or, depth)
		case word == ";", word == "into" && i > 0 && words[i-1] == "replace":
			return fmt.Errorf("%w: %s", ErrUnscoped, "it is more than one, or replaces rows unseen")
		case g.condition(words, i):
			conditions++
			innermost = max(innermost, depth)
		case g.mentions(words, i):
			tables++
		}
	}
	if slices.Contains(words, "into") && slices.Contains(words, g.Column) && bound > conditions {
		tables--
	}
	switch {
	case bound == 0, tables > conditions:
		return fmt.Errorf("%w: each table needs %s = @organization", ErrUnscoped, g.Column)
	case or <= innermost:
		return fmt.Errorf("%w: an OR may replace the condition; put it in brackets", ErrUnscoped)
	}
	return nil
}

// words are a statement's, in lower case, without comments; a quoted name is itself.
func words(query string) []string {
	var all []string
	for _, word := range lexeme.FindAllString(query, -1) {
		if strings.HasPrefix(word, "--") || strings.HasPrefix(word, "/*") {
			continue
		}
		if word[0] == '"' {
			word = strings.Trim(word, `"`)
		}
		all = append(all, strings.ToLower(word))
	}
	return all
}

// mentions tells whether a table of organisations' rows is named there, or, in an
// upsert, updated without being named.
func (g Guard) mentions(words []string, i int) bool {
	if i == 0 {
		return false
	}
	if words[i] == "update" && words[i-1] == "do" {
		return true
	}
	return slices.Contains(g.Tables, strings.Trim(words[i], "'")) &&
		slices.Contains([]string{"from", "join", "update", "into", ",", ".", "(", "[", "`"}, words[i-1])
}

// condition tells whether Column = @organization stands there, alone between ANDs.
func (g Guard) condition(words []string, i int) bool {
	if i+2 >= len(words) || words[i] != g.Column || words[i+1] != "=" || words[i+2] != "@organization" {
		return false
	}
	if i > 2 && words[i-1] == "." { // alias.column
		i, words = i-2, slices.Delete(slices.Clone(words), i-2, i)
	}
	after := append(words[i+3:], "and")[0]
	return i > 0 && slices.Contains([]string{"where", "and", "on"}, words[i-1]) &&
		slices.Contains([]string{"and", ")", "order", "group", "limit", "returning", "where", "join", "left", "inner", "union", "on"}, after)
}
