package main

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"time"
)

const (
	readyWithin = time.Minute
	stopWithin  = 15 * time.Second
)

// backend is the running bin/tabard.
type backend struct {
	ended chan struct{} // closed when the program has ended
	err   error         // why; read it after ended is closed
	key   string        // the notes' server's, to the workspace's sessions
}

// startBackend applies the workspace and starts the program; it ends when ctx
// does. Its logs go where the demo's own output goes.
func startBackend(ctx context.Context, o options, workspaceFile, clientSecret string) (*backend, error) {
	if _, err := os.Stat(o.tabard); err != nil {
		return nil, fmt.Errorf("%w (make build makes it; --tabard names another)", err)
	}
	database := "sqlite:" + filepath.Join(o.state, "tabard.db")
	env := append(dropTabardVariables(os.Environ()), "TABARD_DATABASE="+database, "TABARD_OIDC_CLIENT_SECRET="+clientSecret)
	apply := tabard(ctx, o, env, "apply", workspaceFile)
	if err := apply.Run(); err != nil {
		return nil, fmt.Errorf("%s apply: %w", o.tabard, err)
	}
	key, err := workspaceKey(o, env)
	if err != nil {
		return nil, err
	}
	serve := tabard(ctx, o, env, "serve",
		"--listen", o.backendAddress(),
		"--public-url", o.publicURL(),
		"--oidc-issuer", o.providerURL(),
		"--oidc-client-id", clientID,
		"--loopback-connections")
	if err := serve.Start(); err != nil {
		return nil, err
	}
	b := &backend{ended: make(chan struct{}), key: key}
	go func() {
		b.err = serve.Wait()
		close(b.ended)
	}()
	return b, b.waitReady(ctx, "http://"+o.backendAddress()+mount+"/readyz")
}

func tabard(ctx context.Context, o options, env []string, args ...string) *exec.Cmd {
	cmd := exec.CommandContext(ctx, o.tabard, args...)
	cmd.Env, cmd.Stdout, cmd.Stderr = env, os.Stdout, os.Stderr
	cmd.Cancel = func() error { return cmd.Process.Signal(os.Interrupt) }
	cmd.WaitDelay = stopWithin
	return cmd
}

// waitReady waits until the program is ready, and fails if it ends instead.
func (b *backend) waitReady(ctx context.Context, address string) error {
	ctx, cancel := context.WithTimeoutCause(ctx, readyWithin, fmt.Errorf("the backend did not answer at %s within %v", address, readyWithin))
	defer cancel()
	again := time.NewTicker(50 * time.Millisecond)
	defer again.Stop()
	for !isReady(ctx, address) {
		select {
		case <-b.ended:
			return b.failure()
		case <-ctx.Done():
			return context.Cause(ctx)
		case <-again.C:
		}
	}
	return nil
}

func isReady(ctx context.Context, address string) bool {
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, address, nil)
	if err != nil {
		return false
	}
	response, err := http.DefaultClient.Do(request)
	if err != nil {
		return false
	}
	response.Body.Close()
	return response.StatusCode == http.StatusOK
}

// failure returns the reason why the program ended.
func (b *backend) failure() error {
	<-b.ended
	if b.err == nil {
		return errors.New("the backend ended")
	}
	return fmt.Errorf("the backend ended: %w", b.err)
}

// dropTabardVariables removes the settings of another backend from the environment.
func dropTabardVariables(environ []string) []string {
	var rest []string
	for _, variable := range environ {
		if !strings.HasPrefix(variable, "TABARD_") {
			rest = append(rest, variable)
		}
	}
	return rest
}
