package bench

import (
	"bufio"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/sha256"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"os/exec"
	"strings"
	"syscall"
	"testing"
	"time"
)

// parts is the CPU time of what no mint can do without.
type parts struct {
	empty, read, verify, sign time.Duration
}

func (p parts) sum() time.Duration { return p.empty + p.read + p.verify + p.sign }

// parts measures the parts of a mint under the load that the mint is under.
func (w *world) parts(k kind, connections int) parts {
	p := parts{empty: w.emptyHandler(w.tokenRequests(k), connections), read: w.readByKey()}
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	w.check(err)
	digest := sha256.Sum256([]byte("a message"))
	var signature []byte
	p.sign = perCall(1000, func(int) {
		signature, err = ecdsa.SignASN1(rand.Reader, key, digest[:])
		w.check(err)
	})
	if k.device {
		p.verify = perCall(1000, func(int) {
			if !ecdsa.VerifyASN1(&key.PublicKey, digest[:], signature) {
				w.b.Fatal("the signature is not good")
			}
		})
	}
	return p
}

// readByKey is a SELECT of a session's row by its key: prepared once, through the
// server's driver.
func (w *world) readByKey() time.Duration {
	statement, err := w.db.Prepare("SELECT * FROM sessions WHERE id = $1")
	w.check(err)
	defer statement.Close()
	columns := len(w.columns("sessions"))
	values, fields := make([]any, columns), make([]any, columns)
	for i := range fields {
		fields[i] = &values[i]
	}
	before := w.database.cpu()
	own := perCall(2000, func(i int) {
		w.check(statement.QueryRow(w.ids[i%len(w.ids)]).Scan(fields...))
	})
	return own + (w.database.cpu()-before)/2000
}

// perCall is the CPU time of one of n calls in this process.
func perCall(n int, call func(int)) time.Duration {
	before := ownCPU()
	for i := range n {
		call(i)
	}
	return (ownCPU() - before) / time.Duration(n)
}

func ownCPU() time.Duration {
	var u syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &u); err != nil {
		panic(err)
	}
	return time.Duration(u.Utime.Nano() + u.Stime.Nano())
}

// emptyServer in the environment makes this program the server of an empty handler.
const emptyServer = "TABARD_BENCH_EMPTY_SERVER"

func serveEmpty() {
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		panic(err)
	}
	fmt.Println(listener.Addr())
	go http.Serve(listener, http.HandlerFunc(func(http.ResponseWriter, *http.Request) {}))
	io.Copy(io.Discard, os.Stdin)
}

// startEmpty starts the server of an empty handler until the benchmark ends.
func startEmpty(b *testing.B) (address string, p processes) {
	command := exec.Command(os.Args[0])
	command.Env = append(os.Environ(), emptyServer+"=1")
	input, err := command.StdinPipe()
	if err != nil {
		b.Fatal(err)
	}
	output, err := command.StdoutPipe()
	if err != nil {
		b.Fatal(err)
	}
	if err := command.Start(); err != nil {
		b.Fatal(err)
	}
	b.Cleanup(func() {
		input.Close()
		command.Wait()
	})
	line, err := bufio.NewReader(output).ReadString('\n')
	if err != nil {
		b.Fatal(err)
	}
	return strings.TrimSpace(line), processes{id: command.Process.Pid}
}

// emptyHandler is an http.HandlerFunc that does nothing, under the same load.
func (w *world) emptyHandler(requests [][]byte, connections int) time.Duration {
	const rounds = 5 // for the clock is coarse
	before := w.empty.cpu()
	for range rounds {
		_, _, err := send(w.emptyAddress, requests, connections)
		w.check(err)
	}
	return (w.empty.cpu() - before) / time.Duration(rounds*len(requests))
}
