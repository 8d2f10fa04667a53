// Command fill passes the output of make bench-worker on and puts its figures into the tables of
// worker/D1.md.
//
//	make bench-worker | go run ./worker/bench/fill
package main

import (
	"bufio"
	"fmt"
	"os"
	"regexp"
	"strconv"
	"strings"

	"github.com/tabard-auth/tabard/worker/workerd"
)

// row is a row of a table: its first cells, from the benchmark's name, and metrics by unit.
type row struct {
	cells   []string
	metrics map[string]string
}

// table is a table of the page: the benchmark whose rows it has, and its columns by unit.
type table struct {
	mark    string
	name    *regexp.Regexp
	columns []string
	units   []string
}

var tables = []table{
	{
		"load", regexp.MustCompile(`^BenchmarkLoad/distance=(\d+)/callers=(\d+)/provider=(\w+)`),
		[]string{"D1 away, ms", "callers", "provider", "mints/s", "p50, ms", "p99, ms", "refused", "memory of all instances, MB"},
		[]string{"mints/s", "p50-ms", "p99-ms", "refused", "memory-MB"},
	},
	{
		"distance", regexp.MustCompile(`^BenchmarkDistance/distance=(\d+)`),
		[]string{"D1 away, ms", "sign-in, ms", "entering, ms", "session, ms", "sign-out, ms"},
		[]string{"sign-in-p50-ms", "entering-p50-ms", "session-p50-ms", "sign-out-p50-ms"},
	},
}

func main() {
	lines, err := pass()
	if err == nil {
		err = fill(workerd.Folder()+"/D1.md", lines)
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, "fill: "+err.Error())
		os.Exit(1)
	}
}

// pass copies the input to the output and returns its lines.
func pass() (lines []string, err error) {
	input := bufio.NewScanner(os.Stdin)
	for input.Scan() {
		fmt.Println(input.Text())
		lines = append(lines, input.Text())
	}
	return lines, input.Err()
}

func fill(path string, lines []string) error {
	text, err := os.ReadFile(path)
	if err != nil {
		return err
	}
	page := string(text)
	for _, t := range tables {
		rows := t.rows(lines)
		if len(rows) == 0 {
			continue
		}
		if page, err = replace(page, t.mark, t.write(rows)); err != nil {
			return err
		}
	}
	return os.WriteFile(path, []byte(page), 0o644)
}

// rows returns the rows of the table in the output of go test -bench.
func (t table) rows(lines []string) (all []row) {
	for _, line := range lines {
		found := t.name.FindStringSubmatch(line)
		if found == nil {
			continue
		}
		fields := strings.Fields(line)
		r := row{cells: found[1:], metrics: map[string]string{}}
		for i := 2; i+1 < len(fields); i += 2 {
			r.metrics[fields[i+1]] = round(fields[i])
		}
		all = append(all, r)
	}
	return all
}

// round writes a figure with two digits, or all of its integer part.
func round(figure string) string {
	value, err := strconv.ParseFloat(figure, 64)
	if err != nil {
		return figure
	}
	if value >= 10 || value == 0 {
		return strconv.FormatFloat(value, 'f', 0, 64)
	}
	return strconv.FormatFloat(value, 'g', 2, 64)
}

func (t table) write(rows []row) string {
	var text strings.Builder
	line := func(cells []string) { text.WriteString("| " + strings.Join(cells, " | ") + " |\n") }
	line(t.columns)
	line(strings.Split(strings.Repeat("---,", len(t.columns)-1)+"---", ","))
	for _, r := range rows {
		cells := r.cells
		for _, unit := range t.units {
			cells = append(cells, r.metrics[unit])
		}
		line(cells)
	}
	return text.String()
}

// replace puts a table between the two marks of a page.
func replace(page, mark, text string) (string, error) {
	begin, end := "<!-- "+mark+": make bench-worker | go run ./worker/bench/fill -->\n", "<!-- "+mark+" ends -->\n"
	before, rest, found := strings.Cut(page, begin)
	_, after, ended := strings.Cut(rest, end)
	if !found || !ended {
		return "", fmt.Errorf("D1.md has no table %q", mark)
	}
	return before + begin + "\n" + text + "\n" + end + after, nil
}
