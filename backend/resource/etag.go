package resource

import (
	"crypto/sha256"
	"encoding/base64"
	"net/http"
	"strings"

	"github.com/tabard-auth/tabard/backend/token"
)

// ownerOf returns the text in which ETags of an organization and person end.
func ownerOf(c *token.Claims) string {
	sum := sha256.Sum256([]byte(c.OrganizationID + "\x00" + c.Subject))
	return "-" + base64.RawURLEncoding.EncodeToString(sum[:12])
}

// tagETags adds the owner to the ETags of a response.
func tagETags(header http.Header, owner string) {
	for name, tags := range header {
		if !strings.EqualFold(name, "ETag") {
			continue
		}
		for i, tag := range tags {
			opaque, quoted := strings.CutSuffix(tag, `"`)
			if tags[i] = opaque + owner; quoted {
				tags[i] += `"`
			}
		}
	}
}

// foreignETag is an ETag that no handler makes: it matches nothing.
const foreignETag = `"of-another-organization-or-person"`

// untag returns an ETag as the handler made it. It reports whether the ETag is the
// owner's.
func untag(tag, owner string) (string, bool) {
	if opaque, own := strings.CutSuffix(tag, owner+`"`); own {
		return opaque + `"`, true
	}
	return strings.CutSuffix(tag, owner)
}

// withOwnConditions returns the request with the conditions that its handler
// understands. ETags of another organization or person match nothing. A date says
// nothing about whose body a cache has, so that If-Modified-Since is left out, and so is
// a range of what may be another's.
func withOwnConditions(r *http.Request, c *token.Claims) *http.Request {
	conditional := false
	for _, name := range []string{"If-None-Match", "If-Match", "If-Range", "If-Modified-Since"} {
		conditional = conditional || r.Header[name] != nil
	}
	if !conditional {
		return r
	}
	own := *r
	own.Header = r.Header.Clone()
	owner := ownerOf(c)
	for _, name := range []string{"If-None-Match", "If-Match"} {
		if values := own.Header[name]; values != nil {
			own.Header.Set(name, untagList(strings.Join(values, ","), owner))
		}
	}
	if since := own.Header.Get("If-Range"); since != "" {
		tag, ours := untag(since, owner)
		own.Header.Set("If-Range", tag)
		if !ours {
			own.Header.Del("If-Range")
			own.Header.Del("Range")
		}
	}
	own.Header.Del("If-Modified-Since")
	return &own
}

// untagList is untag for the list of If-None-Match and If-Match.
func untagList(list, owner string) string {
	var tags []string
	for {
		tag, rest := nextETag(list)
		if tag == "" {
			return strings.Join(tags, ", ")
		}
		if tag != "*" {
			own, ours := untag(tag, owner)
			if tag = own; !ours {
				tag = foreignETag
			}
		}
		tags, list = append(tags, tag), rest
	}
}

// nextETag cuts the first ETag off a list; empty if there is none. A comma within quotes
// is part of it.
func nextETag(list string) (tag, rest string) {
	list = strings.TrimLeft(list, " \t,")
	begin := strings.TrimPrefix(list, "W/")
	if opaque, quoted := strings.CutPrefix(begin, `"`); quoted {
		if i := strings.IndexByte(opaque, '"'); i >= 0 {
			end := len(list) - len(opaque) + i + 1
			return list[:end], list[end:]
		}
	}
	tag, rest, _ = strings.Cut(list, ",")
	return strings.TrimRight(tag, " \t"), rest
}
