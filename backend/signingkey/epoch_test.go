package signingkey_test

import (
	"bytes"
	"strings"
	"testing"

	"github.com/tabard-auth/tabard/backend/signingkey"
)

func TestEpoch_StandsInACommentOfTheSecret(t *testing.T) {
	_, value := signingkey.NewSecret()
	bare := secretOf(t, value)
	for text, want := range map[string]string{
		value:                                  "",
		"# epoch: one\n" + value:               "one",
		"# first\n# epoch: a-1_B\r\n" + value:  "a-1_B",
		value + "\n  # epoch: one  \n":         "one",
		"# epoch: of May\n" + value:            "", // a remark
		"#epoch: one\n" + value:                "",
		"# epoch: backup:one\n" + value:        "", // none that a command writes into a database
		"# epoch: one\n# epoch: one\n" + value: "one",
	} {
		got := secretOf(t, text)
		if got.Epoch() != want {
			t.Errorf("%q has the epoch %q", text, got.Epoch())
		}
		if !bytes.Equal(got.Derive(signingkey.ForLogs)[0], bare.Derive(signingkey.ForLogs)[0]) {
			t.Errorf("%q is another secret", text)
		}
	}
	if _, err := signingkey.ParseSecret("# epoch: one\n# epoch: two\n" + value); err == nil || !strings.Contains(err.Error(), "several epochs") {
		t.Errorf("two epochs: %v", err)
	}
	if e := signingkey.NewEpoch(); secretOf(t, signingkey.EpochLine(e)+"\n"+value).Epoch() != e {
		t.Errorf("%q is not read", e)
	}
}
