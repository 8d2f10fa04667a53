package js

// NewFiles serves a folder as Handler serves the embedded one.
var NewFiles = newFiles
