package main

import (
	"fmt"
	"io"
	"text/tabwriter"
)

// printGreeting prints the demo's address, the people who can sign in, and first steps.
func printGreeting(out io.Writer, o options, w workspace) {
	fmt.Fprintf(out, "\n  Tabard demo: %s\n\n", o.origin())
	if o.devServer() != nil {
		fmt.Fprintf(out, "  Open %s, not %s: sign-in, API and your page are one origin there.\n\n", o.origin(), o.devServer())
	}
	fmt.Fprintf(out, "  Who can sign in (the provider at %s asks for no password):\n", o.providerURL())
	table := tabwriter.NewWriter(out, 0, 0, 3, ' ', 0)
	for _, person := range w.people() {
		fmt.Fprintf(table, "    %s\t%s\n", person.Name, w.memberships(person.Subject))
	}
	_ = table.Flush()
	fmt.Fprint(out, "\n  Northwind Traders signs its people in at its own page: enter it as Dana, or sign in there as Nina.\n")
	fmt.Fprint(out, "\n  Sign in as Alice, open a second tab, choose another organization, reload both.\n")
	fmt.Fprintf(out, "  Open the reports from an organization's notes: a second app (%s), and no second sign-in.\n", o.reports())
	if o.tls {
		fmt.Fprint(out, "  The certificate was made just now: the browser will ask once whether to trust it.\n")
	} else {
		fmt.Fprint(out, "  Safari drops Secure cookies on plain http://localhost; make run ARGS=--tls works there too.\n")
	}
	fmt.Fprintf(out, "  Ctrl-C ends it. %s keeps the sessions for the next start.\n\n", o.state)
}
