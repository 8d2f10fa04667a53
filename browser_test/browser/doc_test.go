// Package browser tests the promises in Chromium and Firefox, on the server and on the
// Worker.
package browser
