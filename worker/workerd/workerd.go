// Package workerd runs the Worker where there is no Cloudflare: the real program on
// the real runtime, with a D1 database of its own.
package workerd

import (
	"bufio"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
	"sync"
	"time"

	"github.com/tabard-auth/tabard/backend/directory"
	"github.com/tabard-auth/tabard/backend/signingkey"
)

// Options configure a Worker.
type Options struct {
	// Port is where it listens, on 127.0.0.1.
	Port int
	// Entry is its script, a path below the folder worker; "" means entry.mjs.
	Entry string
	// Variables are its variables and secrets; see Variables.
	Variables map[string]string
	// Desired is applied to its database.
	Desired directory.Desired
	// Script runs on its database after that; empty for none.
	Script string
	// Limits are its rate limits by name; those that are not named are out of reach.
	Limits map[string]int
	// State is the folder of its database; Start makes one.
	State string
	// Assets is the folder of its client's files; "" means js/dist.
	Assets string
	// Buckets are the bindings of its R2 buckets, which are empty.
	Buckets []string
	// NoDatabase leaves out the binding of the database.
	NoDatabase bool
	// Inspector is the port of the isolate's inspector, see Inspect; 0 for none.
	Inspector int
}

// Variables are those that the Worker needs.
func Variables(publicURL, issuer, clientID, clientSecret string) map[string]string {
	_, secret := signingkey.NewSecret()
	return map[string]string{
		"TABARD_PUBLIC_URL": publicURL, "TABARD_SECRET": secret, "TABARD_OIDC_ISSUER": issuer,
		"TABARD_OIDC_CLIENT_ID": clientID, "TABARD_OIDC_CLIENT_SECRET": clientSecret,
	}
}

// Folder is the folder worker of the checkout from which this program was built; of a
// program built with -trimpath, the one of the checkout in which it runs.
var Folder = sync.OnceValue(func() string {
	_, file, _, _ := runtime.Caller(0)
	folder := filepath.Dir(filepath.Dir(file))
	if !filepath.IsAbs(folder) {
		out, _ := exec.Command("go", "list", "-f", "{{.Dir}}", folder).Output()
		folder = strings.TrimSpace(string(out))
	}
	return folder
})

// Worker is a Worker that runs.
type Worker struct {
	node  *exec.Cmd
	input io.Closer
	ended chan struct{} // closed when it has said its last
}

// readyWithin is how long a Worker may take to serve.
const readyWithin = time.Minute

// Launch runs the built Worker with the state of o.State, and returns when it serves.
// Its output goes to log.
func Launch(o Options, log io.Writer) (*Worker, error) {
	if err := Installed(); err != nil {
		return nil, err
	}
	node := exec.Command("node", "workerd/start.mjs")
	node.Dir, node.Stderr = Folder(), log
	input, err := node.StdinPipe()
	if err != nil {
		return nil, err
	}
	output, err := node.StdoutPipe()
	if err != nil {
		return nil, err
	}
	if err := node.Start(); err != nil {
		return nil, err
	}
	w := &Worker{node: node, input: input, ended: make(chan struct{})}
	if _, err = input.Write(o.encode()); err == nil {
		err = w.waitServing(output, log)
	}
	if err != nil {
		return nil, errors.Join(err, w.Stop())
	}
	return w, nil
}

// encode returns the options as start.mjs reads them.
func (o Options) encode() []byte {
	if o.Entry == "" {
		o.Entry = "entry.mjs"
	}
	text, err := json.Marshal(map[string]any{
		"config": filepath.Join(Folder(), "wrangler.jsonc"), "root": Folder(), "entry": o.Entry,
		"port": o.Port, "variables": o.Variables, "state": o.State, "limits": o.Limits,
		"inspector": o.Inspector, "buckets": o.Buckets, "assets": o.Assets, "noDatabase": o.NoDatabase,
	})
	if err != nil { // maps of strings and numbers always encode
		panic(err)
	}
	return append(text, '\n')
}

// waitServing waits until the Worker serves, and goes on copying its output.
func (w *Worker) waitServing(output io.Reader, log io.Writer) error {
	ready := make(chan struct{})
	go func() {
		defer close(w.ended)
		for scanner := bufio.NewScanner(output); scanner.Scan(); {
			if scanner.Text() == "serving" {
				close(ready)
				continue
			}
			fmt.Fprintln(log, scanner.Text())
		}
	}()
	select {
	case <-ready:
		return nil
	case <-w.ended:
		return errors.New("workerd ended")
	case <-time.After(readyWithin):
		return errors.New("workerd does not serve")
	}
}

// Ended is closed when the Worker has ended.
func (w *Worker) Ended() <-chan struct{} { return w.ended }

// Stop ends the Worker.
func (w *Worker) Stop() error {
	w.input.Close() // which ends it
	<-w.ended
	return w.node.Wait()
}
