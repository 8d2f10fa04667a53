package publicurl

import (
	"fmt"
	"hash/fnv"
	"regexp"
	"strings"
)

var cookieMark = regexp.MustCompile(`^[A-Z][A-Z0-9]{0,7}$`)

// ParseCookieMark returns the mark that the names of a server's cookies bear, so that
// several servers on one host leave each other's alone: the one that is set or, where that
// is empty, one that follows from the public URL. It is no secret. Capitals tell it from
// the id of an app, which has none.
func ParseCookieMark(set, publicURL string) (string, error) {
	if set == "" {
		return derivedMark(publicURL), nil
	}
	if !cookieMark.MatchString(set) {
		return "", fmt.Errorf("cookie mark %q is not one to eight of A-Z and 0-9, a letter first", set)
	}
	return set, nil
}

// derivedMark is the FNV-1a hash of the public URL, in letters. The Worker's request.mjs
// computes the same.
func derivedMark(publicURL string) string {
	h := fnv.New32a()
	h.Write([]byte(strings.TrimSuffix(publicURL, "/")))
	var letters [7]byte
	n := h.Sum32()
	for i := range letters {
		letters[i] = 'A' + byte(n%26)
		n /= 26
	}
	return string(letters[:])
}
