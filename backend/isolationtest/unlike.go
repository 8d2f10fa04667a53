package isolationtest

import (
	"encoding/base64"
	"fmt"
	"strconv"
	"strings"
)

// unlike returns the n-th id in the form of another that no record has.
func unlike(id string, n int) string {
	if inner, err := base64.StdEncoding.DecodeString(id); err == nil && len(id) >= 8 && readable(inner) && strings.ContainsAny(string(inner), "0123456789") {
		return base64.StdEncoding.EncodeToString([]byte(unlike(string(inner), n)))
	}
	digits := len(id) - len(strings.TrimRight(id, "0123456789"))
	if number, err := strconv.ParseInt(id[len(id)-digits:], 10, 64); err == nil && digits < 10 && (digits == len(id) || len(id) < 16) {
		return fmt.Sprint(id[:len(id)-digits], number+7_000_003+int64(n)*1009)
	}
	hexadecimal := strings.Trim(strings.ToLower(id), "0123456789abcdef-") == ""
	all := []byte(id)
	changed := 0
	for i := len(all) - 1; i >= 0 && changed < 6; i-- {
		c := all[i]
		step := byte(1 + (n+changed)%5)
		switch {
		case c >= '0' && c <= '9':
			all[i] = '0' + (c-'0'+step)%10
		case c >= 'a' && c <= 'z':
			all[i] = 'a' + (c-'a'+step)%alphabet(hexadecimal)
		case c >= 'A' && c <= 'Z':
			all[i] = 'A' + (c-'A'+step)%alphabet(hexadecimal)
		default:
			continue
		}
		changed++
	}
	return string(all)
}

// alphabet returns how many letters an id may have.
func alphabet(hexadecimal bool) byte {
	if hexadecimal {
		return 6
	}
	return 26
}
