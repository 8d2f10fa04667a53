package workspacefile

// ReadParts is Read in parts of the given size, for small files too.
var ReadParts = readParts
