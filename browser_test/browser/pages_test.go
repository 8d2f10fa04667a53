package browser

import (
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/chromedp/chromedp"

	"github.com/tabard-auth/tabard/backend/page"
	"github.com/tabard-auth/tabard/browser_test/kit/chrome"
)

// long are words that fill a page: an app's name, a provider's message.
var long = strings.TrimSpace(strings.Repeat("Donaudampfschifffahrtsgesellschaft ", 8))

// shown returns a page of a kind, with the usual content or with as much as it can have.
func shown(kind page.Kind, full bool) page.Page {
	p := page.Page{
		Kind: kind, Status: http.StatusOK, App: "Notes", Host: "notes.example.com", Code: "invalid_request", Detail: "The request is malformed.",
		Links: []page.Link{{Label: page.Again, URL: "#again"}, {Label: page.Back, App: "Notes", URL: "#app"}},
	}
	if full {
		p.App, p.Host, p.Message, p.Detail = long, strings.Repeat("a", 60)+".example.com", long, strings.ReplaceAll(long, " ", "")
		for range 12 {
			p.Links = append(p.Links, page.Link{Label: page.Back, App: long, URL: "#app"})
		}
	}
	if kind == page.Returning {
		p.Form, p.Links = []page.Field{{Name: "state", Value: "1"}}, nil
	}
	return p
}

func everyPageIsReadable(t *testing.T, looks []look) {
	t.Helper()
	server := serve(t, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.Method == http.MethodPost { // the form, which leaves the page as it is
			w.WriteHeader(http.StatusNoContent)
			return
		}
		page.Write(w, r, shown(page.Kind(strings.Trim(r.URL.Path, "/")), r.URL.Query().Has("full")), nil)
	}))
	tab := chrome.Guest(t)
	e := newExaminer(t, tab, looks)
	kinds := 0
	for _, key := range page.Keys() {
		kind, titled := strings.CutSuffix(key, "_title")
		if !titled {
			continue
		}
		kinds++
		for _, query := range []string{"", "?full"} {
			chrome.Go(t, tab, server.address+"/"+kind+query)
			chrome.Await(t, tab, `document.querySelector("main h1")`)
			e.examine(kind + query)
			for _, look := range looks {
				e.look(look.scheme, min(look.width, 1280), look.height)
				if !chrome.Eval[bool](t, tab, `document.documentElement.scrollWidth <= innerWidth && document.querySelectorAll("h1").length === 1 &&
					[...document.querySelectorAll("main a, main button")].every((e) => e.getBoundingClientRect().height >= 44) && !/[{}]/.test(document.body.innerText) &&
					document.querySelector("main a, main button") !== null`) {
					t.Errorf("%s%s, on %s: %s", kind, query, look.name, chrome.Eval[string](t, tab, `document.body.innerText`))
				}
				if folder := os.Getenv("TABARD_SCREENSHOTS"); folder != "" {
					picture, err := chromedp.Run(tab, chromedp.CaptureScreenshot())
					if err == nil {
						err = os.WriteFile(filepath.Join(folder, fmt.Sprintf("page-%s%s-%s.png", kind, strings.Trim(query, "?"), strings.ReplaceAll(look.name, " ", "-"))), picture, 0o600)
					}
					if err != nil {
						t.Fatal(err)
					}
				}
			}
		}
	}
	if kinds < 16 {
		t.Errorf("%d kinds were opened", kinds)
	}
}
