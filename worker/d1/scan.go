package d1

import (
	"errors"
	"strconv"
	"strings"
)

// errMalformed is the error of an answer that ../d1.mjs did not write.
var errMalformed = errors.New("d1: the answer is malformed")

// scanner reads the text that JSON.stringify writes of outcomes, in one pass and without a
// copy: a mint's row has some sixty values.
type scanner struct {
	text string
	at   int
}

// decode reads the text of ../d1.mjs: for each statement [columns, rows, changes].
func decode(text string) (all []outcome, err error) {
	s := scanner{text: text}
	err = s.list(func() error {
		o, err := s.outcome()
		all = append(all, o)
		return err
	})
	if err == nil && s.at != len(text) {
		err = errMalformed
	}
	return all, err
}

func (s *scanner) outcome() (o outcome, err error) {
	if !s.next('[') {
		return o, errMalformed
	}
	if o.columns, err = s.values(); err != nil {
		return o, err
	}
	for i, column := range o.columns {
		name, err := decodeValue(column)
		if o.columns[i], _ = name.(string); err != nil || o.columns[i] == "" {
			return o, errMalformed
		}
	}
	if !s.next(',') {
		return o, errMalformed
	}
	if err = s.list(func() error {
		row, err := s.values()
		o.rows = append(o.rows, row)
		if len(row) != len(o.columns) {
			return errMalformed
		}
		return err
	}); err != nil || !s.next(',') {
		return o, errMalformed
	}
	o.changes, err = strconv.ParseInt(s.value(), 10, 64)
	if err != nil || !s.next(']') {
		return o, errMalformed
	}
	return o, nil
}

// values reads a list of values.
func (s *scanner) values() (all []string, err error) {
	err = s.list(func() error {
		value := s.value()
		all = append(all, value)
		if value == "" {
			return errMalformed
		}
		return nil
	})
	return all, err
}

// list reads a list, each of whose elements read reads.
func (s *scanner) list(read func() error) error {
	if !s.next('[') {
		return errMalformed
	}
	if s.next(']') {
		return nil
	}
	for {
		if err := read(); err != nil {
			return err
		}
		if s.next(']') {
			return nil
		}
		if !s.next(',') {
			return errMalformed
		}
	}
}

// next reads a character, if it is the next one.
func (s *scanner) next(c byte) bool {
	if s.at >= len(s.text) || s.text[s.at] != c {
		return false
	}
	s.at++
	return true
}

// value reads a string, a number, null or a list of numbers, and returns its text.
func (s *scanner) value() string {
	rest := s.text[s.at:]
	end := strings.IndexAny(rest, ",]")
	switch {
	case strings.HasPrefix(rest, `"`):
		end = endOfString(rest)
	case strings.HasPrefix(rest, "["):
		end = strings.IndexByte(rest, ']') + 1
	}
	if end <= 0 {
		return ""
	}
	s.at += end
	return rest[:end]
}

// endOfString returns the length of the string with which a text begins, or 0.
func endOfString(text string) int {
	for i := 1; i < len(text); i++ {
		switch text[i] {
		case '\\':
			i++
		case '"':
			return i + 1
		}
	}
	return 0
}
