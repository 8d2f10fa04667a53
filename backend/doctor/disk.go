package doctor

import "github.com/tabard-auth/tabard/backend/store/inspect"

// Limits on the room that a database file's disk has left, in bytes.
const (
	roomLittle = 1 << 30
	roomNone   = 64 << 20
)

// disk checks that a database that is a file can grow.
func (e *examination) disk(d *inspect.Database) {
	const subject, advice = "disk", "Make room: audit events are the most of a database, see --audit-retention."
	if d.Free == nil {
		return
	}
	switch free := *d.Free; {
	case free < roomNone:
		e.add(subject, Problem, advice, "it is full: the database's disk has %d MB left", free>>20)
	case free < roomLittle:
		e.add(subject, Warning, advice, "the database's disk has %d MB left", free>>20)
	default:
		e.ok(subject, "the database's disk has %d GB left", free>>30)
	}
}

// transit tells what the way to a database on another machine lacks.
func (e *examination) transit(d *inspect.Database) {
	const advice = "Let --database end in sslmode=verify-full, with &sslrootcert=FILE where the authority is your own; PostgreSQL needs a certificate (ssl = on)."
	switch d.Exposed {
	case inspect.Unencrypted:
		e.add(database, Look, advice, "it is on another machine, and the connection need not be encrypted: --database asks for no sslmode, or one below require. Password and rows can be read on the way")
	case inspect.Unverified:
		e.add(database, Look, advice, "it is on another machine, and the certificate of whoever answers is not verified (sslmode=require)")
	}
}

// pooler reports the pooler between the server and its database.
func (e *examination) pooler(d *inspect.Database) {
	switch {
	case !d.Pooler:
	case d.Named:
		e.add(database, Problem, "Remove default_query_exec_mode from --database: the server finds poolers by itself.",
			"a pooler, such as PgBouncer, stands before it, and --database has statements sent by name: in transaction mode they fail")
	default:
		e.add(database, Look, "Let the pooler have as many connections to the database (default_pool_size) as all servers together (pool_max_conns), in session or transaction mode.",
			"a pooler, such as PgBouncer, stands before it; statements are sent without names")
	}
}
