package bench

import (
	"bytes"
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/tabard-auth/tabard/backend/directory"
	"github.com/tabard-auth/tabard/browser_test/kit/program"
)

// BenchmarkApplyBeside applies a large workspace from a process of its own, next to a
// server under load, and prints how the load slows down. The workspace is applied in
// parts with rests in between, so that other work on the machine disturbs both alike.
// Then the whole workspace is applied again, which changes nothing:
//
//	go test -run '^$' -bench ApplyBeside ./browser_test/bench -args -large 1000 -only PostgreSQL
func BenchmarkApplyBeside(b *testing.B) {
	for _, name := range []string{sqliteName, postgresName} {
		if !wanted(name, kinds[1]) {
			continue
		}
		address := database(b, name)
		loaded := startServer(b, address)
		loaded.fill(requests() + warmUp)
		loaded.prepare(kinds[1])
		whole := loaded.largeFile(0, *large)
		fmt.Printf("%s, %d memberships, a file of %d MB\n", name, *large*100, size(b, whole)>>20)
		var atRest, beside, unchanged phase
		for part := range applyParts {
			file := loaded.largeFile(part**large/applyParts, (part+1)**large/applyParts)
			took := loaded.mintDuring(&beside, func() { apply(b, file, address) })
			loaded.mintDuring(&atRest, func() { time.Sleep(took / 4) })
		}
		peak := 0
		loaded.mintDuring(&unchanged, func() { peak = apply(b, whole, address) })
		fmt.Printf("  at rest           %v\n  beside an apply   %v\n  nothing changes   %v\n", &atRest, &beside, &unchanged)
		fmt.Printf("  memory of the process if nothing changes: %d MB\n", peak)
	}
}

// BenchmarkApplyAlone applies a large workspace twice from a process of its own, to an
// empty database without a load, and prints the memory of the process:
//
//	go test -run '^$' -bench ApplyAlone ./browser_test/bench -args -only PostgreSQL
func BenchmarkApplyAlone(b *testing.B) {
	for _, name := range []string{sqliteName, postgresName} {
		if !wanted(name, kinds[1]) {
			continue
		}
		address := database(b, name)
		file := startServer(b, address).largeFile(0, *large)
		for _, what := range []string{"added", "unchanged"} {
			began := time.Now()
			peak := apply(b, file, address)
			fmt.Printf("%s, %d memberships %s, a file of %d MB: %.0f s, %d MB of memory\n",
				name, *large*100, what, size(b, file)>>20, time.Since(began).Seconds(), peak)
		}
	}
}

// applyParts is the number of parts in which the workspace is applied.
const applyParts = 10

// apply applies a file in a process of its own, and returns its peak memory in MB. The
// kernel's own figure for a process that has ended can be its parent's.
func apply(b *testing.B, file, database string) (peak int) {
	command := exec.Command(program.Path(b, "tabard"), "apply", file, "--database", database)
	var out bytes.Buffer
	command.Stdout, command.Stderr = &out, &out
	if err := command.Start(); err != nil {
		b.Fatal(err)
	}
	ended := make(chan error)
	go func() { ended <- command.Wait() }()
	for {
		select {
		case err := <-ended:
			if err != nil {
				b.Fatalf("%v\n%s", err, &out)
			}
			return peak
		case <-time.After(20 * time.Millisecond):
			peak = max(peak, processes{id: command.Process.Pid}.peak())
		}
	}
}

// phase is what requests and sign-ins took in a phase of the benchmark.
type phase struct {
	time      time.Duration
	requests  int
	rounds    []time.Duration // the p99 of each
	signIns   []time.Duration
	server    time.Duration // CPU
	belowLoad time.Duration // time that the requests took
}

func (p *phase) String() string {
	slices.Sort(p.rounds)
	slices.Sort(p.signIns)
	n, s := len(p.rounds), len(p.signIns)
	return fmt.Sprintf("%4.0f s: %.0f mints a second, server CPU %.2f ms, p99 %.1f ms in the median of %d rounds, %.1f in the 90th percentile, %.1f in the worst; sign-ins: p99 %.0f ms, slowest of %d %.0f ms",
		p.time.Seconds(), float64(p.requests)/p.belowLoad.Seconds(), milli(p.server)/float64(p.requests),
		milli(p.rounds[n/2]), n, milli(p.rounds[n*9/10]), milli(p.rounds[n-1]), milli(p.signIns[s*99/100]), s, milli(p.signIns[s-1]))
}

// mintDuring mints, and signs in members of the file, until do returns. It returns how
// long that took.
func (loaded *loadedServer) mintDuring(p *phase, do func()) time.Duration {
	var over atomic.Bool
	signsIn := make(chan struct{})
	go func() {
		defer close(signsIn)
		for n := 0; !over.Load(); n++ {
			began := time.Now()
			_, err := loaded.store.SignIn(loaded.b.Context(), directory.User{
				ID: directory.NewID("usr_"), Issuer: "https://id.example.com", Subject: fmt.Sprint("person", n*37%(*large*50)), Name: "Person",
			}, began.Unix())
			if err != nil {
				loaded.b.Error(err)
			}
			p.signIns = append(p.signIns, time.Since(began))
			time.Sleep(10 * time.Millisecond)
		}
	}()
	done := make(chan time.Duration)
	go func() {
		began := time.Now()
		do()
		done <- time.Since(began)
	}()
	for {
		loaded.prepare(kinds[1])
		all := loaded.tokenRequests(kinds[1])
		result := loaded.load(all, 4)
		n := len(all) - warmUp
		p.requests, p.rounds = p.requests+n, append(p.rounds, result.p99)
		p.server += result.server * time.Duration(n)
		p.belowLoad += time.Duration(float64(n) / result.perSecond * float64(time.Second))
		select {
		case took := <-done:
			over.Store(true)
			<-signsIn
			p.time += took
			return took
		default:
		}
	}
}

// largeFile writes a workspace file with some of the organizations of a large workspace.
// It leaves the server's app as it is.
func (loaded *loadedServer) largeFile(from, to int) string {
	workspace, err := loaded.store.Workspace(loaded.b.Context())
	loaded.check(err)
	var apps []map[string]any
	for _, a := range workspace.Apps {
		apps = append(apps, map[string]any{"id": a.ID, "name": a.Name, "origins": a.Origins, "audience": a.Audience})
	}
	var text strings.Builder
	for name, value := range map[string]any{"apps": apps, "roles": workspace.Roles, "policy": workspace.Policy} {
		written, err := json.Marshal(value)
		loaded.check(err)
		fmt.Fprintf(&text, "%s: %s\n", name, written)
	}
	role := workspace.RoleNames()[0]
	text.WriteString("issuer: https://id.example.com\norganizations:\n")
	for o := from; o < to; o++ {
		fmt.Fprintf(&text, "- slug: org%d\n  name: Organization %d\n  members:\n", o, o)
		for m := range 100 {
			fmt.Fprintf(&text, "  - {sub: person%d, name: Person, roles: [%s]}\n", (o*100+m*7)%(*large*50), role)
		}
	}
	path := filepath.Join(loaded.b.TempDir(), fmt.Sprintf("large%d-%d.yaml", from, to))
	loaded.check(os.WriteFile(path, []byte(text.String()), 0o600))
	return path
}

func size(b *testing.B, path string) int64 {
	info, err := os.Stat(path)
	if err != nil {
		b.Fatal(err)
	}
	return info.Size()
}
