// Command tabard is the token backend: it serves the contract, and administers the
// workspace that it serves.
package main

import (
	_ "golang.org/x/crypto/x509roots/fallback" // for images that have no certificates of their own

	"os"

	"github.com/tabard-auth/tabard/backend/cli"
)

func main() { os.Exit(cli.Run()) }
