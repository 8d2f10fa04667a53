package isolationtest

import (
	"maps"
	"regexp"
	"slices"
	"strings"
)

// excerpt is how many characters of a canary's random part identify it, so that a
// shortened text is recognized too.
const excerpt = 10

// ledger keeps the canaries and ids of both tenants for the whole run. An answer to one
// that has something of the other is a leak, unless the request before named it: an
// answer may repeat what it was asked.
type ledger struct {
	excerpts map[string]*secret // of canaries, in lower case
	ids      map[string]*secret // in lower case
}

// secret is an excerpt of a canary or an id.
type secret struct {
	owner int
	sent  bool // by the other tenant
}

// hit is a secret of another tenant in an answer.
type hit struct{ text, place, coded, kind string }

func (h hit) String() string {
	seen := h.kind + " " + h.text + " of the other organization in the " + h.place
	if h.coded != "" {
		seen += ", encoded as " + h.coded
	}
	return seen
}

func newLedger() ledger { return ledger{map[string]*secret{}, map[string]*secret{}} }

// learn adds a tenant's record.
func (l ledger) learn(owner int, r record) {
	for _, part := range excerpts(strings.TrimPrefix(r.canary, canaryPrefix)) {
		l.excerpts[part] = &secret{owner: owner}
	}
	for name, id := range r.values {
		if name == "canary" || id == r.organization || !distinctive(id) {
			continue
		}
		key := strings.ToLower(longestWord(id))
		if before, ok := l.ids[key]; ok && before.owner != owner {
			before.sent = true // both have it: it identifies neither
		} else if !ok {
			l.ids[key] = &secret{owner: owner}
		}
	}
}

func excerpts(random string) (all []string) {
	for i := 0; i+excerpt <= len(random); i++ {
		all = append(all, random[i:i+excerpt])
	}
	return all
}

// leastID is the length of the shortest id that does not occur by accident.
const leastID = 15

var word = regexp.MustCompile(`[A-Za-z0-9_-]+`)

func longestWord(id string) string {
	words := word.FindAllString(id, -1)
	if len(words) == 0 {
		return ""
	}
	return slices.MaxFunc(words, func(a, b string) int { return len(a) - len(b) })
}

// distinctive reports whether an id is long enough not to occur by accident.
func distinctive(id string) bool {
	id = longestWord(id)
	digits := strings.IndexFunc(id, func(c rune) bool { return c >= '0' && c <= '9' }) >= 0
	return len(id) >= leastID && digits
}

// named marks what a request of a tenant names of the other.
func (l ledger) named(by int, texts ...string) {
	for _, text := range texts {
		for _, f := range forms(text) {
			for _, s := range l.within(by, f.text) {
				s.sent = true
			}
		}
	}
}

// told marks a record of the other tenant that a tenant was shown.
func (l ledger) told(by int, r record) {
	for _, value := range r.values {
		l.named(by, value)
	}
}

// within returns the secrets of the other tenant in a text, by their texts.
func (l ledger) within(by int, text string) (found map[string]*secret) {
	add := func(part string, s *secret) {
		if s != nil && s.owner != by {
			if found == nil {
				found = map[string]*secret{}
			}
			found[part] = s
		}
	}
	lower := strings.ToLower(text)
	run, word := 0, 0 // where those that go on began
	for i := range len(lower) + 1 {
		c := byte(' ')
		if i < len(lower) {
			c = lower[i]
		}
		if !(c >= 'a' && c <= 'z' || c >= '2' && c <= '7') { // a canary has no other
			run = i + 1
		} else if i+1-run >= excerpt {
			part := lower[i+1-excerpt : i+1]
			add(part, l.excerpts[part])
		}
		if !(c >= 'a' && c <= 'z' || c >= '0' && c <= '9' || c == '_' || c == '-') {
			if i-word >= leastID {
				add(lower[word:i], l.ids[lower[word:i]])
			}
			word = i + 1
		}
	}
	return found
}

// search returns the first secret of the other tenant in an answer that no request of
// this one named.
func (l ledger) search(by int, a answer) (hit, bool) {
	if h, ok := l.searchIn(by, "body", a.body); ok {
		return h, true
	}
	if h, ok := l.searchIn(by, "status line", a.reason); ok {
		return h, true
	}
	for _, name := range slices.Sorted(maps.Keys(a.header)) {
		for _, value := range a.header[name] {
			if h, ok := l.searchIn(by, "header "+name, value); ok {
				return h, true
			}
		}
	}
	return hit{}, false
}

func (l ledger) searchIn(by int, place, text string) (hit, bool) {
	if text == "" {
		return hit{}, false
	}
	for _, f := range forms(text) {
		for part, s := range l.within(by, f.text) {
			if !s.sent {
				kind := "the text"
				if _, ok := l.ids[part]; ok {
					kind = "the id"
				}
				return hit{part, place, f.coded, kind}, true
			}
		}
	}
	return hit{}, false
}
