//go:build long

package chaos

import (
	"path/filepath"
	"testing"
	"time"

	"github.com/tabard-auth/tabard/backend/store/storetest/pg"
	"github.com/tabard-auth/tabard/browser_test/kit/deployment"
	"github.com/tabard-auth/tabard/browser_test/kit/program"
	"github.com/tabard-auth/tabard/browser_test/upgrade/release"
)

// operations is what operators do, not what breaks.
var operations = []event{
	{name: "SQLite, backed up", replicaLeft: true, prepare: onSQLite, act: func(s *scene) {
		for !s.over() {
			s.tabard("backup", s.newFile())
			s.rest()
		}
	}},
	{name: "SQLite, restored", prepare: onSQLite, act: restore},
	{name: "SQLite, moved to PostgreSQL", prepare: onSQLite, act: move},
	{name: "upgraded from the last release", replicaLeft: true, prepare: onLastRelease, act: upgrade},
}

// tabard runs a command of this release on the deployment's database.
func (s *scene) tabard(args ...string) {
	s.Helper()
	s.Run(program.Path(s, "tabard"), append(args, "--database", s.Database)...)
}

func (s *scene) newFile() string { return filepath.Join(s.TempDir(), "backup.db") }

// restore backs up, lets the crowd go on, and restores that as the guide says. Sessions of
// before end, and none comes back.
func restore(s *scene) {
	for server := s.Replicas[0]; !s.over(); {
		backup := s.newFile()
		s.tabard("backup", backup)
		s.crowd.AwaitNewSignIns(s.TB.(*testing.T))
		s.crowd.EndSessions()
		server.Process.Stop()
		s.tabard("restore", backup, "--replace")
		s.Launch(server)
		server.Process.Await(s.TB.(*testing.T), "tabard restore --accept")
		s.tabard("restore", "--accept", "--secret-file", s.Secret)
		s.crowd.SessionsEnded()
		s.AwaitReady(server)
		s.crowd.AwaitNewSignIns(s.TB.(*testing.T))
	}
}

// move moves everything to PostgreSQL, once.
func move(s *scene) {
	<-time.After(*duration / 4)
	to := deployment.Address(pg.Postgres(s))
	s.Replicas[0].Process.Stop()
	s.tabard("move", "--to", to)
	s.Database = to
	s.Start(s.Replicas[0])
	s.wait()
}

// onLastRelease starts three replicas of the last release on tables of that release.
func onLastRelease(t *testing.T) *scene {
	d := deployment.Prepare(t, *people, pg.Postgres(t))
	d.LastRelease = release.Program(t, "0.1")
	return ready(t, d)
}

// startedAtOnceOnOldTables starts three replicas of this release together, on tables that
// the last release made and served.
func startedAtOnceOnOldTables(t *testing.T) *scene {
	s := onLastRelease(t)
	s.Replicas[0].Process.Kill() // one crashes, and two end in order
	for _, r := range s.Replicas[1:] {
		r.Process.Stop()
	}
	s.LastRelease = ""
	s.StartTogether()
	return s
}

// upgrade brings the replicas to this release one after the other, and back again, for as
// long as there is time; they end at this release.
func upgrade(s *scene) {
	last := s.LastRelease
	<-time.After(*duration / 8)
	s.tabard("migrate") // beside the last release
	for {
		s.replaceAll("")
		if s.over() {
			return
		}
		s.replaceAll(last)
	}
}

func (s *scene) replaceAll(lastRelease string) {
	s.LastRelease = lastRelease
	for _, r := range s.Replicas {
		s.Restart(r)
		s.rest()
		s.rest()
	}
}
