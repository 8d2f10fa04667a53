// Package page writes the HTML pages that a user can see during a sign-in. Each page
// says what happened and has links to the app or to a new sign-in. The pages need no
// script. Operators can translate their texts.
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

// Kind is the reason for a page.
type Kind string

// The kinds.
const (
	Foreign     Kind = "foreign"     // a link from a foreign page
	Silent      Kind = "silent"      // a foreign link with prompt=none
	Expired     Kind = "expired"     // the sign-in took too long
	Unknown     Kind = "unknown"     // the browser has no such sign-in
	NoCookies   Kind = "no_cookies"  // the browser stores no cookies
	Unavailable Kind = "unavailable" // the provider or the storage does not answer
	Denied      Kind = "denied"      // the provider denied the sign-in
	Crowded     Kind = "crowded"     // too many sessions in the browser
	Busy        Kind = "busy"        // too many requests
	Invalid     Kind = "invalid"     // an invalid address
	Refused     Kind = "refused"     // opened in a frame, as an image or by a script
	Disabled    Kind = "disabled"    // the user's account is disabled
	Failed      Kind = "failed"      // a server error
)

// Link is a link on a page.
type Link struct {
	Label Key
	App   string // replaces {app} in the label
	URL   string
}

// Page is the content of a page.
type Page struct {
	Kind   Kind
	Status int
	// App is the name of the app to sign in to, or empty if unknown.
	App  string
	Host string
	// Message is the provider's own message, or empty.
	Message string
	// Code and Detail help support staff. They are in English.
	Code, Detail string
	// Links are the ways to continue, the most likely one first.
	Links []Link
}

// maxMessage is the largest length of the provider's message, in characters.
const maxMessage = 300

//go:embed page.css
var style string

// policy allows only the page's own style.
var policy = "default-src 'none'; style-src '" + digest(style) + "'; frame-ancestors 'none'; base-uri 'none'; form-action 'none'"

func digest(text string) string {
	sum := sha256.Sum256([]byte(text))
	return "sha256-" + base64.StdEncoding.EncodeToString(sum[:])
}

// Write writes a page in the language that the request prefers, among those with texts.
func Write(w http.ResponseWriter, r *http.Request, p Page, texts Texts) {
	language := texts.choose(r.Header.Get("Accept-Language"))
	text := func(key Key, app string) string {
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
	element("<title>", text(p.Kind.titleKey(), app), "</title>\n<style>"+style+"</style>\n<main>\n")
	element("<h1>", text(p.Kind.titleKey(), app), "</h1>\n")
	element("<p>", text(p.Kind.textKey(), app), "</p>\n")
	if message := clip(p.Message); message != "" {
		element("<p>", text(introduction, app), "</p>\n")
		element(`<blockquote dir="auto">`, message, "</blockquote>\n")
	}
	b.WriteString("<ul>\n")
	for _, l := range p.Links {
		element(`<li><a href="`, l.URL, `">`)
		element("", text(l.Label, l.App), "</a></li>\n")
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
		// Browsers without Fetch Metadata send this page's Referer with the next
		// navigation.
		h.Set("Referrer-Policy", "same-origin")
	}
	h.Add("Vary", "Accept-Language")
	w.WriteHeader(p.Status)
	io.WriteString(w, b.String()) // the client may have disconnected
}

// direction returns the writing direction of a language.
func direction(language string) string {
	if primary, _, _ := strings.Cut(language, "-"); slices.Contains([]string{"ar", "fa", "he", "ur"}, primary) {
		return "rtl"
	}
	return "ltr"
}

// clip truncates a provider's text and removes control characters.
func clip(text string) string {
	var kept strings.Builder
	n := 0
	for _, r := range text {
		if n++; n > maxMessage {
			kept.WriteString("…")
			break
		}
		if r == '\u2028' || r == '\u2029' || r < ' ' || r == 0x7f || r >= '\u202a' && r <= '\u202e' || r >= '\u2066' && r <= '\u2069' {
			r = ' ' // controls, including those of the writing direction
		}
		kept.WriteRune(r)
	}
	return strings.TrimSpace(kept.String())
}
