// Model explores the rotation of refresh tokens in a small world: every order of the
// messages of an honest browser, their loss and duplication, sleep and crashes, and
// every choice of a thief. It runs session.Judge itself.
//
//	go run ./backend/session/proof/model [-full] [-trace] [-only TEXT]
package main

import (
	"flag"
	"fmt"
	"os"
	"strings"
	"time"
)

func main() {
	only := flag.String("only", "", "check only what has this in its name")
	full := flag.Bool("full", false, "also check the larger worlds (minutes, and up to 4 GB)")
	trace := flag.Bool("trace", false, "print the path to a wrong verdict")
	flag.Parse()
	failed := false
	for _, check := range checks() {
		if check.full && !*full || !strings.Contains(check.name, *only) {
			continue
		}
		began := time.Now()
		result := check.run()
		mark := "ok  "
		if !result.ok {
			mark, failed = "FAIL", true
		}
		fmt.Printf("%s %-50s %9d states %6.1f s  %s\n", mark, check.name, result.states, time.Since(began).Seconds(), result.says)
		if *trace {
			for _, line := range result.trace {
				fmt.Println("    ", line)
			}
		}
	}
	if failed {
		os.Exit(1)
	}
}
