package httpbrowser

import (
	"html"
	"io"
	"net/http"
	"net/url"
	"regexp"
	"strings"
)

// maxRedirects is the number of redirects that browsers follow.
const maxRedirects = 20

// Open goes to an address that the person typed, and follows redirects.
func (b *Browser) Open(address string) Response {
	b.t.Helper()
	return b.navigate(http.MethodGet, address, nil, initiation{navigation: true})
}

// Follow goes to an address that the page at hand links or redirects to.
func (b *Browser) Follow(address string) Response {
	b.t.Helper()
	return b.navigate(http.MethodGet, address, nil, initiation{navigation: true, from: b.page})
}

// Submit sends a form of the page at hand.
func (b *Browser) Submit(address string, form url.Values) Response {
	b.t.Helper()
	return b.navigate(http.MethodPost, address, form, initiation{navigation: true, from: b.page})
}

// Step is Follow as far as the first answer, redirect or not. A page that asks for its
// own address once more is passed.
func (b *Browser) Step(address string) Response {
	b.t.Helper()
	s := initiation{navigation: true, from: b.page}
	answer := b.send(b.navigation(http.MethodGet, b.parse(address), nil, s), s)
	if next := b.again(answer); next != nil {
		s.from = answer.URL
		answer = b.send(b.navigation(http.MethodGet, next, nil, s), s)
	}
	return answer
}

var refresh = regexp.MustCompile(`<meta http-equiv="refresh" content="0; url=([^"]*)">`)

// again returns the address of a page that asks for itself once more, or nil.
func (b *Browser) again(r Response) *url.URL {
	b.t.Helper()
	found := refresh.FindStringSubmatch(r.Body)
	if r.Status != http.StatusOK || found == nil {
		return nil
	}
	next := b.parse(html.UnescapeString(found[1]))
	if next.Path != r.URL.Path || next.Host != r.URL.Host {
		return nil
	}
	return next
}

// Head asks for an address as Step does, with the method HEAD.
func (b *Browser) Head(address string) Response {
	b.t.Helper()
	s := initiation{navigation: true, from: b.page}
	return b.send(b.navigation(http.MethodHead, b.parse(address), nil, s), s)
}

// SubmitStep is Submit as far as the first answer, redirect or not.
func (b *Browser) SubmitStep(address string, form url.Values) Response {
	b.t.Helper()
	s := initiation{navigation: true, from: b.page}
	return b.send(b.navigation(http.MethodPost, b.parse(address), form, s), s)
}

// Login goes from the app's page to the backend's /login with a query, such as
// "return_to=/notes". It stops at the provider's sign-in page, or at the page that the
// browser is sent back to.
func (b *Browser) Login(query string) Response {
	b.t.Helper()
	return b.navigate(http.MethodGet, b.backend+"/login?"+query, nil, initiation{navigation: true, from: b.origin})
}

var pressed = regexp.MustCompile(`name="request" value="([^"]*)"`)

// SignIn signs a person in with the development provider, and returns the answer
// of the page that the backend sends them back to.
func (b *Browser) SignIn(person string) Response {
	b.t.Helper()
	return b.Choose(b.Begin(b.backend+"/login"), person)
}

// Begin begins a sign-in as the page's script does, at an address of the backend's
// /login, and stops at the same page as Login. With a device key it proves the key and
// goes to the address in the answer; an answer without one is returned as it is.
func (b *Browser) Begin(address string) Response {
	b.t.Helper()
	if b.device == nil {
		return b.Follow(address)
	}
	return b.BeginByScript(address)
}

// BeginByScript is Begin, with or without a device key, by a request of the page's script.
func (b *Browser) BeginByScript(address string) Response {
	b.t.Helper()
	answer := b.Post(strings.TrimPrefix(address, b.backend), "{}")
	var begun struct {
		Location string `json:"location"`
	}
	if answer.Status != http.StatusOK {
		return answer
	}
	answer.JSON(b.t, &begun)
	return b.Follow(begun.Location)
}

// Choose presses a person's button on the development provider's page. Another page is
// returned as it is: the provider still had a session.
func (b *Browser) Choose(page Response, person string) Response {
	b.t.Helper()
	return b.Confirm(page, person, "pwd")
}

// Confirm is Choose with a factor: "pwd", or "otp" for a second one.
func (b *Browser) Confirm(page Response, person, factor string) Response {
	b.t.Helper()
	if page.Status != http.StatusOK || !pressed.MatchString(page.Body) {
		return page
	}
	return b.Submit(page.URL.JoinPath("../sign-in").String(), url.Values{
		"request": {page.URL.RawQuery}, "person": {person}, "factor": {factor},
	})
}

func (b *Browser) navigate(method, address string, form url.Values, s initiation) Response {
	b.t.Helper()
	target := b.parse(address)
	for redirects := 0; redirects < maxRedirects; redirects++ {
		answer := b.send(b.navigation(method, target, form, s), s)
		if next := b.again(answer); next != nil {
			method, form, s = http.MethodGet, nil, initiation{navigation: true, from: target}
			target, redirects = next, 0
			continue
		}
		location := answer.Header.Get("Location")
		if location == "" || answer.Status < 300 || answer.Status > 399 {
			b.page = target
			return answer
		}
		next, err := target.Parse(location)
		if err != nil {
			b.t.Fatal(err)
		}
		if answer.Status != http.StatusTemporaryRedirect && answer.Status != http.StatusPermanentRedirect {
			method, form = http.MethodGet, nil
		}
		s.via = append(s.via, target)
		target = next
	}
	b.t.Fatalf("%s redirects without end", address)
	return Response{}
}

func (b *Browser) navigation(method string, to *url.URL, form url.Values, s initiation) *http.Request {
	b.t.Helper()
	var body io.Reader
	if form != nil {
		body = strings.NewReader(form.Encode())
	}
	r := b.request(method, to, body)
	if form != nil {
		r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
		r.Header.Set("Origin", origin(s.from))
	}
	if s.from != nil { // by the default policy, strict-origin-when-cross-origin
		r.Header.Set("Referer", origin(s.from)+"/")
	}
	r.Header.Set("Accept", "text/html,*/*;q=0.8")
	r.Header.Set("Sec-Fetch-Site", s.site(to))
	r.Header.Set("Sec-Fetch-Mode", "navigate")
	r.Header.Set("Sec-Fetch-Dest", "document")
	return r
}
