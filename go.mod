module github.com/tabard-auth/tabard

go 1.26

// Go files inside node_modules would break ./... .
ignore ./node_modules
