//go:build !js

package main_test

import (
	"encoding/json"
	"fmt"
	"io"
	"net"
	"net/http"
	"strings"
	"sync"
	"testing"

	"github.com/tabard-auth/tabard/backend/api"
	"github.com/tabard-auth/tabard/backend/directory"
	"github.com/tabard-auth/tabard/backend/publicurl"
	"github.com/tabard-auth/tabard/browser_test/contract"
	"github.com/tabard-auth/tabard/browser_test/kit/httpbrowser"
	"github.com/tabard-auth/tabard/browser_test/kit/ports"
	"github.com/tabard-auth/tabard/web-demo/idp"
	"github.com/tabard-auth/tabard/worker/workerd"
)

// TestManyAtOnceEachGetTheirOwn lets people of as many organizations mint at once, by one
// instance. TestTwoHundredAtOnceEachGetTheirOwn has more people.
func TestManyAtOnceEachGetTheirOwn(t *testing.T) { eachGetsTheirOwn(t, 40) }

func eachGetsTheirOwn(t *testing.T, people int) {
	t.Helper()
	const rounds = 3
	port := ports.Hold(t)
	origin := fmt.Sprintf("http://localhost:%d", port)
	publicURL := origin + "/auth"
	subjects := make([]string, people)
	for i := range subjects {
		subjects[i] = fmt.Sprintf("person%03d", i)
	}
	issuer := providerOf(t, publicURL, subjects, func(h http.Handler) http.Handler { return h })
	workerd.Start(t, workerd.Options{
		Port: port, Entry: "workerd/load.mjs",
		Variables: workerd.Variables(publicURL, issuer, contract.ClientID, contract.ClientSecret),
		Desired:   oneOrganizationEach(issuer, origin, subjects),
	})
	requests := make([]func() *http.Request, people)
	for i, subject := range subjects {
		b := httpbrowser.New(t, origin, publicURL)
		b.SignIn(subject)
		requests[i] = func() *http.Request { return mint(origin, publicURL, b.Cookies(), "of-"+subject) }
	}
	for range rounds {
		var all sync.WaitGroup
		for i, subject := range subjects {
			all.Go(func() {
				if err := checkSubject(requests[i](), subject); err != nil {
					t.Error(err)
				}
			})
		}
		all.Wait()
	}
}

// mint is a request for a token of an organization that a browser with these
// cookies sends.
func mint(origin, publicURL string, cookies map[string]string, organization string) *http.Request {
	r, err := http.NewRequest(http.MethodPost, publicURL+api.PathToken, strings.NewReader(`{"organization":"`+organization+`","enter":true}`))
	if err != nil {
		panic(err) // the URL is well formed
	}
	for name, value := range cookies {
		r.AddCookie(&http.Cookie{Name: name, Value: value})
	}
	r.Header.Set("Origin", origin)
	r.Header.Set("Sec-Fetch-Site", "same-origin")
	r.Header.Set("Content-Type", "application/json")
	r.Header.Set(api.HeaderClient, "test")
	return r
}

// checkSubject sends a mint and checks that the token is the person's own.
func checkSubject(r *http.Request, subject string) error {
	response, err := http.DefaultClient.Do(r)
	if err != nil {
		return err
	}
	defer response.Body.Close()
	body, err := io.ReadAll(response.Body)
	if err != nil {
		return err
	}
	var got api.TokenResponse
	if err := json.Unmarshal(body, &got); err != nil || got.User.Subject != subject || got.Organization.Slug != "of-"+subject {
		return fmt.Errorf("%s: %d %s", subject, response.StatusCode, body)
	}
	return nil
}

// providerOf runs a provider of these people, wrapped by around, until the test ends.
func providerOf(t testing.TB, publicURL string, subjects []string, around func(http.Handler) http.Handler) (issuer string) {
	t.Helper()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	issuer = "http://" + listener.Addr().String()
	config := idp.Config{
		Issuer: issuer, ClientID: contract.ClientID, ClientSecret: contract.ClientSecret,
		RedirectURIs: []string{publicurl.Callback(publicURL)},
	}
	for _, s := range subjects {
		config.People = append(config.People, idp.Person{Subject: s, Name: s})
	}
	handler, err := idp.New(config)
	if err != nil {
		t.Fatal(err)
	}
	server := &http.Server{Handler: around(handler)}
	go server.Serve(listener)
	t.Cleanup(func() { server.Close() })
	return issuer
}

func oneOrganizationEach(issuer, origin string, subjects []string) directory.Desired {
	d := contract.Desired(issuer, origin)
	d.Organizations = nil
	for _, s := range subjects {
		d.Organizations = append(d.Organizations, directory.DesiredOrganization{
			Organization: directory.Organization{Slug: "of-" + s, Name: s},
			Members:      []directory.Member{{User: directory.User{Issuer: issuer, Subject: s}, Roles: []string{"viewer"}}},
		})
	}
	return d
}
