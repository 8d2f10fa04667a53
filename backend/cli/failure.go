package cli

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"slices"

	"github.com/spf13/cobra"

	"github.com/tabard-auth/tabard/backend/api"
	"github.com/tabard-auth/tabard/backend/refusal"
)

// The exit statuses, besides 0 and 1.
const (
	exitInvalid  = 2 // the request or the command line is invalid
	exitNotFound = 3
	exitConflict = 4 // the object exists, is managed by the file, or was changed in the meantime
	exitPartial  = 5 // no problem was found, but a part was not examined
)

// problemsFound is the code of a command that ran and found problems.
const problemsFound api.Code = "problems_found"

// partlyExamined is the code of a command that found no problems but did not examine a part.
const partlyExamined api.Code = "partly_examined"

// partialError is its error.
type partialError string

func (f partialError) Error() string { return string(f) }

// problemsError is the error of a command that found problems.
type problemsError string

func (f problemsError) Error() string { return string(f) }

// runError is the error of a command that ran. Other errors are of an invalid command
// line.
type runError struct{ error }

func (f runError) Unwrap() error { return f.error }

// markFailures wraps the errors of every command in runError.
func markFailures(c *cobra.Command) {
	if run := c.RunE; run != nil {
		c.RunE = func(c *cobra.Command, args []string) error {
			if err := run(c, args); err != nil {
				return runError{err}
			}
			return nil
		}
	}
	for _, further := range c.Commands() {
		markFailures(further)
	}
}

// codeOf returns the stable code of a command's error.
func codeOf(err error) api.Code {
	var refused *refusal.Refusal
	var settings wrongSettings
	var problems problemsError
	switch {
	case errors.As(err, &refused):
		return refused.Code
	case !errors.As(err, new(runError)), errors.As(err, &settings):
		return api.InvalidRequest
	case errors.As(err, &problems):
		return problemsFound
	case errors.As(err, new(partialError)):
		return partlyExamined
	}
	return api.ServerError
}

// exitStatus returns the exit status of an error.
func exitStatus(err error) int {
	switch codeOf(err) {
	case api.InvalidRequest:
		return exitInvalid
	case api.NotFound:
		return exitNotFound
	case api.AlreadyExists, api.ManagedByFile, api.Conflict:
		return exitConflict
	case partlyExamined:
		return exitPartial
	}
	return 1
}

// report prints an error as text, or as one line of JSON.
func report(w io.Writer, err error, asJSON bool) {
	if !asJSON {
		fmt.Fprintln(w, "tabard: "+err.Error())
		return
	}
	text := json.NewEncoder(w)
	text.SetEscapeHTML(false)
	text.Encode(api.Error{Code: codeOf(err), Description: err.Error()})
}

// asksForJSON reports whether a command line has --json, even if it cannot be parsed.
func asksForJSON(args []string) bool {
	if end := slices.Index(args, "--"); end >= 0 {
		args = args[:end]
	}
	return slices.Contains(args, "--json") || slices.Contains(args, "--json=true")
}
