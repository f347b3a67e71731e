package fill

import (
	"bytes"
	"fmt"
	"slices"
	"strings"

	"golang.org/x/net/html"
)

// Texts are the distinct texts and attributes of a page.
func Texts(body []byte) ([]string, error) {
	root, err := html.Parse(bytes.NewReader(body))
	if err != nil {
		return nil, fmt.Errorf("read page: %w", err)
	}
	var texts []string
	for n := range root.Descendants() {
		if n.Type == html.TextNode {
			texts = append(texts, strings.TrimSpace(n.Data))
		}
		for _, a := range n.Attr {
			texts = append(texts, a.Val)
		}
	}
	slices.Sort(texts)
	return slices.Compact(texts), nil
}
