package workspacefile

// ReadParts is Read in parts of a size, also of a small file.
var ReadParts = readParts
