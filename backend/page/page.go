// Package page writes the pages that a person can meet on the way in. Each says what
// happened and leads on: it has a link back into the app or to a new sign-in. They need no
// script, and speak the languages that the operator has texts for.
package page

import (
	"crypto/sha256"
	_ "embed"
	"encoding/base64"
	"html"
	"io"
	"net/http"
	"slices"
	"strings"
)

// Kind is what happened.
type Kind string

// The kinds.
const (
	Foreign     Kind = "foreign"     // a foreign page's link to the sign-in
	Silent      Kind = "silent"      // one that wants nobody to be asked
	Expired     Kind = "expired"     // the sign-in took too long
	Unknown     Kind = "unknown"     // no sign-in of this browser's
	NoCookies   Kind = "no_cookies"  // the browser keeps none
	Unavailable Kind = "unavailable" // the provider, or what is stored
	Denied      Kind = "denied"      // the provider said no
	Crowded     Kind = "crowded"     // too many sessions in the browser
	Busy        Kind = "busy"        // too many requests
	Invalid     Kind = "invalid"     // the address is none
	Refused     Kind = "refused"     // in a frame, an image, from a script
	Disabled    Kind = "disabled"    // the person's account
	Failed      Kind = "failed"      // a fault of the server's
)

// Link is something to press.
type Link struct {
	Label Key
	App   string // stands for {app} in the label
	URL   string
}

// Page is one page.
type Page struct {
	Kind   Kind
	Status int
	// App is the name of the app that the sign-in is for, if it is known.
	App  string
	Host string
	// Message is what the provider said, for people; empty where it said nothing.
	Message string
	// Code and Detail are for those who are asked about the page, in English.
	Code, Detail string
	// Links lead on, the first most likely.
	Links []Link
}

// maxMessage is how much of the provider's words is shown, in characters.
const maxMessage = 300

//go:embed page.css
var style string

// policy lets the page have its own style, and nothing else.
var policy = "default-src 'none'; style-src '" + digest(style) + "'; frame-ancestors 'none'; base-uri 'none'; form-action 'none'"

func digest(text string) string {
	sum := sha256.Sum256([]byte(text))
	return "sha256-" + base64.StdEncoding.EncodeToString(sum[:])
}

// Write answers with a page, in the language that the request prefers of those that there
// are texts for.
func Write(w http.ResponseWriter, r *http.Request, p Page, texts Texts) {
	language := texts.choose(r.Header.Get("Accept-Language"))
	say := func(key Key, app string) string {
		return strings.NewReplacer("{app}", app, "{host}", p.Host).Replace(texts.lookup(language, key))
	}
	app := p.App
	if app == "" && len(p.Links) > 0 {
		app = p.Links[len(p.Links)-1].App
	}
	var b strings.Builder
	element := func(before, text, after string) { b.WriteString(before + html.EscapeString(text) + after) }
	element(`<!doctype html>
<html lang="`, language, `" dir="`+direction(language)+`">
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="light dark">
<meta name="robots" content="noindex">
`)
	element("<title>", say(p.Kind.titleKey(), app), "</title>\n<style>"+style+"</style>\n<main>\n")
	element("<h1>", say(p.Kind.titleKey(), app), "</h1>\n")
	element("<p>", say(p.Kind.textKey(), app), "</p>\n")
	if said := clip(p.Message); said != "" {
		element("<p>", say(introduction, app), "</p>\n")
		element(`<blockquote dir="auto">`, said, "</blockquote>\n")
	}
	b.WriteString("<ul>\n")
	for _, l := range p.Links {
		element(`<li><a href="`, l.URL, `">`)
		element("", say(l.Label, l.App), "</a></li>\n")
	}
	b.WriteString("</ul>\n")
	if p.Code != "" {
		element(`<p lang="en" dir="ltr"><small>`, p.Code, "</small> <small>")
		element("", p.Detail, "</small></p>\n")
	}
	b.WriteString("</main>\n</html>\n")
	h := w.Header()
	h.Set("Content-Type", "text/html; charset=utf-8")
	h.Set("Content-Security-Policy", policy)
	if p.Kind == Foreign || p.Kind == Silent {
		// Browsers that tell nothing else about a navigation tell by this that it begins here.
		h.Set("Referrer-Policy", "same-origin")
	}
	h.Add("Vary", "Accept-Language")
	w.WriteHeader(p.Status)
	io.WriteString(w, b.String()) // the client may have left
}

// direction returns in which direction a language is written.
func direction(language string) string {
	if primary, _, _ := strings.Cut(language, "-"); slices.Contains([]string{"ar", "fa", "he", "ur"}, primary) {
		return "rtl"
	}
	return "ltr"
}

// clip bounds a foreign text, and keeps what is printable of it.
func clip(text string) string {
	var kept strings.Builder
	n := 0
	for _, r := range text {
		if n++; n > maxMessage {
			kept.WriteString("…")
			break
		}
		if r == '\u2028' || r == '\u2029' || r < ' ' || r == 0x7f || r >= '\u202a' && r <= '\u202e' || r >= '\u2066' && r <= '\u2069' {
			r = ' ' // no controls, and none of direction
		}
		kept.WriteRune(r)
	}
	return strings.TrimSpace(kept.String())
}
