package main

import "testing"

func TestOursSignsNobodyOutAndFindsEveryThief(t *testing.T) {
	for _, r := range []int64{240, 3600} {
		results := compare(r, size{harsh: 400, all: 40, thefts: 60})
		ours := results[len(results)-1]
		for c, lived := range ours.honest {
			if lived.signOuts != 0 {
				t.Errorf("R = %d, %s: %d false sign-outs in %d days", r, world[c].name, lived.signOuts, lived.days)
			}
		}
		for i, strategy := range strategies {
			if ours.thefts[i].missed+ours.harshThefts[i].missed != 0 {
				t.Errorf("R = %d: thieves %s missed: %d, in harsh conditions %d", r, strategy.name, ours.thefts[i].missed, ours.harshThefts[i].missed)
			}
		}
	}
}

// The other schemes fail, which shows that the weeks are hard enough to tell schemes
// apart.
func TestTheOthersFail(t *testing.T) {
	const harsh, inStep = 3, 4
	of := map[string]result{}
	for _, s := range compare(240, size{harsh: 100, all: 100, thefts: 60}) {
		of[s.scheme] = s
	}
	for scheme, atLeast := range map[string]float64{
		"strict, revoke": 400, "3 s window": 100, "30 s leeway, previous only": 20, "60 s grace": 0.1,
	} {
		if got := of[scheme].honest[harsh].per100(); got < atLeast {
			t.Errorf("%s: %.2f false sign-outs per 100 working days, want at least %v", scheme, got, atLeast)
		}
	}
	for _, scheme := range []string{"no rotation", "parent of current, counter"} {
		if got := of[scheme].thefts[inStep].missedPercent(); got < 50 {
			t.Errorf("%s: %.0f %% of the thieves in step missed, want most", scheme, got)
		}
	}
	soon := of["ours"].thefts[inStep].medianSeconds()
	for _, scheme := range []string{"60 s grace", "ours, deterministic successor"} {
		if got := of[scheme].thefts[inStep].medianSeconds(); got < 3*soon {
			t.Errorf("%s: a thief in step found after %d s, ours after %d s", scheme, got, soon)
		}
	}
}

func TestATraceDoesNotDependOnTheScheme(t *testing.T) {
	g := generator{conditions: harsh}
	first := append([]event(nil), g.week(7).events...)
	for i, e := range g.week(7).events {
		if first[i] != e {
			t.Fatalf("event %d: %+v, then %+v", i, first[i], e)
		}
	}
}
