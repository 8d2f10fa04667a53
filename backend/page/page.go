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
	Used        Kind = "used"        // the sign-in has ended before
	NoCookies   Kind = "no_cookies"  // the browser stores no cookies
	Unavailable Kind = "unavailable" // the provider or the storage does not answer
	Denied      Kind = "denied"      // the provider denied the sign-in
	Crowded     Kind = "crowded"     // too many sessions in the browser
	Busy        Kind = "busy"        // too many requests
	Invalid     Kind = "invalid"     // the address is none
	Refused     Kind = "refused"     // in a frame, an image, from a script
	Disabled    Kind = "disabled"    // the person's account
	Failed      Kind = "failed"      // a fault of the server's
	Returning   Kind = "returning"   // from the provider, between two steps
	Limited     Kind = "limited"     // the person is signed in in too many browsers
	Missing     Kind = "missing"     // there is no page at the address, or not by this method
	Large       Kind = "large"       // the request's address or header fields
	NoProvider  Kind = "no_provider" // a portal's link names a provider that is unknown here
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
	// Form are the fields of a form that the page posts to its own address at once.
	Form []Field
	// Retry are the fields of a form that a button posts to the page's own address.
	Retry []Field
	// Refresh is the address to which the page moves on at once, and leads.
	Refresh string
}

// Field is a field of a form.
type Field struct{ Name, Value string }

// maxMessage is how much of the provider's words is shown, in characters.
const maxMessage = 300

//go:embed page.css
var style string

// policy allows only the page's own style. retryPolicy also allows a form that is posted
// to the backend, and formPolicy the script that posts it.
var (
	policy      = basePolicy + "form-action 'none'"
	retryPolicy = basePolicy + "form-action 'self'"
	formPolicy  = retryPolicy + "; script-src '" + digest(submitScript) + "'"

	basePolicy = "default-src 'none'; style-src '" + digest(style) + "'; frame-ancestors 'none'; base-uri 'none'; "
)

const submitScript = "document.forms[0].submit()"

func digest(text string) string {
	sum := sha256.Sum256([]byte(text))
	return "sha256-" + base64.StdEncoding.EncodeToString(sum[:])
}

// Write writes a page in the language that the request prefers, among those with texts.
func Write(w http.ResponseWriter, r *http.Request, p Page, texts Texts) {
	language := texts.choose(r.Header.Get("Accept-Language"))
	app := p.App
	if app == "" && len(p.Links) > 0 {
		app = p.Links[len(p.Links)-1].App
	}
	t := writer{say: func(key Key, app string) string {
		return strings.NewReplacer("{app}", app, "{host}", p.Host).Replace(texts.lookup(language, key))
	}}
	t.head(p, language, app)
	t.element("<h1>", t.say(p.Kind.titleKey(), app), "</h1>\n")
	t.element("<p>", t.say(p.Kind.textKey(), app), "</p>\n")
	if said := clip(p.Message); said != "" {
		t.element("<p>", t.say(introduction, app), "</p>\n")
		t.element(`<blockquote dir="auto">`, said, "</blockquote>\n")
	}
	switch {
	case p.Form != nil:
		t.form(p.Form, Continue, app)
		t.WriteString("<script>" + submitScript + "</script>\n")
	case p.Refresh != "":
		t.links([]Link{{Label: Continue, URL: p.Refresh}})
	default:
		if p.Retry != nil {
			t.form(p.Retry, Retry, app)
		}
		t.links(p.Links)
	}
	if p.Code != "" {
		t.element(`<p lang="en" dir="ltr"><small>`, p.Code, "</small> <small>")
		t.element("", p.Detail, "</small></p>\n")
	}
	t.WriteString("</main>\n</html>\n")
	setHeaders(w.Header(), p)
	w.WriteHeader(p.Status)
	io.WriteString(w, t.String()) // the client may have left
}

func setHeaders(h http.Header, p Page) {
	h.Set("Content-Type", "text/html; charset=utf-8")
	h.Set("Content-Security-Policy", policy)
	switch {
	case p.Form != nil:
		h.Set("Content-Security-Policy", formPolicy)
	case p.Retry != nil:
		h.Set("Content-Security-Policy", retryPolicy)
	}
	if p.Kind == Foreign || p.Kind == Silent || p.Form != nil || p.Retry != nil {
		// Browsers without Fetch Metadata send this page's Referer with the next
		// navigation.
		h.Set("Referrer-Policy", "same-origin")
	}
	h.Add("Vary", "Accept-Language")
}

// writer writes a page's elements.
type writer struct {
	strings.Builder
	say func(key Key, app string) string
}

// element writes a text between two pieces of markup.
func (w *writer) element(before, text, after string) {
	w.WriteString(before + html.EscapeString(text) + after)
}

func (w *writer) head(p Page, language, app string) {
	w.element(`<!doctype html>
<html lang="`, language, `" dir="`+direction(language)+`">
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="light dark">
<meta name="robots" content="noindex">
`)
	if p.Refresh != "" {
		w.element(`<meta http-equiv="refresh" content="0; url=`, p.Refresh, "\">\n")
	}
	w.element("<title>", w.say(p.Kind.titleKey(), app), "</title>\n<style>"+style+"</style>\n<main>\n")
}

func (w *writer) links(all []Link) {
	w.WriteString("<ul>\n")
	for _, l := range all {
		w.element(`<li><a href="`, l.URL, `">`)
		w.element("", w.say(l.Label, l.App), "</a></li>\n")
	}
	w.WriteString("</ul>\n")
}

func (w *writer) form(fields []Field, label Key, app string) {
	w.WriteString("<form method=\"post\">\n")
	for _, field := range fields {
		w.element(`<input type="hidden" name="`, field.Name, `" `)
		w.element(`value="`, field.Value, "\">\n")
	}
	w.element("<button>", w.say(label, app), "</button>\n</form>\n")
}

// direction returns the writing direction of a language, or of the script that its tag names.
func direction(language string) string {
	primary, rest, _ := strings.Cut(language, "-")
	script, _, _ := strings.Cut(rest, "-")
	rightToLeft := slices.Contains([]string{"ar", "ckb", "dv", "fa", "he", "ps", "sd", "ug", "ur", "yi"}, primary)
	if len(script) == 4 {
		rightToLeft = slices.Contains([]string{"arab", "hebr", "thaa"}, script)
	}
	if rightToLeft {
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
