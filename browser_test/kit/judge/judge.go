// Package judge asks other implementations of the same RFCs about tokens and proofs.
package judge

import (
	"bufio"
	"encoding/json"
	"os"
	"os/exec"
	"testing"
)

// Judge is a running program over npm packages, which share no code with this project.
type Judge struct {
	*testing.T
	ask    *json.Encoder
	answer *bufio.Scanner
}

// New starts a judge by the name of its script, from a room of browser_test.
func New(t *testing.T, script string) *Judge {
	t.Helper()
	command := exec.Command("node", "../kit/judge/"+script)
	command.Stderr = os.Stderr
	in, err := command.StdinPipe()
	if err != nil {
		t.Fatal(err)
	}
	out, err := command.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := command.Start(); err != nil {
		t.Fatalf("node: %v", err)
	}
	t.Cleanup(func() {
		in.Close()
		command.Wait()
	})
	return &Judge{t, json.NewEncoder(in), bufio.NewScanner(out)}
}

// Exchange asks the judge one question.
func (j *Judge) Exchange(what string, question, answer any) {
	j.Helper()
	if err := j.ask.Encode(map[string]any{what: question}); err != nil {
		j.Fatal(err)
	}
	if !j.answer.Scan() {
		j.Fatalf("the judge is silent (make setup installs it): %v", j.answer.Err())
	}
	if err := json.Unmarshal(j.answer.Bytes(), answer); err != nil {
		j.Fatal(err)
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

// Refuses returns why the judge refuses a request, and "" where it does not.
func (j *Judge) Refuses(r Request) string {
	j.Helper()
	var verdict struct{ Refused string }
	j.Exchange("judge", r, &verdict)
	return verdict.Refused
}

// Made is a request that the judge made with a proof of its own key.
type Made struct{ Authorization, DPoP, JKT string }

// Make returns a request that carries an access token and a proof for it.
func (j *Judge) Make(method, url, raw string) Made {
	j.Helper()
	var m Made
	j.Exchange("make", map[string]string{"method": method, "url": url, "token": raw}, &m)
	return m
}
