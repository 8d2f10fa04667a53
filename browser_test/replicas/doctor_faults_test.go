package replicas_test

// fault is a mistake in a proxy's configuration, and what the doctor has to say of it.
type fault struct {
	name string
	// change has pairs: a text of the guide's and what replaces it. SECOND is the address
	// of the second server, APP is the app's, OTHER is that of a server of another
	// deployment.
	change []string
	says   string
}

// toServers begins the part of the guide's nginx.conf that reaches the servers.
const toServers = "\t\tlocation /auth/ {\n"

// proxyFaults are the mistakes, by the proxy's name.
var proxyFaults = map[string][]fault{"nginx": nginxFaults, "HAProxy": haproxyFaults, "Caddy": caddyFaults}

var nginxFaults = []fault{
	{"Cookie kept", []string{toServers, toServers + `proxy_set_header Cookie "";`}, "Cookie does not reach the server"},
	{"Cookie replaced", []string{toServers, toServers + `proxy_set_header Cookie "theme=dark";`}, "Cookie reaches the server changed"},
	{"Cookie as for the app", []string{toServers, toServers + `proxy_set_header Cookie $cookie_13;`}, "Cookie does not reach the server"},
	{"Set-Cookie kept", []string{toServers, toServers + `proxy_hide_header Set-Cookie;`}, "Set-Cookie does not reach browsers"},
	{"Set-Cookie for a path", []string{toServers, toServers + `proxy_cookie_path / /auth;`}, "Set-Cookie reaches browsers changed"},
	{"Set-Cookie SameSite", []string{toServers, toServers + `proxy_cookie_flags ~ samesite=none;`}, "Set-Cookie reaches browsers changed"},
	{"DPoP kept", []string{toServers, toServers + `proxy_set_header DPoP "";`}, "DPoP does not reach the server"},
	{"DPoP replaced", []string{toServers, toServers + `proxy_set_header DPoP "x$http_dpop";`}, "DPoP reaches the server changed"},
	{"Sec-Fetch-Site kept", []string{toServers, toServers + `proxy_set_header Sec-Fetch-Site "";`}, "Sec-Fetch-Site does not reach the server"},
	{"Sec-Fetch-Site replaced", []string{toServers, toServers + `proxy_set_header Sec-Fetch-Site none;`}, "Sec-Fetch-Site reaches the server changed"},
	{"Tabard-Client kept", []string{toServers, toServers + `proxy_set_header Tabard-Client "";`}, "Tabard-Client does not reach the server"},
	{"Tabard-Time kept", []string{toServers, toServers + `proxy_set_header Tabard-Time "";`}, "Tabard-Time does not reach the server"},
	{"Origin kept", []string{toServers, toServers + `proxy_set_header Origin "";`}, "Origin does not reach the server"},
	{"no headers", []string{toServers, toServers + `proxy_pass_request_headers off;`}, "Cookie does not reach the server"},
	{"DPoP-Nonce kept", []string{toServers, toServers + `proxy_hide_header DPoP-Nonce;`}, "DPoP-Nonce does not reach browsers"},
	{"Retry-After kept", []string{toServers, toServers + `proxy_hide_header Retry-After;`}, "Retry-After does not reach browsers"},
	{"Retry-After replaced", []string{toServers, toServers + `proxy_hide_header Retry-After; add_header Retry-After 1 always;`}, "Retry-After reaches browsers changed"},
	{"Host of the upstream", []string{"Host $http_host", "Host $proxy_host"}, "Host reaches the server changed"},
	{"Host without its port", []string{"Host $http_host", "Host $host"}, "Host reaches the server changed"},
	{"another port", []string{"max_fails=0;", "max_fails=0 down; server 127.0.0.1:1;"}, "this backend does not answer there: it answers 502"},
	{"path taken away", []string{"proxy_pass http://tabard;", "proxy_pass http://tabard/;"}, "this backend does not answer there: it answers 404"},
	{"path doubled", []string{"proxy_pass http://tabard;", "proxy_pass http://tabard/auth/auth/;"}, "this backend does not answer there: it answers 404"},
	{"TLS to the servers", []string{"proxy_pass http://tabard;", "proxy_pass https://tabard;"}, "this backend does not answer there: it answers 502"},
	{"sent to plain http", []string{toServers, toServers + `return 301 http://$host$request_uri;`}, "this backend does not answer there: it answers 301"},
	{"small buffers for answers", []string{toServers, toServers + `proxy_buffer_size 1k; proxy_buffers 4 1k; proxy_busy_buffers_size 1k;`}, "requests as large as those of a browser with several sessions are refused"},
	{"small buffers for requests", []string{"ssl_certificate ", "client_header_buffer_size 512; large_client_header_buffers 2 1k; ssl_certificate "}, "requests as large as those of a browser with several sessions are refused"},
	{"no bodies", []string{toServers, toServers + `client_max_body_size 1;`}, "POST requests do not reach the server: 413"},
	{"GET alone", []string{toServers, toServers + `limit_except GET { deny all; }`}, "DELETE requests do not reach the server: 403"},
	{"cached", []string{"\tupstream app {", "proxy_cache_path cache keys_zone=c:1m; proxy_cache c; proxy_cache_valid any 1m; proxy_ignore_headers Cache-Control Set-Cookie Expires Vary;\n\tupstream app {"}, "the proxy answers from a cache"},
	{"cached without the query", []string{"\tupstream app {", "proxy_cache_path cache keys_zone=c:1m; proxy_cache c; proxy_cache_key $uri; proxy_cache_valid any 1m; proxy_ignore_headers Cache-Control Set-Cookie Expires Vary;\n\tupstream app {"}, "the proxy answers from a cache"},
	{"Cache-Control replaced", []string{toServers, toServers + `proxy_hide_header Cache-Control; add_header Cache-Control "public, max-age=60" always;`}, "arrives without Cache-Control: no-store"},
	{"errors replaced", []string{toServers, toServers + `proxy_intercept_errors on; error_page 401 429 503 /sorry;`}, "answers of errors are replaced"},
	{"nobody forwarded for", []string{"X-Forwarded-For $remote_addr", `X-Forwarded-For ""; proxy_set_header Forwarded ""`}, "does not say for whom it asks"},
	{"forwarded for clients' own", []string{"X-Forwarded-For $remote_addr", `X-Forwarded-For ""`}, "passes on the Forwarded of clients"},
	{"forwarded for left as it is", []string{"proxy_set_header X-Forwarded-For $remote_addr;", ""}, "passes on the X-Forwarded-For of clients"},
	{"sessions shown to the app", []string{"proxy_set_header Cookie $cookie_13;", ""}, "received a cookie named like the session's"},
	{"query lost", []string{"proxy_pass http://tabard;", "proxy_pass http://tabard$uri;"}, "the query of requests does not reach the server"},
	{"query with more", []string{"proxy_pass http://tabard;", "proxy_pass http://tabard$uri?$args&lang=de;"}, "the query of requests reaches the server changed"},
	{"preflights answered", []string{toServers, toServers + `if ($request_method = OPTIONS) { add_header Access-Control-Allow-Origin *; return 204; }`}, "OPTIONS requests are answered with Access-Control-Allow-Origin: *"},
	{"preflights refused", []string{toServers, toServers + `if ($request_method = OPTIONS) { return 405; }`}, "OPTIONS requests do not reach the server: 405"},
	{"forwarded for whom clients say", []string{"X-Forwarded-For $remote_addr", "X-Forwarded-For $http_x_forwarded_for"}, "passes on the X-Forwarded-For of clients"},
	{"forwarded for always the same", []string{"X-Forwarded-For $remote_addr", "X-Forwarded-For 10.9.9.9"}, "the server takes this command for 10.9.9.9"},
	{"forwarded for no address", []string{"X-Forwarded-For $remote_addr", "X-Forwarded-For _$remote_addr"}, "X-Forwarded-For of the proxy 127.0.0.1 is not an address"},
	{"Origin of the app", []string{toServers, toServers + `proxy_set_header Origin https://$http_host;`}, "the proxy writes the request's Origin itself"},
	{"Sec-Fetch-Site of the app", []string{toServers, toServers + `proxy_set_header Sec-Fetch-Site same-site;`}, "the proxy writes the request's Sec-Fetch-Site itself"},
	{"does not wait", []string{"proxy_read_timeout 25s;", "proxy_read_timeout 1s;"}, "an answer that takes 3s does not arrive"},
	{"module as text", []string{toServers, `location ~ \.wasm$ { proxy_pass http://tabard; proxy_hide_header Content-Type; add_header Content-Type text/plain; }` + "\n" + toServers}, `.wasm arrives as "text/plain", not as application/wasm`},
	{"scripts as text", []string{toServers, `location ~ \.js$ { proxy_pass http://tabard; proxy_hide_header Content-Type; add_header Content-Type text/plain; }` + "\n" + toServers}, `tabard.js arrives as "text/plain", not as text/javascript`},
	{"files of the app", []string{toServers, `location ~* \.(js|json|wasm)$ { proxy_pass http://app; }` + "\n" + toServers}, "module.json: the server's file does not arrive"},
	{"files kept for ever", []string{toServers, `location ~ \.js$ { proxy_pass http://tabard; proxy_hide_header Cache-Control; expires max; }` + "\n" + toServers}, "browsers keep that of an older release"},
	{"files rewritten", []string{toServers, toServers + `proxy_set_header Accept-Encoding ""; sub_filter_types text/javascript; sub_filter_once off; sub_filter globalThis window;`}, "arrives changed: browsers refuse it"},
	{"files not compressed", []string{toServers, toServers + `proxy_set_header Accept-Encoding "";`}, "the module arrives uncompressed"},
	{"some session cookies shown to the app", []string{"proxy_set_header Cookie $cookie_13;", "proxy_set_header Cookie $cookie_1;"}, "received 12 of 13 cookies named like a session's"},
	{"no HTTP/2", []string{"ssl http2", "ssl"}, "it does not speak HTTP/2"},
	{"a server is the app", []string{"server SECOND ", "server APP "}, "were not answered by this server: 200 OK"},
	{"a server is down", []string{"server SECOND ", "server 127.0.0.1:1 ", "proxy_next_upstream error timeout http_502 http_503 non_idempotent;", "proxy_next_upstream off;"}, "were not answered by this server: 502"},
	{"a server is another deployment's", []string{"server SECOND ", "server OTHER "}, "reached something else than a server with this secret: 404"},
	{"certificate not renewed", []string{"/tls.pem", "/old.pem"}, "its certificate ends soon"},
	{"paths with a dot refused", []string{toServers, `location ~ /\. { return 403; }` + "\n" + toServers}, "the proxy refuses paths with a dot"},
	{"requests limited", []string{"\tupstream app {", "limit_req_zone $binary_remote_addr zone=z:1m rate=5r/s; limit_req zone=z burst=5 nodelay;\n\tupstream app {"}, "were not answered by this server: 503"},
	{"policy of the app", []string{toServers, toServers + `proxy_hide_header Content-Security-Policy; add_header Content-Security-Policy "default-src 'self'" always;`}, "the answer's Content-Security-Policy reaches browsers changed"},
	{"types guessed", []string{toServers, toServers + `proxy_hide_header X-Content-Type-Options;`}, "the answer's X-Content-Type-Options does not reach browsers"},
}

// toHAProxy begins the part of the guide's haproxy.cfg for all requests.
const toHAProxy = "\tuse_backend tabard if { path_beg /auth/ }\n"

var haproxyFaults = []fault{
	{"forwarded for whom clients say", []string{"\thttp-request set-header X-Forwarded-For %[src]\n", "\toption forwardfor if-none\n"}, "passes on the X-Forwarded-For of clients"},
	{"preflights answered", []string{toHAProxy, "\thttp-request return status 204 hdr Access-Control-Allow-Origin \"*\" if METH_OPTIONS\n" + toHAProxy}, "OPTIONS requests are answered with Access-Control-Allow-Origin: *"},
	{"does not wait", []string{"timeout server 25s", "timeout server 1s"}, "an answer that takes 3s does not arrive"},
	{"query lost", []string{toHAProxy, "\thttp-request set-uri %[path]\n" + toHAProxy}, "the query of requests does not reach the server"},
	{"first session cookie alone taken out", []string{"',g),regsub", "'),regsub"}, "received 12 of 13 cookies named like a session's"},
	{"no HTTP/2", []string{" alpn h2,http/1.1", " alpn http/1.1"}, "it does not speak HTTP/2"},
	{"a server is the app", []string{"server two SECOND", "server two APP"}, "were not answered by this server: 200 OK"},
	{"requests limited", []string{toHAProxy, "\tstick-table type ip size 1k expire 10s store http_req_rate(10s)\n\thttp-request track-sc0 src\n\thttp-request deny deny_status 429 if { sc_http_req_rate(0) gt 12 }\n" + toHAProxy}, "were not answered by this server: 429"},
}

var caddyFaults = []fault{
	{"forwarded for whom clients say", []string{"header_up X-Forwarded-For {remote_host}", "header_up X-Forwarded-For {http.request.header.X-Forwarded-For}"}, "passes on the X-Forwarded-For of clients"},
	{"Origin of the app", []string{"lb_policy random", "lb_policy random\n\t\t\theader_up Origin https://{hostport}"}, "the proxy writes the request's Origin itself"},
	{"does not wait", []string{"response_header_timeout 25s", "response_header_timeout 1s"}, "an answer that takes 3s does not arrive"},
	{"query lost", []string{"handle /auth/* {", "handle /auth/* {\n\t\trewrite * {path}?"}, "the query of requests does not reach the server"},
	{"files as text", []string{"handle /auth/metrics {", "handle /auth/client/* {\n\t\treverse_proxy SECOND {\n\t\t\theader_down Content-Type text/plain\n\t\t}\n\t}\n\thandle /auth/metrics {"}, `tabard.js arrives as "text/plain"`},
	{"a server is the app", []string{" SECOND {", " APP {"}, "were not answered by this server: 200 OK"},
}
