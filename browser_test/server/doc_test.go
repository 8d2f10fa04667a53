// Package server tests the program bin/tabard as an operator runs it: starting,
// migrating, rotating keys, being killed.
package server
