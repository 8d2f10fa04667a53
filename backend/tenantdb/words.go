package tenantdb

import (
	"errors"
	"regexp"
	"strings"
)

// lexeme is a word, a parameter, a quoted text or name, or another character; comments
// are none.
var lexeme = regexp.MustCompile("(?s)--[^\n]*|/\\*.*?\\*/|/\\*|'(?:[^']|'')*'|" +
	"\"(?:[^\"]|\"\")*\"|`(?:[^`]|``)*`|\\[[^\\]]*\\]|[@:$]?[\\p{L}\\p{N}_$]+|\\S")

var errUnending = errors.New("the statement, a comment or a quotation does not end where it seems to")

// wordsOf are a statement's, in lower case, without comments. What is quoted begins with
// its quotation mark, or with " where it is a name, so that it is no keyword.
func wordsOf(query string) ([]string, error) {
	if strings.Contains(query, "\x00") { // where some drivers end the statement
		return nil, errUnending
	}
	var all []string
	for _, word := range lexeme.FindAllString(query, -1) {
		word = strings.ToLower(word)
		switch first := word[0]; {
		case strings.HasPrefix(word, "--"):
			continue
		case strings.HasPrefix(word, "/*"):
			if len(word) < 4 || strings.Contains(word[2:], "/*") { // some databases nest them
				return nil, errUnending
			}
			continue
		case strings.IndexByte("'\"`[", first) >= 0 && len(word) == 1:
			return nil, errUnending
		case first == '"' || first == '`' || first == '[':
			word = `"` + word[1:len(word)-1]
		}
		all = append(all, word)
	}
	return all, nil
}

// name is what a word names, quoted or not. SQLite takes a text for a name, too.
func name(word string) string { return strings.Trim(word, `'"`) }

// named tells a word that can be a name.
func named(word string) bool {
	return word != "" && (word[0] >= 0x80 || strings.IndexByte(`'"_`, word[0]) >= 0 || word[0] >= 'a' && word[0] <= 'z')
}

// list returns the elements of the bracket that begins at a word, and the place behind
// it; nil where none begins there.
func list(words []string, at int) ([][]string, int) {
	if at >= len(words) || words[at] != "(" {
		return nil, at
	}
	elements, end := elements(words, at+1, nil)
	return elements, end + 1
}

// elements returns what commas separate from a place on, up to one of the words that
// end them or the end of the bracket, and where that is.
func elements(words []string, at int, ends []string) ([][]string, int) {
	all, depth := [][]string{nil}, 0
	for ; at < len(words); at++ {
		word := words[at]
		switch {
		case depth == 0 && (word == ")" || oneOf(word, ends)):
			return all, at
		case depth == 0 && word == ",":
			all = append(all, nil)
			continue
		case word == "(":
			depth++
		case word == ")":
			depth--
		}
		all[len(all)-1] = append(all[len(all)-1], word)
	}
	return all, at
}
