package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"time"

	"github.com/spf13/cobra"

	"github.com/tabard-auth/tabard/backend/host"
	"github.com/tabard-auth/tabard/backend/keys"
	"github.com/tabard-auth/tabard/backend/login"
	"github.com/tabard-auth/tabard/js"
)

func serveCommand() *cobra.Command {
	var s settings
	command := &cobra.Command{
		Use:   "serve",
		Short: "Serve the contract, the browser module and the face",
		Args:  cobra.NoArgs,
		RunE: func(c *cobra.Command, _ []string) error {
			return serve(c.Context(), s, c.ErrOrStderr())
		},
	}
	s.addServer(command.Flags())
	return command
}

// serve runs the server until ctx ends, then lets requests under way finish.
func serve(ctx context.Context, s settings, logs io.Writer) error {
	log := slog.New(slog.NewJSONHandler(logs, nil))
	if err := s.check(); err != nil {
		return err
	}
	if !js.Built() {
		return errors.New("the browser module is not built; run: go run ./js/build")
	}
	secret, err := s.secret()
	if err != nil {
		return err
	}
	store, err := s.open(ctx)
	if err != nil {
		return err
	}
	defer store.Close()
	handler, err := host.New(host.Config{
		PublicURL: s.publicURL, Secret: secret, Algorithm: keys.Algorithm(s.signingAlgorithm),
		Provider: login.Config{Issuer: s.oidcIssuer, ClientID: s.oidcClientID, ClientSecret: s.oidcClientSecret},
		Client:   js.Handler(), Log: log,
	}, store)
	if err != nil {
		return err
	}
	listener, err := net.Listen("tcp", s.listen)
	if err != nil {
		return fmt.Errorf("--listen: %w", err)
	}
	log.Info("serving", "listen", listener.Addr().String(), "public_url", s.publicURL)
	return run(ctx, listener, handler)
}

// Limits of the HTTP server.
const (
	readHeaderTimeout = 5 * time.Second
	readTimeout       = 10 * time.Second
	writeTimeout      = 30 * time.Second
	idleTimeout       = 2 * time.Minute
	shutdownTimeout   = 15 * time.Second
	maxHeader         = 16 << 10
)

func run(ctx context.Context, listener net.Listener, handler http.Handler) error {
	server := &http.Server{
		Handler: handler, ReadHeaderTimeout: readHeaderTimeout, ReadTimeout: readTimeout,
		WriteTimeout: writeTimeout, IdleTimeout: idleTimeout, MaxHeaderBytes: maxHeader,
	}
	failed := make(chan error, 1)
	go func() { failed <- server.Serve(listener) }()
	select {
	case err := <-failed:
		return err
	case <-ctx.Done():
	}
	finish, cancel := context.WithTimeout(context.Background(), shutdownTimeout)
	defer cancel()
	return server.Shutdown(finish)
}
