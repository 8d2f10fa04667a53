package replicas_test

import (
	"encoding/json"
	"fmt"
	"io"
	"os"
	"os/exec"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/tabard-auth/tabard/backend/resource"
	"github.com/tabard-auth/tabard/backend/token"
	"github.com/tabard-auth/tabard/browser_test/kit/deployment"
	"github.com/tabard-auth/tabard/browser_test/kit/httpbrowser"
	"github.com/tabard-auth/tabard/browser_test/kit/program"
)

// TestP13_EndingsAreHeard has an API follow the feed of three replicas while people sign
// out, one after the other, and one of the replicas is killed: each ending is heard.
func TestP13_EndingsAreHeard(t *testing.T) {
	const people = 16
	d := deployment.New(t, people)
	verifier, follower := follow(t, d)
	scripts := map[string]*scriptFollower{}
	for runtime := range runtimes {
		scripts[runtime] = followOn(t, d, runtime)
	}

	type person struct {
		browser *httpbrowser.Browser
		claims  *token.Claims
	}
	all := make([]person, people)
	for i := range all {
		b := httpbrowser.New(t, d.Origin, d.Origin+"/auth")
		b.SignIn(deployment.Person(i))
		all[i] = person{b, mintedFor(t, b, verifier)}
		if follower.Ended(t.Context(), all[i].claims) {
			t.Fatalf("%s's token is refused before anything ended", deployment.Person(i))
		}
	}
	for _, p := range all {
		for _, script := range scripts {
			script.watch(t, p.claims, "")
		}
	}
	heard := map[string][]time.Duration{}
	for i, p := range all {
		if i == people/2 {
			d.Replicas[0].Process.Kill()
		}
		scope := []string{`{"scope":"session"}`, `{"scope":"everywhere"}`, `{"scope":"organization","organization":"acme"}`}[i%3]
		if answer := p.browser.Post("/logout", scope); answer.Status != 200 {
			t.Fatalf("%s: %d %s", scope, answer.Status, answer.Body)
		}
		began := time.Now()
		heard["Go"] = append(heard["Go"], untilEnded(t, follower, p.claims))
		for runtime, script := range scripts {
			if line := script.next(t); line != strconv.Itoa(i) {
				t.Fatalf("the follower on %s says %q, want %d", runtime, line, i)
			}
			heard[runtime] = append(heard[runtime], time.Since(began))
		}
	}
	for name, heard := range heard {
		slices.Sort(heard)
		t.Logf("on %s %d endings heard after: p50 %v, p90 %v, all %v", name, people, heard[people/2], heard[people*9/10], heard[people-1])
	}

	b := httpbrowser.New(t, d.Origin, d.Origin+"/auth")
	b.SignIn(deployment.Person(0))
	if follower.Ended(t.Context(), mintedFor(t, b, verifier)) {
		t.Error("a token of a new session is refused")
	}
}

// follow starts a follower of a deployment's replicas, and returns it once it is ready.
func follow(t *testing.T, d *deployment.Deployment) (*token.Verifier, *resource.Follower) {
	t.Helper()
	issuer := d.Origin + "/auth"
	verifier, err := token.NewVerifier(token.Config{
		Issuer: issuer, Audience: d.Origin + "/api", Keys: token.NewKeySet(issuer+"/.well-known/jwks.json", nil),
	})
	if err != nil {
		t.Fatal(err)
	}
	states := make(chan string, 100)
	follower, err := resource.Follow(t.Context(), resource.FollowConfig{
		Verifier: verifier, Key: eventsKey(t, d), Addresses: addresses(d),
		OnState: func(following bool, err error) { states <- fmt.Sprint(following, err) },
	})
	if err != nil {
		t.Fatal(err)
	}
	if state := <-states; follower.Ready() != nil {
		t.Fatalf("%v, after %s", follower.Ready(), state)
	}
	return verifier, follower
}

func eventsKey(t *testing.T, d *deployment.Deployment) string {
	t.Helper()
	return strings.TrimSpace(d.Run(program.Path(t, "tabard"), "keys", "create", "--kind", "events", "--name", "an API",
		"--database", d.Database, "--secret-file", d.Secret))
}

// addresses are the replicas' own.
func addresses(d *deployment.Deployment) (all []string) {
	for _, r := range d.Replicas {
		all = append(all, fmt.Sprintf("http://%s/auth", r.Listen))
	}
	return all
}

// scriptFollower is a follower of the package @tabard/server, in a process of its own.
type scriptFollower struct {
	in      io.Writer
	lines   chan string
	process *os.Process
}

const serverPackage = "../../js/server"

// runtimes are the commands that run a follower of the package, by the names of runtimes.
var runtimes = map[string][]string{
	"Node.js": {"node", "testdata/follow.mjs"},
	"Deno": {
		serverPackage + "/node_modules/.bin/deno", "run", "--no-remote", "--no-prompt", "--allow-read", "--allow-net", "--allow-env",
		"--node-modules-dir=manual", "--config", serverPackage + "/package.json", "testdata/follow.mjs",
	},
	"Bun":     {serverPackage + "/node_modules/.bin/bun", "testdata/follow.mjs"},
	"workerd": {"node", "testdata/follow_workerd.mjs"},
}

func followOn(t *testing.T, d *deployment.Deployment, runtime string) *scriptFollower {
	t.Helper()
	words := runtimes[runtime]
	command := exec.Command(words[0], append(slices.Concat(words[1:], []string{d.Origin + "/auth", d.Origin + "/api", eventsKey(t, d)}), addresses(d)...)...)
	in, lines := program.Converse(t, command)
	f := &scriptFollower{in, make(chan string, 100), command.Process}
	go func() {
		defer close(f.lines)
		for lines.Scan() {
			f.lines <- lines.Text()
		}
	}()
	if line := f.next(t); line != "ready" {
		t.Fatalf("the follower on %s says %q", runtime, line)
	}
	return f
}

// watch tells the follower of a token: of its claims, and of the token itself where its
// signing key may be withdrawn.
func (f *scriptFollower) watch(t *testing.T, c *token.Claims, raw string) {
	t.Helper()
	if err := json.NewEncoder(f.in).Encode(map[string]any{"claims": c, "token": raw}); err != nil {
		t.Fatal(err)
	}
}

// next returns what the follower says next.
func (f *scriptFollower) next(t *testing.T) string {
	t.Helper()
	select {
	case line := <-f.lines:
		return line
	case <-time.After(20 * time.Second):
		t.Fatal("a follower of the package hears nothing")
		return ""
	}
}

func mintedFor(t *testing.T, b *httpbrowser.Browser, verifier *token.Verifier) *token.Claims {
	t.Helper()
	var minted struct {
		AccessToken string `json:"access_token"`
	}
	b.Post("/token", `{"organization":"acme","enter":true}`).JSON(t, &minted)
	claims, err := verifier.VerifyFor(t.Context(), minted.AccessToken, "acme")
	if err != nil {
		t.Fatal(err)
	}
	return claims
}

// untilEnded returns how long it takes until a token is refused.
func untilEnded(t *testing.T, follower *resource.Follower, claims *token.Claims) time.Duration {
	t.Helper()
	began, tick := time.Now(), time.NewTicker(5*time.Millisecond)
	defer tick.Stop()
	for !follower.Ended(t.Context(), claims) {
		if time.Since(began) > 20*time.Second {
			t.Fatalf("the ending is not heard: %+v", claims)
		}
		<-tick.C
	}
	return time.Since(began)
}
