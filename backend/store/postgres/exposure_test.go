package postgres

import (
	"testing"

	"github.com/tabard-auth/tabard/backend/store/inspect"
)

// TestExposure_OfAnotherMachine: what the way to a database lacks follows from its
// address. Without sslmode the driver is content with no TLS.
func TestExposure_OfAnotherMachine(t *testing.T) {
	for address, want := range map[string]inspect.Exposure{
		"postgres://a@10.0.0.31/a":                                          inspect.Unencrypted,
		"postgres://a@10.0.0.31/a?sslmode=disable":                          inspect.Unencrypted,
		"postgres://a@10.0.0.31/a?sslmode=allow":                            inspect.Unencrypted,
		"postgres://a@10.0.0.31/a?sslmode=prefer":                           inspect.Unencrypted,
		"postgres://a@10.0.0.31/a?sslmode=require":                          inspect.Unverified,
		"postgres://a@10.0.0.31/a?sslmode=verify-ca":                        "",
		"postgres://a@db.example.com/a?sslmode=verify-full":                 "",
		"postgres://a@[2001:db8::31]/a?sslmode=prefer":                      inspect.Unencrypted,
		"postgres://a@127.0.0.1/a?sslmode=disable":                          "",
		"postgres://a@[::1]/a":                                              "",
		"postgres://a@localhost/a":                                          "",
		"postgres:///a?host=/var/run/postgresql":                            "",
		"postgres://a@127.0.0.1,10.0.0.31/a?sslmode=disable":                inspect.Unencrypted,
		"postgres://a@127.0.0.1:5432,10.0.0.31:5432/a?sslmode=require":      inspect.Unverified,
		"postgres://a@/a?host=/var/run/postgresql,10.0.0.31&sslmode=prefer": inspect.Unencrypted,
	} {
		config, err := parse(address)
		if err != nil {
			t.Fatalf("%s: %v", address, err)
		}
		if got := exposure(config); got != want {
			t.Errorf("%s: %q, not %q", address, got, want)
		}
	}
}
