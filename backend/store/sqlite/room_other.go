//go:build !unix

package sqlite

func room(string) *uint64 { return nil }
