//go:build linux

package ports_test

import (
	"errors"
	"fmt"
	"net"
	"syscall"
	"testing"

	"github.com/tabard-auth/tabard/browser_test/kit/ports"
)

func TestHold_ListenedAtRepeatedly(t *testing.T) {
	address := fmt.Sprintf("127.0.0.1:%d", ports.Hold(t))
	for range 3 {
		if connection, err := net.Dial("tcp", address); !errors.Is(err, syscall.ECONNREFUSED) {
			t.Errorf("before anybody listens: %v, %v", connection, err)
		}
		listener, err := net.Listen("tcp", address)
		if err != nil {
			t.Fatal(err)
		}
		connection, err := net.Dial("tcp", address)
		if err != nil {
			t.Fatal(err)
		}
		connection.Close()
		listener.Close()
	}
}

// A listener on port 0 is never assigned a port that it could not bind by number
// without sharing it.
func TestHold_AssignedToNoOtherListener(t *testing.T) {
	address := fmt.Sprintf("127.0.0.1:%d", ports.Hold(t))
	unshared := net.ListenConfig{Control: func(_, _ string, c syscall.RawConn) (err error) {
		if broken := c.Control(func(socket uintptr) {
			err = syscall.SetsockoptInt(int(socket), syscall.SOL_SOCKET, syscall.SO_REUSEADDR, 0)
		}); broken != nil {
			return broken
		}
		return err
	}}
	if _, err := unshared.Listen(t.Context(), "tcp", address); !errors.Is(err, syscall.EADDRINUSE) {
		t.Errorf("%s was given away: %v", address, err)
	}
}
