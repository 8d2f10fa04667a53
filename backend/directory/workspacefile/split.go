package workspacefile

import (
	"bytes"
	"encoding/json"
)

// part is a piece of a file's text and its first line, counted from 0.
type part struct {
	text []byte
	line int
}

// cut is a text without the elements of one list, and these elements. The list's key
// remains without a value.
type cut struct {
	rest  []byte
	line  int // of the key
	items []part
}

// cutList removes the list of a key from a mapping in block or JSON style. It does not
// parse the text; the caller parses each piece and finds wrong cuts. It reports whether
// there is such a list.
//
// The mapping may be an element of a list, with its dash.
func cutList(p part, key string) (cut, bool) {
	inner := part{p.text[p.dash()+1:], p.line}
	if !startsWith(inner.text, '{') {
		return cutBlock(p, key)
	}
	if !json.Valid(inner.text) {
		return cut{}, false
	}
	return cutJSON(inner, key)
}

// cutBlock is cutList for block style:
//
//	key:
//	- element
func cutBlock(p part, key string) (cut, bool) {
	mapping, keyAt := -1, -1 // the mapping's indentation; the end of the key's line
	column := -1             // of the elements
	var c cut
	var starts []int
	dash := p.dash()
	line, end := 0, len(p.text)
	for at := 0; at < len(p.text) && end == len(p.text); line++ {
		next := at + len(lineAt(p.text, at))
		content := bytes.TrimLeft(p.text[max(at, min(dash+1, next)):next], " ")
		indent := next - at - len(content)
		switch {
		case isBlank(content):
		case keyAt < 0:
			if mapping < 0 {
				mapping = indent
			}
			if after, is := bytes.CutPrefix(content, []byte(key+":")); is && indent == mapping && isBlank(after) {
				keyAt, c.line = next, p.line+line
			}
		case column < 0 && indent < mapping, column >= 0 && indent < column,
			!isElement(content) && (column < 0 || indent == column):
			end = at
		case column < 0 || indent == column:
			column = indent
			starts = append(starts, at)
			c.items = append(c.items, part{line: p.line + line})
		}
		at = next
	}
	if len(starts) == 0 {
		return cut{}, false
	}
	for i, start := range starts {
		until := end
		if i+1 < len(starts) {
			until = starts[i+1]
		}
		c.items[i].text = p.text[start:until]
	}
	c.rest = append(bytes.Clone(p.text[:keyAt]), p.text[end:]...)
	if dash >= 0 {
		c.rest[dash] = ' '
	}
	return c, true
}

// dash returns the offset of the dash by which an element of a block-style list begins,
// or -1.
func (p part) dash() int {
	indent := len(p.text) - len(bytes.TrimLeft(p.text, " "))
	if indent == len(p.text) || !isElement(p.text[indent:]) {
		return -1
	}
	return indent
}

// lineAt returns the line at an offset, with its end.
func lineAt(text []byte, at int) []byte {
	if i := bytes.IndexByte(text[at:], '\n'); i >= 0 {
		return text[at : at+i+1]
	}
	return text[at:]
}

// isBlank reports whether a line, or the rest of one, is empty except for a comment.
func isBlank(content []byte) bool {
	content = bytes.TrimLeft(content, " ")
	return len(bytes.TrimSpace(content)) == 0 || content[0] == '#'
}

// isElement reports whether the text starts an element of a list.
func isElement(content []byte) bool {
	return content[0] == '-' && (len(content) == 1 || bytes.IndexByte([]byte(" \n\r"), content[1]) >= 0)
}

// withoutDash returns an element of a block-style list with its dash replaced by a
// space.
func (p part) withoutDash() part {
	dash := p.dash()
	if dash < 0 {
		return p // JSON
	}
	text := bytes.Clone(p.text)
	text[dash] = ' '
	return part{text, p.line}
}

// hasPlainLines reports whether all lines end in LF or CR LF, and no directive or byte
// order mark changes the text's meaning.
func hasPlainLines(text []byte) bool {
	for _, odd := range []string{"\u0085", "\u2028", "\u2029", "\ufeff", "\n%"} {
		if bytes.Contains(text, []byte(odd)) {
			return false
		}
	}
	return bytes.Count(text, []byte("\r")) == bytes.Count(text, []byte("\r\n")) && !bytes.HasPrefix(text, []byte("%"))
}
