package classifiers

// Header is what the name of a field alone says that it holds.
type Header struct {
	Categories []Category // the best first
	Number     bool       // the number under which somebody keeps a person: of a customer, a member
}

// Header reads the name of a field. What its values say is not asked: Verdicts do that.
func (c *Catalogue) Header(name string) (h Header) {
	for _, found := range c.lexicon.read(name, sharedEnds{}).concepts {
		h.Categories = append(h.Categories, found.category)
		h.Number = h.Number || found.category == OtherPersonal && found.sub == "number"
	}
	return h
}
