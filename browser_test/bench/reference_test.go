package bench

import (
	"bufio"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/sha256"
	"database/sql"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"os/exec"
	"strings"
	"sync/atomic"
	"testing"
)

// reference is the server that a mint is compared with, in a process of its own:
// net/http with an empty handler, handlers for one part of a mint each, and one for all
// parts.
type reference struct {
	processes
	handlers map[string]string // addresses
}

// referenceVariable in the environment makes this program the reference server on that
// database.
const referenceVariable = "TABARD_BENCH_REFERENCE_ON"

// startReference starts the reference server until the benchmark ends.
func startReference(b *testing.B, database string) reference {
	command := exec.Command(os.Args[0])
	command.Env = append(os.Environ(), referenceVariable+"="+database)
	command.Stderr = os.Stderr
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
	r := reference{processes{id: command.Process.Pid}, map[string]string{}}
	for field := range strings.FieldsSeq(line) {
		name, address, _ := strings.Cut(field, "=")
		r.handlers[name] = address
	}
	return r
}

// serveReference serves until the standard input ends.
func serveReference(database string) error {
	handlers, err := handlers(database)
	if err != nil {
		return err
	}
	for name, handler := range handlers {
		listener, err := net.Listen("tcp", "127.0.0.1:0")
		if err != nil {
			return err
		}
		fmt.Print(name, "=", listener.Addr(), " ")
		go http.Serve(listener, handler)
	}
	fmt.Println()
	_, err = io.Copy(io.Discard, os.Stdin)
	return err
}

// reader returns the handler that reads a session's row by its key: prepared once,
// through the server's driver.
func reader(database string) (http.HandlerFunc, error) {
	db, err := openDatabase(database)
	if err != nil {
		return nil, err
	}
	ids, err := sessionIDs(db, "", requests())
	if err != nil {
		return nil, err
	}
	statement, err := db.Prepare("SELECT * FROM sessions WHERE id = $1")
	if err != nil {
		return nil, err
	}
	columns, err := columnsOf(db, "sessions")
	if err != nil {
		return nil, err
	}
	var next atomic.Int64
	return func(w http.ResponseWriter, _ *http.Request) {
		values, fields := make([]any, len(columns)), make([]any, len(columns))
		for i := range fields {
			fields[i] = &values[i]
		}
		if err := statement.QueryRow(ids[int(next.Add(1))%len(ids)]).Scan(fields...); err != nil {
			http.Error(w, err.Error(), http.StatusInternalServerError)
		}
	}, nil
}

// handlers are the reference's, by name.
func handlers(database string) (map[string]http.HandlerFunc, error) {
	read, err := reader(database)
	if err != nil {
		return nil, err
	}
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return nil, err
	}
	digest := sha256.Sum256([]byte("a message"))
	signature, err := ecdsa.SignASN1(rand.Reader, key, digest[:])
	if err != nil {
		return nil, err
	}
	verify := func(w http.ResponseWriter, r *http.Request) {
		if r.Header.Get("DPoP") != "" && !ecdsa.VerifyASN1(&key.PublicKey, digest[:], signature) {
			w.WriteHeader(http.StatusInternalServerError)
		}
	}
	sign := func(w http.ResponseWriter, _ *http.Request) {
		if _, err := ecdsa.SignASN1(rand.Reader, key, digest[:]); err != nil {
			w.WriteHeader(http.StatusInternalServerError)
		}
	}
	return map[string]http.HandlerFunc{
		"empty": func(http.ResponseWriter, *http.Request) {}, "read": read, "verify": verify, "sign": sign,
		"together": func(w http.ResponseWriter, r *http.Request) {
			read(w, r)
			verify(w, r)
			sign(w, r)
		},
	}, nil
}

// openDatabase opens a database as the store does.
func openDatabase(address string) (db *sql.DB, err error) {
	if path, embedded := strings.CutPrefix(address, "sqlite:"); embedded {
		db, err = sql.Open("sqlite", "file:"+path+"?_pragma=busy_timeout(10000)")
	} else {
		db, err = sql.Open("pgx", address)
	}
	if err == nil {
		db.SetMaxOpenConns(4)
		db.SetMaxIdleConns(4)
	}
	return db, err
}

func columnsOf(db *sql.DB, table string) ([]string, error) {
	rows, err := db.Query("SELECT * FROM " + table + " LIMIT 0")
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	return rows.Columns()
}

// sessionIDs returns a random sample of at most n sessions' ids, without one.
func sessionIDs(db *sql.DB, without string, n int) (ids []string, err error) {
	rows, err := db.Query("SELECT id FROM sessions WHERE id <> $1 ORDER BY random() LIMIT $2", without, n)
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	for rows.Next() {
		var id string
		if err := rows.Scan(&id); err != nil {
			return nil, err
		}
		ids = append(ids, id)
	}
	return ids, rows.Err()
}
