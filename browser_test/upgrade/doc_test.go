// Package upgrade runs this release on what the last one left: its database, its secret,
// its cookies and its tabs.
package upgrade
