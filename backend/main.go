// Command tabard is the token backend: it serves the contract, and administers the
// workspace that it serves.
package main

import (
	"os"

	"github.com/tabard-auth/tabard/backend/cli"
)

func main() { os.Exit(cli.Run()) }
