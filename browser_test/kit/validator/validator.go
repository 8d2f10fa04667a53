// Package validator asks other implementations of the same RFCs about tokens and proofs.
package validator

import (
	"bufio"
	"encoding/json"
	"os/exec"
	"testing"

	"github.com/tabard-auth/tabard/browser_test/kit/program"
)

// Validator is a running program over npm packages, which share no code with this project.
type Validator struct {
	*testing.T
	ask    *json.Encoder
	answer *bufio.Scanner
}

// New starts the validator with this script. The test must be in a folder directly
// below browser_test.
func New(t *testing.T, script string) *Validator {
	t.Helper()
	in, out := program.Converse(t, exec.Command("node", "../kit/validator/"+script))
	return &Validator{t, json.NewEncoder(in), out}
}

// Ask asks the validator one question.
func (v *Validator) Ask(what string, question, answer any) {
	v.Helper()
	if err := v.ask.Encode(map[string]any{what: question}); err != nil {
		v.Fatal(err)
	}
	if !v.answer.Scan() {
		v.Fatalf("the validator is silent (make setup installs it): %v", v.answer.Err())
	}
	if err := json.Unmarshal(v.answer.Bytes(), answer); err != nil {
		v.Fatal(err)
	}
}

// Request is a request to an API.
type Request struct {
	Issuer        string `json:"issuer"`
	Keys          string `json:"keys"`
	Audience      string `json:"audience"`
	Method        string `json:"method"`
	URL           string `json:"url"`
	Authorization string `json:"authorization"`
	DPoP          string `json:"dpop"`
}

// Refusal returns why the validator refuses a request, and "" if it accepts it.
func (v *Validator) Refusal(r Request) string {
	v.Helper()
	var verdict struct{ Refused string }
	v.Ask("validate", r, &verdict)
	return verdict.Refused
}

// MadeRequest is a request that the validator made with a proof of its own key.
type MadeRequest struct{ Authorization, DPoP, JKT string }

// MakeRequest returns a request that carries an access token and a proof for it.
func (v *Validator) MakeRequest(method, url, raw string) MadeRequest {
	v.Helper()
	var m MadeRequest
	v.Ask("make", map[string]string{"method": method, "url": url, "token": raw}, &m)
	return m
}
