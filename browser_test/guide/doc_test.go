// Package guide runs the commands and the code of the project's documents, and the
// package as npm packs it.
package guide
