package bench

import (
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"github.com/tabard-auth/tabard/backend/directory"
	"github.com/tabard-auth/tabard/browser_test/kit/program"
)

// BenchmarkApplyBeside applies a large workspace twice from a process of its own, next
// to a server under load, and prints how the load slows down:
//
//	go test -run '^$' -bench ApplyBeside ./browser_test/bench -args -large 1000 -only PostgreSQL
func BenchmarkApplyBeside(b *testing.B) {
	for _, name := range []string{sqliteName, postgresName} {
		if !wanted(name, kinds[1]) {
			continue
		}
		address := database(b, name)
		w := startServer(b, address)
		w.fill(requests() + warmUp)
		w.prepare(kinds[1])
		file := w.largeFile(*large)
		fmt.Printf("%s, %d memberships, a file of %d MB\n", name, *large*100, size(b, file)>>20)
		w.mintDuring("nothing", func() { time.Sleep(10 * time.Second) })
		for _, what := range []string{"the first apply", "the second apply"} {
			apply := exec.Command(program.Path(b, "tabard"), "apply", file, "--database", address)
			w.mintDuring(what, func() {
				if out, err := apply.CombinedOutput(); err != nil {
					b.Fatalf("%v\n%s", err, out)
				}
			})
			fmt.Printf("    its process: %d MB at most\n", peakOf(apply))
		}
	}
}

// mintDuring mints, and signs in members of the file, until do returns.
func (w *world) mintDuring(what string, do func()) {
	var over atomic.Bool
	var slowest time.Duration
	signedIn := 0
	signsIn := make(chan struct{})
	go func() {
		defer close(signsIn)
		for ; !over.Load(); signedIn++ {
			began := time.Now()
			_, err := w.store.SignIn(w.b.Context(), directory.User{
				ID: directory.NewID("usr_"), Issuer: "https://id.example.com", Subject: fmt.Sprint("person", signedIn*37%1000), Name: "Person",
			}, began.Unix())
			if err != nil {
				w.b.Error(err)
			}
			slowest = max(slowest, time.Since(began))
			time.Sleep(10 * time.Millisecond)
		}
	}()
	done := make(chan time.Duration)
	go func() {
		began := time.Now()
		do()
		done <- time.Since(began)
	}()
	began, minted, worst := time.Now(), 0, time.Duration(0)
	for {
		w.prepare(kinds[1])
		all := w.tokenRequests(kinds[1])
		result := w.load(all, 4)
		minted, worst = minted+len(all), max(worst, result.p99)
		select {
		case took := <-done:
			over.Store(true)
			<-signsIn
			fmt.Printf("  beside %s, %.0f s: %d mints a second in the last round (server CPU %.2f ms), p99 of the worst round %.0f ms; %.0f mints a second with their preparation; %d sign-ins, the slowest %.0f ms\n",
				what, took.Seconds(), int(result.perSecond), milli(result.server), milli(worst), float64(minted)/time.Since(began).Seconds(), signedIn, milli(slowest))
			return
		default:
		}
	}
}

// largeFile writes a workspace file that leaves the server's app as it is.
func (w *world) largeFile(organizations int) string {
	workspace, err := w.store.Workspace(w.b.Context())
	w.check(err)
	var apps []map[string]any
	for _, a := range workspace.Apps {
		apps = append(apps, map[string]any{"id": a.ID, "name": a.Name, "origins": a.Origins, "audience": a.Audience})
	}
	var text strings.Builder
	for name, value := range map[string]any{"apps": apps, "roles": workspace.Roles, "policy": workspace.Policy} {
		written, err := json.Marshal(value)
		w.check(err)
		fmt.Fprintf(&text, "%s: %s\n", name, written)
	}
	role := workspace.RoleNames()[0]
	text.WriteString("issuer: https://id.example.com\norganizations:\n")
	for o := range organizations {
		fmt.Fprintf(&text, "- slug: org%d\n  name: Organization %d\n  members:\n", o, o)
		for m := range 100 {
			fmt.Fprintf(&text, "  - {sub: person%d, name: Person, roles: [%s]}\n", (o*100+m*7)%(organizations*50), role)
		}
	}
	path := filepath.Join(w.b.TempDir(), "large.yaml")
	w.check(os.WriteFile(path, []byte(text.String()), 0o600))
	return path
}

func size(b *testing.B, path string) int64 {
	info, err := os.Stat(path)
	if err != nil {
		b.Fatal(err)
	}
	return info.Size()
}

// peakOf returns the peak memory of a process that has ended, in MB.
func peakOf(c *exec.Cmd) int { return int(c.ProcessState.SysUsage().(*syscall.Rusage).Maxrss >> 10) }
