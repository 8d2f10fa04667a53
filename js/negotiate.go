package js

import (
	"crypto/sha256"
	"encoding/base64"
	"io/fs"
	"path"
	"regexp"
	"strconv"
	"strings"
)

// hashed is a name that the build made of its file's content.
var hashed = regexp.MustCompile(`\.[0-9a-f]{16}\.[a-z]+$`)

func cacheControl(name string) string {
	if hashed.MatchString(name) {
		return "public, max-age=31536000, immutable"
	}
	return "no-cache"
}

// negotiate picks the encoding of a file that the client accepts and that there
// is (RFC 9110 section 12.5.3), and the suffix of the file that holds it.
func (f *files) negotiate(name string, accept []string) (encoding, suffix string) {
	for _, form := range []struct{ encoding, suffix string }{{"br", ".br"}, {"gzip", ".gz"}} {
		if accepts(accept, form.encoding) && f.has(name+form.suffix) {
			return form.encoding, form.suffix
		}
	}
	return "", ""
}

// accepts reports whether an Accept-Encoding field names an encoding with a weight
// above zero, itself or as "*".
func accepts(fields []string, encoding string) bool {
	any := false
	for item := range strings.SplitSeq(strings.Join(fields, ","), ",") {
		coding, parameters, _ := strings.Cut(item, ";")
		switch strings.ToLower(strings.TrimSpace(coding)) {
		case encoding:
			return weight(parameters) > 0
		case "*":
			any = weight(parameters) > 0
		}
	}
	return any
}

// weight reads ";q=" (RFC 9110 section 12.4.2); a malformed weight is 0.
func weight(parameters string) float64 {
	name, value, found := strings.Cut(strings.TrimSpace(parameters), "=")
	if !found {
		return 1
	}
	q, err := strconv.ParseFloat(value, 64)
	if err != nil || !strings.EqualFold(strings.TrimSpace(name), "q") {
		return 0
	}
	return q
}

// matches reports whether an If-None-Match field contains a tag (RFC 9110 section
// 13.1.2).
func matches(fields []string, tag string) bool {
	for item := range strings.SplitSeq(strings.Join(fields, ","), ",") {
		if item = strings.TrimSpace(item); item == "*" || strings.TrimPrefix(item, "W/") == tag {
			return true
		}
	}
	return false
}

// tag is the entity tag of a file, made once.
func (f *files) tag(name string, body []byte) string {
	if tag, ok := f.tags.Load(name); ok {
		return tag.(string)
	}
	sum := sha256.Sum256(body)
	tag := `"` + base64.RawURLEncoding.EncodeToString(sum[:16]) + `"`
	f.tags.Store(name, tag)
	return tag
}

// has reports whether there is a file of exactly that name.
func (f *files) has(name string) bool {
	if name != path.Base(name) {
		return false
	}
	info, err := fs.Stat(f.content, name)
	return err == nil && info.Mode().IsRegular()
}
