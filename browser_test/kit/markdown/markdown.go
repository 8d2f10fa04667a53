// Package markdown extracts the code of the project's documents, for tests that run it.
package markdown

import (
	"regexp"
	"strings"
)

var fence = regexp.MustCompile("(?ms)^```(\\w+)\n(.*?)^```$")

// Blocks returns the fenced blocks of a language in a text.
func Blocks(text, language string) []string {
	var blocks []string
	for _, match := range fence.FindAllStringSubmatch(text, -1) {
		if match[1] == language {
			blocks = append(blocks, match[2])
		}
	}
	return blocks
}

// Block returns the first fenced block of a language in a text, or "".
func Block(text, language string) string {
	for _, block := range Blocks(text, language) {
		return block
	}
	return ""
}

// Sections returns the sections of a text by their titles, those of the second level.
func Sections(text string) map[string]string {
	sections := map[string]string{}
	for _, section := range strings.Split(text, "\n## ")[1:] {
		title, body, _ := strings.Cut(section, "\n")
		sections[title] = body
	}
	return sections
}
