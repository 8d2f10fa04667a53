// Package deploy_test holds what operators start from against the programs that read it.
package deploy_test

import (
	"bytes"
	"fmt"
	"os"
	"os/exec"
	"strings"
	"testing"

	apps "k8s.io/api/apps/v1"
	core "k8s.io/api/core/v1"
	disruption "k8s.io/api/policy/v1"
	"sigs.k8s.io/yaml"
)

// kinds are the Kubernetes objects of the manifests, each decoded as strictly as the
// API server does.
var kinds = map[string]func() any{
	"v1/ConfigMap":                  func() any { return new(core.ConfigMap) },
	"v1/Service":                    func() any { return new(core.Service) },
	"apps/v1/Deployment":            func() any { return new(apps.Deployment) },
	"policy/v1/PodDisruptionBudget": func() any { return new(disruption.PodDisruptionBudget) },
}

func TestKubernetes_ManifestsAreStrict(t *testing.T) {
	text, err := os.ReadFile("kubernetes.yaml")
	if err != nil {
		t.Fatal(err)
	}
	decoded := 0
	for _, document := range bytes.Split(text, []byte("\n---\n")) {
		var head struct{ APIVersion, Kind string }
		if err := yaml.Unmarshal(document, &head); err != nil {
			t.Fatal(err)
		}
		kind := head.APIVersion + "/" + head.Kind
		object, known := kinds[kind]
		if !known {
			t.Errorf("%s is not expected", kind)
			continue
		}
		if err := yaml.UnmarshalStrict(document, object()); err != nil {
			t.Errorf("%s: %v", kind, err)
		}
		decoded++
	}
	if decoded != len(kinds) {
		t.Errorf("%d of %d objects were decoded", decoded, len(kinds))
	}
}

// TestKubernetes_PodIsRestricted holds the pod to the restricted Pod Security Standard.
func TestKubernetes_PodIsRestricted(t *testing.T) {
	text, err := os.ReadFile("kubernetes.yaml")
	if err != nil {
		t.Fatal(err)
	}
	var deployment apps.Deployment
	for _, document := range bytes.Split(text, []byte("\n---\n")) {
		if bytes.Contains(document, []byte("kind: Deployment")) {
			if err := yaml.UnmarshalStrict(document, &deployment); err != nil {
				t.Fatal(err)
			}
		}
	}
	pod := deployment.Spec.Template.Spec
	container := pod.Containers[0].SecurityContext
	switch {
	case !*pod.SecurityContext.RunAsNonRoot, *container.AllowPrivilegeEscalation, !*container.ReadOnlyRootFilesystem:
		t.Error("the container may do more than it needs")
	case fmt.Sprint(container.Capabilities.Drop) != "[ALL]", pod.SecurityContext.SeccompProfile.Type != core.SeccompProfileTypeRuntimeDefault:
		t.Error("the container has capabilities or system calls to spare")
	case *pod.TerminationGracePeriodSeconds <= 30:
		t.Error("requests under way have no time to end")
	}
}

// TestUnit_IsHardened has systemd judge the unit: 2.0 of 10 is the most that it may be
// exposed.
func TestUnit_IsHardened(t *testing.T) {
	said, err := exec.Command("systemd-analyze", "security", "--offline=true", "--threshold=20", "--no-pager", "./tabard.service").CombinedOutput()
	if err != nil || !strings.Contains(string(said), "Overall exposure level") {
		t.Errorf("%v\n%s", err, said)
	}
}

// TestUnit_DoesNotGiveUp: systemd ends a unit that fails five times in ten seconds, unless
// it sets no limit, though the database may be back a minute later.
func TestUnit_DoesNotGiveUp(t *testing.T) {
	unit, err := os.ReadFile("tabard.service")
	if err != nil {
		t.Fatal(err)
	}
	before, _, _ := strings.Cut(string(unit), "[Service]")
	if !strings.Contains(before, "\nStartLimitIntervalSec=0\n") || !strings.Contains(string(unit), "\nRestart=always\n") {
		t.Errorf("the unit gives up:\n%s", unit)
	}
}
