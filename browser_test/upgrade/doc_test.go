// Package upgrade runs this release on the state that the last release left: its
// database, its secret, its cookies and its tabs.
package upgrade
