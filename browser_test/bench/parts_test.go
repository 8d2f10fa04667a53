package bench

import "time"

// parts is the CPU time of the parts that every mint needs: of an empty handler, of
// handlers that do one part each, and of one that does all of them, under the same load
// as the mint.
type parts struct{ empty, reading, verifying, signing, together time.Duration }

func (p parts) read() time.Duration   { return p.reading - p.empty }
func (p parts) verify() time.Duration { return p.verifying - p.empty }
func (p parts) sign() time.Duration   { return p.signing - p.empty }
func (p parts) sum() time.Duration    { return p.empty + p.read() + p.verify() + p.sign() }

// least returns the smaller value of each part.
func (p parts) least(q parts) parts {
	return parts{
		empty: min(p.empty, q.empty), reading: min(p.reading, q.reading), verifying: min(p.verifying, q.verifying),
		signing: min(p.signing, q.signing), together: min(p.together, q.together),
	}
}

// parts measures the parts of a mint under its load.
func (loaded *loadedServer) parts(k kind, connections int) parts {
	requests := loaded.tokenRequests(k)
	cost := func(handler string) time.Duration {
		server, database := loaded.reference.cpu(), loaded.database.cpu()
		_, _, err := send(loaded.reference.handlers[handler], requests, connections)
		loaded.check(err)
		return (loaded.reference.cpu() - server + loaded.database.cpu() - database) / time.Duration(len(requests))
	}
	return parts{
		empty: cost("empty"), reading: cost("read"), verifying: cost("verify"), signing: cost("sign"), together: cost("together"),
	}
}
