package host_test

import (
	"errors"
	"testing"

	"github.com/tabard-auth/tabard/backend/host"
	"github.com/tabard-auth/tabard/backend/keys"
)

// TestConnectionsOnThisMachineAreForAServerThatNobodyElseReaches: they are for
// development.
func TestConnectionsOnThisMachineAreForAServerThatNobodyElseReaches(t *testing.T) {
	secret, _ := keys.NewSecret()
	for public, want := range map[string]error{
		"https://app.example.com/auth": host.ErrNotLoopback, "https://10.0.0.1/auth": host.ErrNotLoopback, "http://localhost:8080/auth": nil,
	} {
		_, err := host.New(host.Config{PublicURL: public, Secret: secret, LoopbackConnections: true}, nil)
		if !errors.Is(err, want) {
			t.Errorf("%s: %v", public, err)
		}
	}
}
