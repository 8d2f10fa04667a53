package sqlstore

import (
	"strconv"
	"strings"
)

// script builds a script of statements.
type script struct {
	text strings.Builder
	now  int64
}

// caseEnds puts a space behind the END of each CASE: wrangler d1 execute --local parts a
// file at semicolons, and otherwise takes the rest of it for one statement.
var caseEnds = strings.NewReplacer(" END,", " END ,", " END)", " END )")

// add writes a statement with its parameters as literals.
func (s *script) add(statement string, args ...any) int {
	before := s.text.Len()
	statement = caseEnds.Replace(statement)
	s.text.WriteString(strings.TrimPrefix(parameter.ReplaceAllStringFunc(statement, func(p string) string {
		n, _ := strconv.Atoi(p[1:]) // the pattern matches digits
		return literal(args[n-1])
	}), "\n"))
	s.text.WriteString(";\n")
	return s.text.Len() - before
}

// condition is SQL text in the place of a parameter.
type condition string

func literal(value any) string {
	switch value := value.(type) {
	case nil:
		return "NULL"
	case int64:
		return strconv.FormatInt(value, 10)
	case condition:
		return string(value)
	}
	return "'" + strings.ReplaceAll(value.(string), "'", "''") + "'"
}
