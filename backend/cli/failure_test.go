package cli

import (
	"errors"
	"fmt"
	"testing"

	"github.com/tabard-auth/tabard/backend/api"
	"github.com/tabard-auth/tabard/backend/refusal"
)

func TestAProgramTellsErrorsByTheExitStatus(t *testing.T) {
	for code, want := range map[api.Code]int{
		api.InvalidRequest: 2, api.NotFound: 3, api.AlreadyExists: 4, api.ManagedByFile: 4, api.Conflict: 4,
	} {
		if got := exitStatus(runError{fmt.Errorf("a file: %w", &refusal.Refusal{Code: code})}); got != want {
			t.Errorf("%s: %d, want %d", code, got, want)
		}
	}
	if got := exitStatus(runError{errors.New("the disk is full")}); got != 1 {
		t.Errorf("another error: %d", got)
	}
}
