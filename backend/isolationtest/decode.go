package isolationtest

import (
	"archive/zip"
	"bytes"
	"compress/gzip"
	"compress/zlib"
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"html"
	"io"
	"regexp"
	"strconv"
	"strings"
	"unicode/utf8"
)

// Limits of decoding an answer.
const (
	maxDepth  = 5    // encodings within each other
	maxForms  = 4000 // of one text
	maxPacked = 8 << 20
)

// form is a text that an answer contains in some encoding.
type form struct {
	text  string
	coded string // "base64, JSON"; empty for the text itself
}

// forms returns a text and everything that is encoded in it, in every encoding that
// answers are known to use, also within each other.
func forms(text string) []form {
	all := []form{{text: text}}
	seen := map[string]bool{text: true}
	from := 0
	for range maxDepth {
		until := len(all)
		for _, outer := range all[from:until] {
			for _, inner := range decoded(outer.text) {
				if len(inner.text) < 8 || seen[inner.text] || len(all) >= maxForms {
					continue
				}
				seen[inner.text] = true
				if outer.coded != "" {
					inner.coded = outer.coded + ", " + inner.coded
				}
				all = append(all, inner)
			}
		}
		if from = until; from == len(all) {
			break
		}
	}
	return all
}

var (
	escaped    = regexp.MustCompile(`\\(u[0-9a-fA-F]{4}|x[0-9a-fA-F]{2}|.)`)
	percent    = regexp.MustCompile(`%[0-9a-fA-F]{2}`)
	tag        = regexp.MustCompile(`<[^<>]*>`)
	printedEnd = regexp.MustCompile(`=\r?\n`)
	// urlAlphabet translates the URL's base64 alphabet.
	urlAlphabet = strings.NewReplacer("-", "+", "_", "/")
)

// The shortest runs that are decoded.
const (
	leastBase64 = 14
	leastHex    = 20
)

// decoded returns what one encoding hides.
func decoded(text string) (all []form) {
	add := func(coded, inner string) { all = append(all, form{inner, coded}) }
	if plain, coded := unpacked(text); coded != "" {
		add(coded, plain)
	}
	if strings.Contains(text, `\`) {
		add("JSON", escaped.ReplaceAllStringFunc(text, unescaped))
	}
	if strings.Contains(text, "%") && percent.MatchString(text) {
		add("percent-encoding", percent.ReplaceAllStringFunc(text, func(code string) string { return hexByte(code[1:]) }))
	}
	if strings.Contains(text, "&") {
		add("HTML", html.UnescapeString(text))
	}
	if strings.Contains(text, "<") {
		add("HTML", tag.ReplaceAllString(text, ""))
	}
	if strings.Contains(text, "\x00") {
		add("UTF-16", strings.ReplaceAll(text, "\x00", ""))
	}
	if strings.Contains(text, "=") && printedEnd.MatchString(text) {
		add("quoted-printable", printedEnd.ReplaceAllString(text, ""))
	}
	for _, run := range runs(text, leastBase64, inBase64) {
		for _, inner := range fromBase64(run) {
			add("base64", inner)
		}
	}
	for _, run := range runs(text, leastHex, inHex) {
		for from := range 2 {
			if inner, err := hex.DecodeString(run[from : from+(len(run)-from)/2*2]); err == nil {
				add("hexadecimal", string(inner))
			}
		}
	}
	return all
}

// runs returns the parts of a text that consist of an alphabet's characters and are long
// enough. Every answer is searched for them; a regular expression takes ten times as
// long.
func runs(text string, least int, in func(c byte) bool) (all []string) {
	from := 0
	for i := range len(text) + 1 {
		if i < len(text) && in(text[i]) {
			continue
		}
		if i-from >= least {
			all = append(all, text[from:i])
		}
		from = i + 1
	}
	return all
}

func inHex(c byte) bool { return c >= '0' && c <= '9' || c|0x20 >= 'a' && c|0x20 <= 'f' }

func inBase64(c byte) bool {
	return c >= '0' && c <= '9' || c|0x20 >= 'a' && c|0x20 <= 'z' || c == '+' || c == '/' || c == '_' || c == '-'
}

// unescaped returns the character of a JSON escape.
func unescaped(code string) string {
	switch code[1] {
	case 'u':
		if n, err := strconv.ParseUint(code[2:], 16, 32); err == nil {
			return string(rune(n))
		}
	case 'x':
		if len(code) == 4 {
			return hexByte(code[2:])
		}
	case 'n', 'r', 't':
		return " "
	}
	return code[1:]
}

func hexByte(digits string) string {
	decoded, _ := hex.DecodeString(digits) // matched by a regular expression
	return string(decoded)
}

// fromBase64 decodes a run in both alphabets. Its beginning may be something else, such
// as a path: it is decoded from each of four places.
func fromBase64(run string) (all []string) {
	run = urlAlphabet.Replace(run)
	for from := range 4 {
		rest := run[min(from, len(run)):]
		if len(rest)%4 == 1 {
			rest = rest[:len(rest)-1]
		}
		if inner, err := base64.RawStdEncoding.DecodeString(rest); err == nil && (readable(inner) || packed(inner)) {
			all = append(all, string(inner))
		}
	}
	return all
}

// readable reports whether most of a text is printable.
func readable(text []byte) bool {
	printable := 0
	for _, c := range text {
		if c >= ' ' && c < 0x7f || c == '\n' || c == '\r' || c == '\t' {
			printable++
		}
	}
	return 3*printable >= 2*len(text)
}

func packed(text []byte) bool {
	return bytes.HasPrefix(text, []byte("\x1f\x8b")) || bytes.HasPrefix(text, []byte("PK\x03\x04")) || zlibbed(text)
}

func zlibbed(text []byte) bool {
	return len(text) > 8 && text[0] == 0x78 && (uint(text[0])<<8|uint(text[1]))%31 == 0 && !utf8.Valid(text)
}

// unpacked returns the content of a compressed text and its format. Spreadsheets and
// documents of offices are zip files.
func unpacked(text string) (plain, format string) {
	raw := []byte(text)
	if !packed(raw) {
		return "", ""
	}
	var out strings.Builder
	copied := func(r io.Reader, err error) {
		if err == nil {
			io.Copy(&out, io.LimitReader(r, maxPacked)) // as far as it can be read
			out.WriteString("\n")
		}
	}
	switch {
	case raw[0] == 'P':
		archive, err := zip.NewReader(bytes.NewReader(raw), int64(len(raw)))
		if err != nil {
			return "", ""
		}
		for _, file := range archive.File {
			out.WriteString(file.Name + "\n")
			if r, err := file.Open(); err == nil {
				copied(r, nil)
				r.Close()
			}
		}
		return out.String(), "zip"
	case raw[0] == 0x1f:
		r, err := gzip.NewReader(bytes.NewReader(raw))
		copied(r, err)
		return out.String(), "gzip"
	}
	r, err := zlib.NewReader(bytes.NewReader(raw))
	copied(r, err)
	return out.String(), "deflate"
}

// leaves returns the values of a JSON text by their paths, or of any other text its
// lines.
func leaves(text string) map[string]string {
	all := map[string]string{}
	var value any
	reader := json.NewDecoder(strings.NewReader(text))
	reader.UseNumber()
	if reader.Decode(&value) == nil && !reader.More() {
		addLeaves(all, "", value)
		return all
	}
	n := 0
	for line := range strings.Lines(strings.ReplaceAll(text, "<", "\n<")) {
		n++
		all["line "+strconv.Itoa(n)] = strings.TrimSpace(line)
	}
	return all
}

func addLeaves(all map[string]string, path string, value any) {
	switch value := value.(type) {
	case map[string]any:
		for name, member := range value {
			addLeaves(all, path+"/"+name, member)
		}
	case []any:
		for i, member := range value {
			addLeaves(all, path+"/"+strconv.Itoa(i), member)
		}
	case nil:
		all[path] = "null"
	default:
		all[path] = strings.TrimSpace(jsonText(value))
	}
}

// jsonText returns a value that was decoded from JSON as JSON; a string as it is.
func jsonText(value any) string {
	if text, ok := value.(string); ok {
		return text
	}
	text, _ := json.Marshal(value) // a decoded value can be encoded
	return string(text)
}
