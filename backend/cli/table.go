package cli

import (
	"fmt"
	"strings"
	"text/tabwriter"

	"github.com/tabard-auth/tabard/backend/admin"
)

// listTable returns a function that formats a list as a table.
func listTable[T any](headings string, cells func(T) []string, none string) func(admin.List[T]) string {
	return func(list admin.List[T]) string {
		if len(list.Items) == 0 {
			return none + "\n"
		}
		var text strings.Builder
		columns := tabwriter.NewWriter(&text, 0, 0, 2, ' ', 0)
		fmt.Fprintln(columns, strings.ReplaceAll(headings, "|", "\t"))
		for _, item := range list.Items {
			fmt.Fprintln(columns, strings.Join(cells(item), "\t"))
		}
		columns.Flush()
		if list.Next != "" {
			fmt.Fprintf(&text, "\nMore: --after %s\n", list.Next)
		}
		return text.String()
	}
}

// fieldTable formats pairs of name and value, one a line.
func fieldTable(fields ...string) string {
	var text strings.Builder
	columns := tabwriter.NewWriter(&text, 0, 0, 2, ' ', 0)
	for i := 0; i+1 < len(fields); i += 2 {
		fmt.Fprintf(columns, "%s\t%s\n", fields[i], fields[i+1])
	}
	columns.Flush()
	return text.String()
}
