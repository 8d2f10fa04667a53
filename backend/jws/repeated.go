package jws

import (
	"bytes"
	"encoding/json"
	"unicode/utf8"
)

// repeated returns the name, as it is written, of a member that an object of a JSON
// text has twice, at whatever depth. Of what is no JSON it may say anything.
func repeated(text []byte) (name string, twice bool) {
	objects := []map[string]bool{{}} // those that are open, the innermost last
	for i := 0; i < len(text); i++ {
		switch text[i] {
		case '{':
			objects = append(objects, map[string]bool{})
		case '}':
			objects = objects[:max(len(objects)-1, 1)]
		case '"':
			start := i
			for i++; i < len(text) && text[i] != '"'; i++ {
				if text[i] == '\\' {
					i++
				}
			}
			if rest := bytes.TrimLeft(text[min(i+1, len(text)):], " \t\r\n"); len(rest) == 0 || rest[0] != ':' {
				continue // a value
			}
			name, seen := unquote(text[start:i+1]), objects[len(objects)-1]
			if seen[name] {
				return name, true
			}
			seen[name] = true
		}
	}
	return "", false
}

// unquote returns what a JSON string stands for: a name may be spelt in several ways.
func unquote(text []byte) string {
	if bytes.IndexByte(text, '\\') < 0 && utf8.Valid(text) {
		return string(text[1 : len(text)-1])
	}
	var name string
	json.Unmarshal(text, &name) // what is no string fails with the rest of its text
	return name
}
