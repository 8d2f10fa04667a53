package sqlstore

import (
	"encoding/json"
	"fmt"
	"strings"
)

// list is a list of strings, stored as JSON.
type list []string

// Scan reads the output of text. It reads a list without escapes, as nearly all are,
// without a parser.
func (l *list) Scan(value any) error {
	text, _ := value.(string)
	inner, opened := strings.CutPrefix(text, `["`)
	inner, closed := strings.CutSuffix(inner, `"]`)
	plain := strings.Split(inner, `","`)
	if !opened || !closed || strings.Contains(text, `\`) || strings.Count(text, `"`) != 2*len(plain) {
		return scanJSON(value, l)
	}
	*l = plain
	return nil
}

func (l list) text() string {
	if l == nil {
		return "[]"
	}
	text, _ := json.Marshal([]string(l)) // strings can always be encoded
	return string(text)
}

func scanJSON(value, into any) error {
	switch value := value.(type) {
	case nil:
		return nil
	case string:
		if value == "{}" { // the rules of most organizations
			return nil
		}
		return json.Unmarshal([]byte(value), into)
	case []byte:
		return json.Unmarshal(value, into)
	}
	return fmt.Errorf("sqlstore: a %T where JSON text was expected", value)
}
