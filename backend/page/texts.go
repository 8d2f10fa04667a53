package page

import (
	"cmp"
	"fmt"
	"maps"
	"regexp"
	"slices"
	"strconv"
	"strings"
)

// Key names a text of the pages. {app} in one stands for the app's name, {host} for the
// host that the pages are served at.
type Key string

// The labels of what can be pressed.
const (
	Continue Key = "continue"
	Again    Key = "again"
	Retry    Key = "retry"
	Back     Key = "back"
)

// introduction comes before the sign-in service's own words.
const introduction Key = "said"

func (k Kind) titleKey() Key { return Key(k) + "_title" }
func (k Kind) textKey() Key  { return Key(k) + "_text" }

// english has every text.
var english = map[Key]string{
	Continue:     "Continue to sign in",
	Retry:        "Try again",
	Again:        "Sign in again",
	Back:         "Go to {app}",
	introduction: "The sign-in service says:",

	Foreign.titleKey():     "Sign in to {app}?",
	Foreign.textKey():      "A link brought you here. Continue if you want to sign in. Whoever is signed in in this browser is signed out then.",
	Silent.titleKey():      "This link cannot sign you in",
	Silent.textKey():       "It asks for a sign-in without asking you, and it does not come from {app}.",
	Expired.titleKey():     "This sign-in took too long",
	Expired.textKey():      "A sign-in takes ten minutes at most. Begin again.",
	Unknown.titleKey():     "This sign-in cannot go on",
	Unknown.textKey():      "It did not begin in this browser, or it is over. A bookmark, an old tab or the Back button can lead here.",
	NoCookies.titleKey():   "This browser keeps no cookies of this site",
	NoCookies.textKey():    "Signing in needs them. Allow cookies for {host}, and begin again. Private windows, settings and extensions can block them.",
	Unavailable.titleKey(): "The sign-in service does not answer",
	Unavailable.textKey():  "Nothing is wrong with your account, and nothing has changed. Try again in a moment.",
	Denied.titleKey():      "You are not signed in",
	Denied.textKey():       "The sign-in service did not let you in, or the sign-in was canceled there.",
	Crowded.titleKey():     "There are too many sign-ins in this browser",
	Crowded.textKey():      "The oldest of them was taken away. Begin again.",
	Busy.titleKey():        "There were too many requests",
	Busy.textKey():         "Wait a moment, and try again.",
	Invalid.titleKey():     "This link cannot sign you in",
	Invalid.textKey():      "It is damaged or incomplete, or it is not for this site.",
	Refused.titleKey():     "This page cannot be opened from there",
	Refused.textKey():      "A sign-in begins in a page of its own, and from the app.",
	Disabled.titleKey():    "Your account is disabled",
	Disabled.textKey():     "Ask whoever runs {app} to enable it.",
	Failed.titleKey():      "Something failed here",
	Failed.textKey():       "Nothing is wrong with your account. Try again in a moment.",
	Returning.titleKey():   "You are being signed in",
	Returning.textKey():    "Continue, if this page stays.",
}

// Texts are an operator's, by language and key. What a language leaves out is English.
type Texts map[string]map[Key]string

// maxText is the longest text, in bytes; maxLanguages is how many languages there may be.
const maxText, maxLanguages = 600, 40

var languageTag = regexp.MustCompile(`^[a-z]{2,3}(-[a-z0-9]{2,8})*$`)

// Check reports what in the table is no language or no text.
func (t Texts) Check() error {
	if len(t) > maxLanguages {
		return fmt.Errorf("there are more than %d languages", maxLanguages)
	}
	for _, language := range slices.Sorted(maps.Keys(t)) {
		if !languageTag.MatchString(language) {
			return fmt.Errorf("%q is not a language tag in lower case, such as de or pt-br", language)
		}
		for _, key := range slices.Sorted(maps.Keys(t[language])) {
			text := t[language][key]
			if _, known := english[key]; !known {
				return fmt.Errorf("text %q is not known; known are %s", key, strings.Join(Keys(), ", "))
			}
			if text == "" || len(text) > maxText {
				return fmt.Errorf("text %q of %q is empty or longer than %d bytes", key, language, maxText)
			}
		}
	}
	return nil
}

// Keys returns the names of all texts, sorted.
func Keys() []string {
	var all []string
	for key := range english {
		all = append(all, string(key))
	}
	slices.Sort(all)
	return all
}

// lookup returns the text of a language, or the English one.
func (t Texts) lookup(language string, key Key) string {
	return cmp.Or(t[language][key], english[key])
}

// choose returns the language of the table that an Accept-Language header prefers (RFC
// 9110 section 12.5.4): the tag itself, or the nearest less specific one.
func (t Texts) choose(accepts string) string {
	best, most := "en", 0.0
	for part := range strings.SplitSeq(accepts[:min(len(accepts), 500)], ",") {
		tag, parameters, _ := strings.Cut(strings.ToLower(strings.TrimSpace(part)), ";")
		quality := 1.0
		if q, ok := strings.CutPrefix(strings.TrimSpace(parameters), "q="); ok {
			quality, _ = strconv.ParseFloat(q, 64) // what is no number is 0
		}
		if language, ok := t.nearest(strings.TrimSpace(tag)); ok && quality > most {
			best, most = language, quality
		}
	}
	return best
}

func (t Texts) nearest(tag string) (string, bool) {
	for tag != "" {
		if _, ok := t[tag]; ok || tag == "en" {
			return tag, true
		}
		tag = tag[:max(0, strings.LastIndexByte(tag, '-'))]
	}
	return "", false
}
