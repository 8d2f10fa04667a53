// Simulation runs working weeks of browsers, with late, lost and duplicate messages,
// sleep and crashes, and of thieves, under this project's rotation and under models of
// others. It prints the cost of each: false sign-outs, and undetected thefts. All
// schemes see the same weeks. This project's scheme is session.Judge itself.
//
// It also runs sessions that an app's server holds: its processes share one refresh
// token and wait for every answer.
//
// A reuse ends one session here. If the workspace's on_reuse is user, it ends all
// sessions in the person's browsers, so one false sign-out would be several.
//
//	go run ./backend/session/proof/simulation [-weeks 26000]
package main

import (
	"flag"
	"fmt"
	"os"
	"text/tabwriter"
	"time"
)

func main() {
	weeks := flag.Int("weeks", 26_000, "weeks of 40 hours to simulate session.Judge in the harshest conditions")
	sessions := flag.Int("held", 300, "sessions held by a server to simulate, of ten days each")
	flag.Parse()
	failed := false
	for _, r := range []int64{240, 3600} {
		began := time.Now()
		results := compare(r, size{harsh: *weeks, all: *weeks / 10, thefts: *weeks / 26})
		fmt.Printf("R = %d s (%.0f s to run)\n\n", r, time.Since(began).Seconds())
		printSignOuts(results)
		printThefts(results)
		ours := results[len(results)-1]
		failed = failed || !ours.faultless()
	}
	printHeld(*sessions)
	if failed {
		fmt.Fprintln(os.Stderr, "session.Judge ended an honest session, or missed a thief")
		os.Exit(1)
	}
}

func printSignOuts(results []result) {
	out := tabwriter.NewWriter(os.Stdout, 0, 0, 2, ' ', tabwriter.AlignRight)
	fmt.Fprint(out, "false sign-outs per 100 working days\t")
	for _, c := range world {
		fmt.Fprintf(out, "%s\t", c.name)
	}
	fmt.Fprint(out, "session-hours in the last\t\n")
	for _, s := range results {
		fmt.Fprintf(out, "%s\t", s.scheme)
		for _, h := range s.honest {
			if h.signOuts == 0 {
				fmt.Fprint(out, "0\t")
				continue
			}
			fmt.Fprintf(out, "%.2f\t", h.per100())
		}
		fmt.Fprintf(out, "%d\t\n", int64(s.honest[len(world)-1].days)*(workingDay/hour))
	}
	fmt.Fprintln(out)
	out.Flush()
}

// printHeld prints how many of the sessions that a server holds are ended falsely.
// Their own limits rotate hourly; a browser's limits are shown for comparison.
func printHeld(sessions int) {
	out := tabwriter.NewWriter(os.Stdout, 0, 0, 2, ' ', tabwriter.AlignRight)
	fmt.Fprintf(out, "of %d sessions of %d days ended falsely\tR = 240 s\tR = 3600 s\t\n", sessions, heldDays)
	for _, c := range []conditions{held, heldBriefly} {
		fmt.Fprintf(out, "%s\t%d\t%d\t\n", c.name, liveHeld(c, 240, sessions), liveHeld(c, 3600, sessions))
	}
	fmt.Fprintln(out)
	out.Flush()
}

func printThefts(results []result) {
	out := tabwriter.NewWriter(os.Stdout, 0, 0, 2, ' ', tabwriter.AlignRight)
	fmt.Fprint(out, "thefts not found, median time to find\t")
	for _, t := range strategies {
		fmt.Fprintf(out, "%s\t", t.name)
	}
	fmt.Fprintln(out)
	print := func(name string, all []thefts) {
		fmt.Fprintf(out, "%s\t", name)
		for _, t := range all {
			if len(t.found) == 0 {
				fmt.Fprint(out, "100 %\t")
				continue
			}
			fmt.Fprintf(out, "%.1f %%, %d s\t", t.missedPercent(), t.medianSeconds())
		}
		fmt.Fprintln(out)
	}
	for _, s := range results {
		print(s.scheme, s.thefts)
	}
	ours := results[len(results)-1]
	print(ours.scheme+", "+harsh.name, ours.harshThefts)
	fmt.Fprintln(out)
	out.Flush()
}
