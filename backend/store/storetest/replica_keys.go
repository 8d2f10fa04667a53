package storetest

import "github.com/tabard-auth/tabard/backend/signingkey"

func recordsReplicaKeys(s *suite) {
	s.must(s.RecordSecretKeys(s.ctx, "a", []string{"old", "new"}, Now, Now))
	s.must(s.RecordSecretKeys(s.ctx, "a", []string{"old", "new"}, Now+60, Now+60))
	s.must(s.RecordSecretKeys(s.ctx, "b", []string{"old"}, Now+10, Now+10))
	s.must(s.RecordShutdown(s.ctx, "b", Now+20))
	all, err := s.SecretKeys(s.ctx)
	s.must(err)
	s.is(all, []signingkey.ReplicaKey{
		{ID: "old", Replica: "a", Index: 0, FirstSeen: Now, LastSeen: Now + 60},
		{ID: "new", Replica: "a", Index: 1, FirstSeen: Now, LastSeen: Now + 60},
		{ID: "old", Replica: "b", Index: 0, FirstSeen: Now + 10, LastSeen: Now + 10, LeftAt: Now + 20},
	})
	s.must(s.RetireSecretKey(s.ctx, "old", Now+70))
	s.must(s.RetireSecretKey(s.ctx, "old", Now+80))
	old, err := s.SecretKey(s.ctx, "old")
	s.must(err)
	s.is(len(old), 2)
	s.is(old[0].RetiredAt, int64(Now+70))
	s.must(s.RecordSecretKeys(s.ctx, "c", []string{"old", "new"}, Now, Now+100))
	s.must(s.RecordSecretKeys(s.ctx, "c", []string{"new"}, Now+50, Now+150))
	old, err = s.SecretKey(s.ctx, "old")
	s.must(err)
	s.is(old[len(old)-1].LastSeen, int64(Now+50))
	none, err := s.SecretKey(s.ctx, "another")
	s.must(err)
	s.is(len(none), 0)
}

// The last use of a value stays recorded, because refresh tokens live longer than
// replicas.
func keepsLastReplicaKeys(s *suite) {
	for i, replica := range []string{"a", "b", "c"} {
		at := int64(Now + 10*i)
		s.must(s.RecordSecretKeys(s.ctx, replica, []string{"old", "new"}, at, at))
	}
	s.must(s.RecordSecretKeys(s.ctx, "d", []string{"new", "old"}, Now+30, Now+30))
	s.must(s.DeleteSecretKeys(s.ctx, Now+25))
	all, err := s.SecretKeys(s.ctx)
	s.must(err)
	var left []string
	for _, k := range all {
		left = append(left, k.Replica+" "+k.ID)
	}
	s.is(left, []string{"c old", "c new", "d new", "d old"})
}
