//go:build !js

package login

import (
	"fmt"
	"net"
	"net/http"
	"net/netip"
	"syscall"
	"time"
)

// maxAnswerHeaders is the largest size of an answer's headers, in bytes.
const maxAnswerHeaders = 64 << 10

// NewWorkspaceTransport returns a transport to the workspace's provider, which may be
// inside the deployment's network and behind the environment's proxy.
func NewWorkspaceTransport() *http.Transport {
	t := http.DefaultTransport.(*http.Transport).Clone()
	t.MaxResponseHeaderBytes = maxAnswerHeaders
	return t
}

// NewTransport returns a transport to organizations' own providers. It checks the
// address after DNS resolution, before dialing. It uses no proxy, since a proxy would
// resolve and dial itself. loopback also allows this machine.
func NewTransport(loopback bool) *http.Transport {
	dialer := &net.Dialer{
		Timeout: providerTimeout,
		Control: func(_, address string, _ syscall.RawConn) error { return checkDialed(address, loopback) },
	}
	return &http.Transport{
		DialContext: dialer.DialContext, ForceAttemptHTTP2: true, TLSHandshakeTimeout: providerTimeout,
		MaxResponseHeaderBytes: maxAnswerHeaders, MaxIdleConns: 100, MaxIdleConnsPerHost: 2, IdleConnTimeout: time.Minute,
	}
}

func checkDialed(address string, loopback bool) error {
	to, err := netip.ParseAddrPort(address)
	if err != nil {
		return fmt.Errorf("%w: %s", ErrAddress, address)
	}
	if IsPublic(to.Addr()) || loopback && to.Addr().Unmap().IsLoopback() {
		return nil
	}
	return fmt.Errorf("%w: %s", ErrAddress, to.Addr())
}
