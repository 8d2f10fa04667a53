package bench

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/sha256"
	"syscall"
	"time"
)

// parts is the CPU time of what no mint can do without: of handlers that do nothing and
// that read, under the load that the mint is under, and of verify and sign, each measured
// alone; and that of a handler that does just all of this.
type parts struct {
	empty, reading, verify, sign time.Duration // reading is in a handler that else is empty
	together                     time.Duration
}

func (p parts) read() time.Duration { return p.reading - p.empty }
func (p parts) sum() time.Duration  { return p.reading + p.verify + p.sign }

// least is the least of both of each part.
func (p parts) least(q parts) parts {
	return parts{
		empty: min(p.empty, q.empty), reading: min(p.reading, q.reading), verify: min(p.verify, q.verify),
		sign: min(p.sign, q.sign), together: min(p.together, q.together),
	}
}

// parts measures the parts of a mint under the load that the mint is under.
func (w *world) parts(k kind, connections int) parts {
	requests := w.tokenRequests(k)
	p := parts{
		empty:    w.handler(w.reference.empty, requests, connections),
		reading:  w.handler(w.reference.read, requests, connections),
		together: w.handler(w.reference.together, requests, connections),
	}
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

// handler is the CPU time of a request to a handler of the reference server, under
// the same load.
func (w *world) handler(address string, requests [][]byte, connections int) time.Duration {
	server, database := w.reference.cpu(), w.database.cpu()
	_, _, err := send(address, requests, connections)
	w.check(err)
	return (w.reference.cpu() - server + w.database.cpu() - database) / time.Duration(len(requests))
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
