package validators

// Why a generic validator may disagree with ours.
const (
	anyKind      = "it verifies JWTs of any type: hence each kind has an audience of its own too (RFC 8725 section 3.12)"
	notItsClaim  = "org_id is ours: its caller compares it with the resource's, and refuses what has none"
	lastMember   = "it may take the last of two members (RFC 7519 section 4); ours refuses, for parsers differ"
	lenientText  = "its decoder passes over what makes another text of the same token; nothing else follows from it"
	noLeeway     = "it has no leeway for exp"
	fiveMinutes  = "it has five minutes of leeway for nbf"
	iatIsNoLimit = "iat limits nothing by RFC 7519"
	iatOptional  = "iat is optional by RFC 7519"
	kidOptional  = "it tries every key of the set that fits (RFC 7515 appendix D)"
	algOfTheKey  = "it takes the algorithm from the key alone"
	critIgnored  = "it passes over crit, against RFC 7515 section 4.1.11"
	critHarmless = "it knows b64, or takes an empty list for none"
	sizeUnbound  = "bounding a token's size is its caller's task"
	fraction     = "a NumericDate may be a fraction (RFC 7519 section 2); our issuer never writes one"
	lenientTypes = "it converts between text and numbers"
	jsNumbers    = "that is a number in JavaScript, and far away"
	subOptional  = "sub is optional by RFC 7519; RFC 9068 asks for it"
)

// deviations lists the validators that disagree with our verifier about a vector, and
// why they may.
var deviations = map[string]struct{ validators, why string }{
	"no kind at all":                   {"go-oidc jwx golang-jwt", anyKind},
	"of the kind ":                     {"go-oidc jwx golang-jwt", anyKind},
	"of the kind JWT":                  {"go-oidc jwx golang-jwt", anyKind},
	"of the kind id_token+jwt":         {"go-oidc jwx golang-jwt", anyKind},
	"of the kind logout+jwt":           {"go-oidc jwx golang-jwt", anyKind},
	"of the kind dpop+jwt":             {"go-oidc jwx golang-jwt", anyKind},
	"of the kind secevent+jwt":         {"go-oidc jwx golang-jwt", anyKind},
	"of the kind rt+jwt":               {"go-oidc jwx golang-jwt", anyKind},
	"of the kind at+jwt ":              {"go-oidc jwx golang-jwt", anyKind},
	"of the kind application/x-at+jwt": {"go-oidc jwx golang-jwt", anyKind},
	"of a kind that is a list":         {"go-oidc golang-jwt", anyKind},
	"no alg":                           {"jwx", algOfTheKey},
	"alg in small letters":             {"jwx", algOfTheKey},
	"no kid":                           {"jose oauth4webapi go-oidc", kidOptional},
	"an empty kid":                     {"go-oidc", kidOptional},
	"something critical":               {"jwx golang-jwt", critIgnored},
	"an empty crit":                    {"go-oidc jwx golang-jwt", critHarmless},
	"crit b64":                         {"jose go-oidc jwx golang-jwt", critHarmless},
	"expired 59 s ago":                 {"go-oidc", noLeeway},
	"good only in 61 s":                {"go-oidc", fiveMinutes},
	"issued in 61 s":                   {"jose oauth4webapi go-oidc", iatIsNoLimit},
	"without a beginning":              {"go-oidc golang-jwt", iatOptional},
	"an end that is text":              {"go-oidc jwx", lenientTypes},
	"an end beyond all numbers":        {"jose oauth4webapi", jsNumbers},
	"a fraction of a second":           {"jose oauth4webapi go-oidc jwx golang-jwt", fraction},
	"of nobody":                        {"go-oidc golang-jwt", subOptional},
	"of a number":                      {"jose golang-jwt", subOptional},
	"for no organization":              {"jose oauth4webapi go-oidc jwx golang-jwt", notItsClaim},
	"for an organization of no name":   {"jose oauth4webapi go-oidc jwx golang-jwt", notItsClaim},
	"for an id behind a space":         {"jose oauth4webapi go-oidc jwx golang-jwt", notItsClaim},
	"for an id with an end of text":    {"jose oauth4webapi go-oidc jwx golang-jwt", notItsClaim},
	"for an id in two lines":           {"jose oauth4webapi go-oidc jwx golang-jwt", notItsClaim},
	"for an id in another script":      {"jose oauth4webapi go-oidc jwx golang-jwt", notItsClaim},
	"for an id of two paragraphs":      {"jose oauth4webapi go-oidc jwx golang-jwt", notItsClaim},
	"for ORG_ID":                       {"jose oauth4webapi go-oidc jwx golang-jwt", notItsClaim},
	"for two organizations":            {"jose oauth4webapi go-oidc jwx golang-jwt", notItsClaim},
	"for the number of one":            {"jose oauth4webapi go-oidc jwx golang-jwt", notItsClaim},
	"a claim twice":                    {"jose oauth4webapi go-oidc jwx golang-jwt", lastMember},
	"a claim twice, escaped":           {"jose oauth4webapi go-oidc jwx golang-jwt", lastMember},
	"an aud twice":                     {"jose oauth4webapi go-oidc jwx golang-jwt", lastMember},
	"alg twice":                        {"jose oauth4webapi jwx golang-jwt", lastMember},
	"kid twice":                        {"jose oauth4webapi jwx golang-jwt", lastMember},
	"claims, and more of them":         {"jwx", lenientText},
	"claims after a mark":              {"jose oauth4webapi", lenientText},
	"a padded signature":               {"jose oauth4webapi jwx", lenientText},
	"a signature in two lines":         {"jose go-oidc jwx golang-jwt", lenientText},
	"a signature with a space":         {"jose go-oidc", lenientText},
	"a signature's unused bits":        {"jose oauth4webapi go-oidc jwx", lenientText},
	"as JSON":                          {"go-oidc", lenientText},
	"more than a header carries":       {"jose oauth4webapi go-oidc jwx golang-jwt", sizeUnbound},
}
