package isolationtest

import (
	"net/http"
	"net/url"
	"regexp"
	"slices"
	"strings"
)

var headerName = regexp.MustCompile(`^[A-Za-z0-9-]+$`)

// setPath sets a request's path, which is escaped.
func setPath(r *http.Request, escaped string) {
	path, err := url.PathUnescape(escaped)
	if err != nil {
		return
	}
	r.URL.Path, r.URL.RawPath = path, escaped
}

// spellings are ways to write a path that routers and checks may read differently.
var spellings = []struct {
	name  string
	write func(path string) string
}{
	{"a slash at the end", func(p string) string { return p + "/" }},
	{"a double slash at the start", func(p string) string { return "/" + p }},
	{"double slashes", func(p string) string { return "/" + strings.ReplaceAll(p[1:], "/", "//") }},
	{"capitals", func(p string) string { return capitals(p, strings.ToUpper) }},
	{"a capital", func(p string) string {
		return capitals(p, func(s string) string { return strings.ToUpper(s[:1]) + s[1:] })
	}},
	{"an encoded slash", func(p string) string { return "/" + strings.Replace(p[1:], "/", "%2F", 1) }},
	{"a dot", func(p string) string { return "/." + p }},
	{"dots", func(p string) string { return "/x/.." + p }},
	{"encoded dots", func(p string) string { return "/x/%2e%2e" + p }},
	{"an encoded letter", func(p string) string { return "/%" + hexOf(p[1]) + p[2:] }},
	{"a parameter of the path", func(p string) string { return p + ";a=b" }},
	{"a space at the end", func(p string) string { return p + "%20" }},
	{"an encoded end of text", func(p string) string { return p + "%00" }},
	{"an encoded question mark", func(p string) string { return p + "%3f" }},
	{".json", func(p string) string { return p + ".json" }},
	{".csv", func(p string) string { return p + ".csv" }},
	{".xml", func(p string) string { return p + ".xml" }},
	{".html", func(p string) string { return p + ".html" }},
	{".txt", func(p string) string { return p + ".txt" }},
	{".pdf", func(p string) string { return p + ".pdf" }},
	{".xlsx", func(p string) string { return p + ".xlsx" }},
	{"/export", func(p string) string { return p + "/export" }},
	{"/download", func(p string) string { return p + "/download" }},
	{"/content", func(p string) string { return p + "/content" }},
	{"/history", func(p string) string { return p + "/history" }},
	{"/raw", func(p string) string { return p + "/raw" }},
}

// capitals changes the words of a path, which are not ids.
func capitals(path string, change func(string) string) string {
	segments := strings.Split(path, "/")
	for i, s := range segments {
		if plainWord.MatchString(s) {
			segments[i] = change(s)
		}
	}
	return strings.Join(segments, "/")
}

var plainWord = regexp.MustCompile(`^[a-z-]+$`)

func hexOf(c byte) string {
	const digits = "0123456789ABCDEF"
	return string([]byte{digits[c>>4], digits[c&15]})
}

// spelled returns an attempt for each of some spellings.
func (s service) spelled(at target, some func(name string) bool) (all []attempt) {
	for _, spelling := range spellings {
		if !some(spelling.name) {
			continue
		}
		all = append(all, attempt{name: at.name + ", with " + spelling.name, at: at, odd: true, change: func(r *http.Request, _, _ record) {
			if path := r.URL.EscapedPath(); len(path) > 2 {
				setPath(r, spelling.write(path))
			}
		}})
	}
	return all
}

// paths spells a foreign path in other ways, and asks for it with other methods.
func (s service) paths(route Route, at target) []attempt {
	all := append(s.spelled(at, func(string) bool { return true }), attempt{name: at.name + ", by a path that goes up", at: at, odd: true, change: func(r *http.Request, own, others record) {
		path := r.URL.EscapedPath()
		for name, value := range others.values {
			if name != "canary" && value != "" && value != own.values[name] {
				path = strings.Replace(path, "/"+value, "/"+own.values[name]+"/..%2F"+value, 1)
			}
		}
		setPath(r, path)
	}}, attempt{name: at.name + ", as the original address", at: at, odd: true, change: func(r *http.Request, own, _ record) {
		foreign := r.URL.RequestURI()
		for _, header := range []string{"X-Original-URL", "X-Rewrite-URL", "X-Forwarded-Uri", "X-Forwarded-Path"} {
			r.Header.Set(header, foreign)
		}
		path, _ := route.filled(own.values)
		if to, err := url.Parse(path); err == nil {
			r.URL.Path, r.URL.RawPath, r.URL.RawQuery = to.Path, to.RawPath, to.RawQuery
		}
	}})
	if at.record {
		all = append(all, s.inOtherCase(at))
	}
	return append(all, s.methods(route, at)...)
}

// methods asks for a foreign record with methods that are in no route of its path, and
// with methods that override the request's. The first route of a path tries them.
func (s service) methods(route Route, at target) (all []attempt) {
	if !route.namesRecord(s.OrganizationParam) {
		return nil
	}
	used, body := map[string]bool{}, ""
	for _, other := range s.Routes {
		if other.Path == route.Path {
			if len(used) == 0 && other != route {
				return nil
			}
			used[other.Method] = true
			if strings.HasPrefix(other.Body, "{") {
				body = other.Body
			}
		}
	}
	filled := func(r *http.Request, own record) {
		if r.ContentLength == 0 && body != "" {
			_, text := Route{Body: body}.filled(own.values)
			setBody(r, text)
			r.Header.Set("Content-Type", "application/json")
		}
	}
	for _, method := range methods {
		if !used[method] {
			all = append(all, attempt{name: at.name + ", by " + method, at: at, odd: true, writes: method != http.MethodHead && method != http.MethodGet, change: func(r *http.Request, own, _ record) {
				r.Method = method
				if method != http.MethodHead && method != http.MethodGet {
					filled(r, own)
				}
			}})
		}
		if method == http.MethodPost || method == http.MethodHead {
			continue
		}
		all = append(all, attempt{name: at.name + ", by POST that stands for " + method, at: at, odd: true, writes: true, change: func(r *http.Request, own, _ record) {
			r.Method = http.MethodPost
			for _, header := range []string{"X-HTTP-Method-Override", "X-HTTP-Method", "X-Method-Override"} {
				r.Header.Set(header, method)
			}
			filled(r, own)
			setQuery(r, "_method", method)
			addMember(r, "_method", method)
		}})
	}
	return all
}

// views asks for other formats and for more than a plain request gets.
func (s service) views(at target) (all []attempt) {
	for _, accept := range []string{"text/csv", "application/xml", "text/html", "text/plain", "application/x-ndjson", "text/event-stream", "application/pdf", "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"} {
		all = append(all, attempt{name: at.name + " as " + accept, at: at, odd: true, change: func(r *http.Request, _, _ record) { r.Header.Set("Accept", accept) }})
	}
	if !at.record {
		all = append(all, s.spelled(at, func(name string) bool { return name[0] == '.' || name[0] == '/' })...)
	}
	for _, each := range []struct {
		name   string
		fields []string
	}{
		{"a format", []string{"format=csv", "_format=csv", "output=csv", "export=csv", "as=csv", "type=csv"}},
		{"another format", []string{"format=xml", "format=json", "format=html", "download=1", "raw=1", "export=1", "print=1"}},
		{"everything included", []string{"include=all", "include=*", "expand=all", "expand=*", "embed=*", "fields=*", "with=*", "populate=*", "depth=5", "debug=1", "verbose=1"}},
		{"a wide scope", []string{"all=true", "all=1", "scope=all", "view=all", "global=true", "admin=true", "any=true", "shared=true", "public=true", "deleted=true", "include_deleted=true", "archived=true", "status=all", "mine=false"}},
		{"a large limit", []string{"limit=1000", "per_page=1000", "page_size=1000", "pageSize=1000", "size=1000", "count=1000", "first=1000", "take=1000", "max=1000", "top=1000"}},
		{"a limit of 100", []string{"limit=100", "per_page=100", "page_size=100", "pageSize=100", "size=100", "first=100"}},
		{"no limit", []string{"limit=0", "per_page=0", "page_size=-1", "limit=-1", "nolimit=1"}},
		{"the second page", []string{"page=2", "offset=1", "skip=1", "start=1", "p=2"}},
		{"page 0", []string{"page=0", "offset=-1", "page=-1"}},
		{"an order", []string{"sort=id", "sort=-id", "sort=created_at", "sort_by=id", "order_by=id", "orderBy=id", "order=desc", "sort=name", "ordering=-id"}},
		{"a group", []string{"group_by=id", "groupBy=id", "distinct=1", "aggregate=count", "stats=1", "summary=1", "facets=*", "count=true"}},
		{"a time", []string{"since=2000-01-01T00:00:00Z", "updated_since=2000-01-01", "after=0", "from=2000-01-01", "modified_after=2000-01-01"}},
	} {
		all = append(all, fields(at, each.name, each.fields))
	}
	return append(all, attempt{name: at.name + " in parts and compressed", at: at, odd: true, change: func(r *http.Request, _, _ record) {
		r.Header.Set("Range", "bytes=0-4095")
		r.Header.Set("Accept-Encoding", "gzip")
		r.Header.Set("Prefer", "return=representation")
		r.Header.Set("Cache-Control", "max-age=3600, only-if-cached")
	}})
}

// fields adds fields to the query.
func fields(at target, name string, all []string) attempt {
	var parts []attempt
	for _, field := range all {
		key, value, _ := strings.Cut(field, "=")
		parts = append(parts, attempt{name: at.name + " and the query " + field, at: at, odd: true, change: func(r *http.Request, _, _ record) {
			if !r.URL.Query().Has(key) {
				setQuery(r, key, value)
			}
		}})
	}
	return together(at.name+" with "+name, at, parts)
}

var searchNames = []string{"q", "search", "query", "filter", "s", "term", "keyword", "name", "text", "title", "name_like", "prefix", "starts_with", "filter[text]", "where"}

// searches look for what every canary begins with, and for patterns that match all.
func (s service) searches(route Route, at target) (all []attempt) {
	for _, text := range []string{canaryPrefix, "*", "%", "' OR '1'='1", ""} {
		var parts []attempt
		for _, name := range append(slices.Clone(searchNames), s.Names...) {
			parts = append(parts, attempt{name: "a search for " + quotedText(text) + " in the query " + name, at: at, odd: true, change: func(r *http.Request, _, _ record) { setQuery(r, name, text) }})
		}
		all = append(all, together("a search for "+quotedText(text), at, parts))
		if strings.Contains(route.Body, "{canary}") || strings.Contains(route.Path, "{canary}") {
			all = append(all, attempt{name: "a search for " + quotedText(text) + " in place of its own text", at: at, odd: true, change: func(r *http.Request, own, _ record) {
				r.URL.RawQuery = strings.ReplaceAll(r.URL.RawQuery, own.canary, url.QueryEscape(text))
				setPath(r, strings.ReplaceAll(r.URL.EscapedPath(), own.canary, url.PathEscape(text)))
				editBody(r, func(members map[string]any) { replaced(members, own.canary, text) })
			}})
		}
	}
	return all
}

func quotedText(text string) string { return "\"" + text + "\"" }

// replaced replaces a text within a body.
func replaced(value any, old, new string) any {
	switch value := value.(type) {
	case map[string]any:
		for name, member := range value {
			value[name] = replaced(member, old, new)
		}
	case []any:
		for i, member := range value {
			value[i] = replaced(member, old, new)
		}
	case string:
		return strings.ReplaceAll(value, old, new)
	}
	return value
}
