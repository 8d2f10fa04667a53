//go:build unix

// Package ports finds ports for the programs that tests run.
package ports

import (
	"os"
	"runtime"
	"syscall"
	"testing"
)

// Hold returns a port of 127.0.0.1 that is given to nobody else until the test ends,
// neither to a listener that asks for any port nor to a client's end of a connection.
// Whoever names it may listen at it, again and again, while nobody else does; until then
// connections are refused.
//
// A port that is asked for and let go may belong to another program by the time it is
// used. This one stays bound, by a socket that never listens: Linux lets another socket
// bind what is bound, where both allow it (SO_REUSEADDR, which servers set) and neither
// listens. Other systems do not, and there the port is let go.
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

// bind binds a socket to a port that is free, and lets others bind it that name it.
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
