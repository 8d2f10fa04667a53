package main

import "testing"

func TestTheModel(t *testing.T) {
	for _, check := range checks() {
		if check.full {
			continue // run by make model
		}
		t.Run(check.name, func(t *testing.T) {
			result := check.run()
			t.Logf("%d states: %s", result.states, result.says)
			if !result.ok {
				for _, line := range result.trace {
					t.Log(line)
				}
				t.Fail()
			}
		})
	}
}
