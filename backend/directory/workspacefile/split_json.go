package workspacefile

import (
	"bytes"
	"encoding/json"
)

// cutJSON is cutList for a JSON object, which p.text is.
func cutJSON(p part, key string) (cut, bool) {
	at := skipSpace(p.text, 0) + 1 // {
	for {
		if at = skipSpace(p.text, at); at >= len(p.text) || p.text[at] != '"' {
			return cut{}, false
		}
		nameEnd := skipValue(p.text, at)
		var name string
		if json.Unmarshal(p.text[at:nameEnd], &name) != nil {
			return cut{}, false
		}
		value := skipSpace(p.text, nameEnd)
		end := skipValue(p.text, value)
		if name == key && value < len(p.text) && p.text[value] == '[' {
			line := p.line + bytes.Count(p.text[:at], newline)
			rest := append(append(bytes.Clone(p.text[:value]), "null"...), p.text[end:]...)
			return cut{rest, line, elements(p, value)}, true
		}
		at = end
	}
}

var newline = []byte("\n")

// elements returns the elements of the JSON array at an offset.
func elements(p part, array int) (all []part) {
	counted, line := 0, p.line
	for at := skipSpace(p.text, array+1); at < len(p.text) && p.text[at] != ']'; {
		end := skipValue(p.text, at)
		line, counted = line+bytes.Count(p.text[counted:at], newline), at
		all = append(all, part{p.text[at:end], line})
		at = skipSpace(p.text, end)
	}
	return all
}

// skipSpace returns the offset of the next value, or of the end of an object or array.
func skipSpace(text []byte, at int) int {
	for at < len(text) && bytes.IndexByte([]byte(" \t\r\n,:"), text[at]) >= 0 {
		at++
	}
	return at
}

// skipValue returns the end of the JSON value that begins at an offset.
func skipValue(text []byte, at int) int {
	for depth := 0; at < len(text); at++ {
		switch text[at] {
		case '"':
			for at++; at < len(text) && text[at] != '"'; at++ {
				if text[at] == '\\' {
					at++
				}
			}
		case '{', '[':
			depth++
			continue
		case '}', ']':
			depth--
		case ' ', '\t', '\r', '\n', ',', ':':
			continue
		default: // a number, true, false, null
			for at+1 < len(text) && bytes.IndexByte([]byte(" \t\r\n,:]}"), text[at+1]) < 0 {
				at++
			}
		}
		if depth == 0 {
			return at + 1
		}
	}
	return at
}
