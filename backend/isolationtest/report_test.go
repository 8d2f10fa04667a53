package isolationtest_test

import (
	"bytes"
	"encoding/json"
	"strings"
	"testing"

	"github.com/santhosh-tekuri/jsonschema/v6"

	"github.com/tabard-auth/tabard/backend/isolationtest"
)

// TestReport_IsOfItsSchema checks reports of every kind of problem.
func TestReport_IsOfItsSchema(t *testing.T) {
	document, err := jsonschema.UnmarshalJSON(bytes.NewReader(isolationtest.ReportSchema))
	if err != nil {
		t.Fatal(err)
	}
	compiler := jsonschema.NewCompiler()
	if err := compiler.AddResource("report.json", document); err != nil {
		t.Fatal(err)
	}
	schema, err := compiler.Compile("report.json")
	if err != nil {
		t.Fatal(err)
	}
	seen := map[isolationtest.Problem]bool{}
	for _, s := range []*sample{plain("the status tells"), plain("the audience is not checked"), cached("a cache knows addresses only"), jsonAPI("a change is made before it is refused")} {
		report := checkSample(t, s, false)
		text, err := json.Marshal(report)
		if err != nil {
			t.Fatal(err)
		}
		value, err := jsonschema.UnmarshalJSON(bytes.NewReader(text))
		if err != nil {
			t.Fatal(err)
		}
		if err := schema.Validate(value); err != nil {
			t.Error(err)
		}
		for _, f := range report.Findings {
			seen[f.Problem] = true
			if f.Why == "" || f.Seen == "" && f.Problem != isolationtest.Accepted || strings.Contains(f.Request, ".one") || !strings.HasPrefix(f.Request, "curl ") {
				t.Errorf("nobody could act on %+v", f)
			}
		}
	}
	for _, problem := range []isolationtest.Problem{isolationtest.Leaked, isolationtest.Changed, isolationtest.Accepted, isolationtest.Distinguished} {
		if !seen[problem] {
			t.Errorf("no report of %s", problem)
		}
	}
}
