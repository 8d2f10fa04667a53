package idp

import (
	"errors"
	"fmt"
	"net"
)

// ErrNotLoopback refuses to serve a provider without passwords to others.
var ErrNotLoopback = errors.New("the development provider serves loopback addresses only")

// Listen listens on a TCP address that resolves to loopback, and fails with
// [ErrNotLoopback] on any other, the empty host included.
func Listen(address string) (net.Listener, error) {
	resolved, err := net.ResolveTCPAddr("tcp", address)
	if err != nil {
		return nil, fmt.Errorf("idp: listen: %w", err)
	}
	if !resolved.IP.IsLoopback() {
		return nil, fmt.Errorf("idp: listen on %q: %w", address, ErrNotLoopback)
	}
	return net.ListenTCP("tcp", resolved)
}
