// Package d1 is a database/sql driver for the D1 binding of a Worker.
//
// Statements cross to JavaScript (../d1.mjs) as one text and come back as one text, whatever
// the number of their columns. One callback serves all statements of a program, so that
// a query leaves nothing behind. A caller whose context ends waits no longer.
//
// D1 has no transactions of several round trips. [Batch] runs several statements in one round
// trip and one transaction.
package d1

import (
	"database/sql/driver"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"math"
	"strconv"
	"strings"
)

// ErrInexact refuses a number that D1 cannot pass exactly: it passes numbers as JavaScript
// does, integers up to 2^53 - 1.
var ErrInexact = errors.New("d1: an integer beyond 2^53 - 1 cannot be passed exactly")

// maxInteger is JavaScript's Number.MAX_SAFE_INTEGER.
const maxInteger = 1<<53 - 1

// statement is a statement with its parameters, and whether it answers with rows.
type statement struct {
	text string
	args []any
	rows bool
}

// blob is the form in which bytes cross to JavaScript.
type blob struct {
	Base64 string `json:"base64"`
}

// encode returns the text of statements: a JSON array of [text, arguments, rows].
func encode(all []statement) (string, error) {
	list := make([][3]any, len(all))
	for i, s := range all {
		args := make([]any, len(s.args))
		for n, arg := range s.args {
			var err error
			if args[n], err = encodeValue(arg); err != nil {
				return "", fmt.Errorf("parameter %d: %w", n+1, err)
			}
		}
		list[i] = [3]any{s.text, args, s.rows}
	}
	var text strings.Builder
	encoder := json.NewEncoder(&text)
	encoder.SetEscapeHTML(false)
	err := encoder.Encode(list)
	return text.String(), err
}

func encodeValue(value any) (any, error) {
	switch value := value.(type) {
	case nil, string, bool:
		return value, nil
	case int64:
		if value > maxInteger || value < -maxInteger {
			return nil, ErrInexact
		}
		return value, nil
	case float64:
		if math.IsNaN(value) || math.IsInf(value, 0) {
			return nil, fmt.Errorf("d1: %v cannot be passed", value)
		}
		return value, nil
	case []byte:
		return blob{base64.StdEncoding.EncodeToString(value)}, nil
	}
	return nil, fmt.Errorf("d1: a %T cannot be passed", value)
}

// outcome is the result of one statement. Its values are pieces of the answer's text.
type outcome struct {
	columns []string
	rows    [][]string
	changes int64
}

// decodeValue returns a value of a row. D1 has no BigInt: what is greater than 2^53 - 1 may
// have been rounded and is refused.
func decodeValue(raw string) (driver.Value, error) {
	switch raw[0] {
	case 'n':
		return nil, nil
	case '"':
		if strings.IndexByte(raw, '\\') < 0 { // as nearly all
			return raw[1 : len(raw)-1], nil
		}
		var text string
		err := json.Unmarshal([]byte(raw), &text)
		return text, err
	case '[':
		var numbers []uint16 // encoding/json expects []byte in base64
		if err := json.Unmarshal([]byte(raw), &numbers); err != nil {
			return nil, fmt.Errorf("d1: %w", err)
		}
		b := make([]byte, len(numbers))
		for i, n := range numbers {
			b[i] = byte(n)
		}
		return b, nil
	}
	return decodeNumber(raw)
}

func decodeNumber(text string) (driver.Value, error) {
	if strings.ContainsAny(text, ".eE") {
		n, err := strconv.ParseFloat(text, 64)
		return n, err
	}
	n, err := strconv.ParseInt(text, 10, 64)
	if err != nil || n > maxInteger || n < -maxInteger {
		return nil, fmt.Errorf("%w: %s", ErrInexact, text)
	}
	return n, nil
}
