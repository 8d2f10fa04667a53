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

// Key identifies a text. In a text, {app} is replaced by the app's name, and {host} by
// the host of the page.
type Key string

// The labels of links.
const (
	Continue Key = "continue"
	Again    Key = "again"
	Retry    Key = "retry"
	Back     Key = "back"
)

// introduction precedes the provider's own message.
const introduction Key = "said"

func (k Kind) titleKey() Key { return Key(k) + "_title" }
func (k Kind) textKey() Key  { return Key(k) + "_text" }

// english holds all texts.
var english = map[Key]string{
	Continue:     "Continue to sign in",
	Retry:        "Try again",
	Again:        "Sign in again",
	Back:         "Go to {app}",
	introduction: "The sign-in service says:",

	Foreign.titleKey():     "Sign in to {app}?",
	Foreign.textKey():      "You followed a link to this page. If you continue and sign in, anyone who is signed in in this browser now is signed out.",
	Silent.titleKey():      "This link cannot sign you in",
	Silent.textKey():       "It requests a sign-in without asking you, but it is not from {app}. You can still continue and sign in yourself.",
	Expired.titleKey():     "This sign-in took too long",
	Expired.textKey():      "You have ten minutes to sign in. Start again.",
	Unknown.titleKey():     "This sign-in cannot continue",
	Unknown.textKey():      "It was started in another browser, or it has already finished. A bookmark, an old tab or the Back button can lead here.",
	Used.titleKey():        "This sign-in has already finished",
	Used.textKey():         "You have since signed out or signed in as somebody else. Sign in again to continue.",
	NoCookies.titleKey():   "This browser does not store cookies for this site",
	NoCookies.textKey():    "Signing in requires cookies. Allow cookies for {host}, then start again. Private windows, browser settings and extensions can block them.",
	Unavailable.titleKey(): "The sign-in service is not responding",
	Unavailable.textKey():  "Nothing is wrong with your account, and nothing has changed. Try again in a moment.",
	Denied.titleKey():      "You are not signed in",
	Denied.textKey():       "The sign-in service did not let you in, or the sign-in was canceled there.",
	Crowded.titleKey():     "There were too many sign-ins in this browser",
	Crowded.textKey():      "The oldest ones were removed. Try again.",
	Busy.titleKey():        "There were too many requests",
	Busy.textKey():         "Wait a moment, then try again.",
	Invalid.titleKey():     "This link cannot sign you in",
	Invalid.textKey():      "It is damaged or incomplete, or it is not for this site.",
	Refused.titleKey():     "This page opens only as a page of its own",
	Refused.textKey():      "Start the sign-in from the app. It opens as a page of its own.",
	Disabled.titleKey():    "Your account is disabled",
	Disabled.textKey():     "Ask the administrator of {app} to enable it.",
	Failed.titleKey():      "Something went wrong",
	Failed.textKey():       "Nothing is wrong with your account. Try again in a moment.",
	Returning.titleKey():   "You are being signed in",
	Returning.textKey():    "If this page stays open, press Continue.",
	Limited.titleKey():     "You are signed in in too many browsers",
	Limited.textKey():      "Sign out in one of the others first. If you cannot, that sign-in ends by itself after a while, or an administrator can end it.",
	Missing.titleKey():     "There is no page here",
	Missing.textKey():      "The link that led here may be old or damaged.",
	Large.titleKey():       "This address is too long",
	Large.textKey():        "The address, or what this browser sends with it, is larger than this site accepts. If this page comes back, clear the cookies of {host}.",
	NoProvider.titleKey():  "This link cannot choose how you sign in",
	NoProvider.textKey():   "It is for a sign-in service that is not set up here. You can still continue and sign in another way. Anyone who is signed in in this browser now is then signed out.",
}

// Texts are an operator's translations, by language and key. English replaces a missing
// text.
type Texts map[string]map[Key]string

// maxText is the largest length of a text in bytes. maxLanguages is the largest number
// of languages.
const maxText, maxLanguages = 600, 40

var languageTag = regexp.MustCompile(`^[a-z]{2,3}(-[a-z0-9]{2,8})*$`)

// Check returns an error for an invalid language, key or text.
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

// Keys returns the keys of all texts, sorted.
func Keys() []string {
	var all []string
	for key := range english {
		all = append(all, string(key))
	}
	slices.Sort(all)
	return all
}

// lookup returns the text in a language, or in English.
func (t Texts) lookup(language string, key Key) string {
	return cmp.Or(t[language][key], english[key])
}

// choose returns the available language that an Accept-Language header prefers (RFC
// 9110 section 12.5.4). A less specific tag also matches.
func (t Texts) choose(accepts string) string {
	best, most := "en", 0.0
	for part := range strings.SplitSeq(accepts[:min(len(accepts), 500)], ",") {
		tag, parameters, _ := strings.Cut(strings.ToLower(strings.TrimSpace(part)), ";")
		quality := 1.0
		if q, ok := strings.CutPrefix(strings.TrimSpace(parameters), "q="); ok {
			quality, _ = strconv.ParseFloat(q, 64) // 0 if malformed
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
