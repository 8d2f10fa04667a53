package deploy_test

import (
	"net/netip"
	"net/url"
	"os"
	"strings"
	"testing"

	"sigs.k8s.io/yaml"
)

// composed is what the tests read of compose.yaml.
type composed struct {
	Services map[string]struct {
		Image       string
		Environment map[string]string
		Secrets     []string
	}
	Networks map[string]struct {
		IPAM struct{ Config []struct{ Subnet string } }
	}
	Secrets map[string]struct{ File string }
}

// TestCompose_FitsItsOwnNetwork: what the servers trust is the network that the file makes,
// the database is a service there, and the first lines name each secret and its owner.
func TestCompose_FitsItsOwnNetwork(t *testing.T) {
	text, err := os.ReadFile("compose.yaml")
	if err != nil {
		t.Fatal(err)
	}
	var file composed
	if err := yaml.Unmarshal(text, &file); err != nil {
		t.Fatal(err)
	}
	server, config := file.Services["tabard-1"], file.Networks["default"].IPAM.Config
	if len(config) != 1 || netip.MustParsePrefix(config[0].Subnet).Bits() != 24 {
		t.Fatalf("the network's subnet is not fixed: %+v", config)
	}
	for _, name := range []string{"TABARD_TRUSTED_PROXIES", "TABARD_METRICS_FROM"} {
		if server.Environment[name] != config[0].Subnet {
			t.Errorf("%s is %q, and the network %s", name, server.Environment[name], config[0].Subnet)
		}
	}
	database, err := url.Parse(server.Environment["TABARD_DATABASE"])
	if _, is := file.Services[database.Hostname()]; err != nil || !is {
		t.Errorf("the database is at %v: %v", database, err)
	}
	head, _, _ := strings.Cut(string(text), "\nservices:")
	for _, secret := range file.Secrets {
		if !strings.Contains(head, strings.TrimPrefix(secret.File, "./")) {
			t.Errorf("the first lines do not name %s", secret.File)
		}
	}
	line := database.Hostname() + ":5432" + database.Path + ":" + database.User.Username() + ":PASSWORD"
	for _, want := range []string{strings.Replace(line, "/", ":", 1), "chown 65532 tabard.secret pgpass.secret", "VERSION"} {
		if !strings.Contains(head, want) {
			t.Errorf("the first lines do not say %q", want)
		}
	}
	if len(server.Secrets) != 2 || !strings.HasSuffix(server.Image, ":VERSION") {
		t.Errorf("%+v", server)
	}
}
