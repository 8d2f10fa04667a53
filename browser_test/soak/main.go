// Command soak runs the tests beside it for long: twenty tabs of one person in a real
// browser, on a network that loses, delays and falsifies, while the refresh token
// rotates and the browser and the server crash. At the end no session may have been
// lost, and no tab may have had another organization active than its own.
//
//	go run ./browser_test/soak -duration 30m
//
// It also has people type and press at random in an app by the guide, to get a draft into
// another organization: -run Drafts -drafts 1h does that alone, for an hour.
//
// And it has two people act in four tabs of one browser: -run People -people 1h does that
// alone, for an hour.
//
// Each run ends with a line about its acts and results. A run that fails prints its
// seed and the event log of the tab concerned.
package main

import (
	"context"
	"flag"
	"fmt"
	"os"
	"os/exec"
	"os/signal"
	"strconv"
	"time"
)

// startAndEnd is the time that the runs need beside the time spent on acts.
const startAndEnd = 10 * time.Minute

func main() {
	duration := flag.Duration("duration", 30*time.Minute, "wall time of the acts of the twenty tabs, all runs together")
	drafts := flag.Duration("drafts", 5*time.Minute, "wall time of the attempts to get a draft into another organization")
	people := flag.Duration("people", 3*time.Minute, "wall time of the acts of two people in one browser")
	tabs := flag.Int("tabs", 20, "tabs of the person")
	seed := flag.Uint64("seed", 0, "of what happens; 0 draws one")
	only := flag.String("run", "", "run only the tests that match this `REGEXP` (see go help testflag)")
	flag.Parse()
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	defer stop()
	test := exec.CommandContext(ctx, "go", "test", "-tags", "long", "-count=1", "-v", "-run", *only,
		"-timeout", (*duration + *drafts + *people + startAndEnd).String(), "./browser_test/soak",
		"-duration", duration.String(), "-drafts", drafts.String(), "-people", people.String(), "-tabs", strconv.Itoa(*tabs), "-seed", strconv.FormatUint(*seed, 10))
	test.Stdout, test.Stderr = os.Stdout, os.Stderr
	if err := test.Run(); err != nil {
		fmt.Fprintln(os.Stderr, "soak:", err)
		os.Exit(1)
	}
}
