//go:build unix

// Package ports finds ports for the programs that tests run.
package ports

import (
	"os"
	"runtime"
	"syscall"
	"testing"
)

// Hold returns a port of 127.0.0.1 that is reserved until the test ends: the system
// assigns it neither to a listener on port 0 nor to the client's end of a connection.
// The test may listen at it by number, again and again, with one listener at a time;
// while there is none, connections are refused.
//
// A port that was assigned and closed may belong to another program by the time it is
// used. This one stays bound, by a socket that never listens: Linux lets another socket
// bind the same port if both set SO_REUSEADDR, as servers do, and neither listens.
// Other systems do not, and there the port is closed.
func Hold(t testing.TB) int {
	t.Helper()
	socket, err := open()
	if err != nil {
		t.Fatal(err)
	}
	let := func() { syscall.Close(socket) }
	port, err := bind(socket)
	if err != nil || runtime.GOOS != "linux" {
		let()
	} else {
		t.Cleanup(let)
	}
	if err != nil {
		t.Fatal(err)
	}
	return port
}

// open opens a socket that no program inherits.
func open() (int, error) {
	syscall.ForkLock.RLock()
	defer syscall.ForkLock.RUnlock()
	socket, err := syscall.Socket(syscall.AF_INET, syscall.SOCK_STREAM, 0)
	if err != nil {
		return 0, os.NewSyscallError("socket", err)
	}
	syscall.CloseOnExec(socket)
	return socket, nil
}

// bind binds a socket to a free port, and lets other sockets bind it by number.
func bind(socket int) (port int, err error) {
	if err := syscall.SetsockoptInt(socket, syscall.SOL_SOCKET, syscall.SO_REUSEADDR, 1); err != nil {
		return 0, os.NewSyscallError("setsockopt", err)
	}
	if err := syscall.Bind(socket, &syscall.SockaddrInet4{Addr: [4]byte{127, 0, 0, 1}}); err != nil {
		return 0, os.NewSyscallError("bind", err)
	}
	address, err := syscall.Getsockname(socket)
	if err != nil {
		return 0, os.NewSyscallError("getsockname", err)
	}
	return address.(*syscall.SockaddrInet4).Port, nil
}
