// Package server tests the program bin/tabard as an operator runs it: it is started,
// migrates, rotates keys and is killed.
package server
