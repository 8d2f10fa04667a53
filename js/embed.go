package js

import "net/http"

func Built() bool { return true }
func Handler() http.Handler { return http.NotFoundHandler() }
