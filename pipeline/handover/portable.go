package handover

import "lethe/classifiers"

// Portable is what a person gave, as other systems read it: the types of schema.org, in JSON-LD.
type Portable struct {
	Context string `json:"@context"`
	Schema  string `json:"schema"`
	Silo    string `json:"silo"`
	MadeOn  string `json:"made_on"`
	Graph   []Node `json:"@graph"`
}

// Node is one row of the person: a schema:Person. What schema.org has no property for stands in Additional, by the
// names of the source.
type Node struct {
	Type       string     `json:"@type"` // Person
	Source     string     `json:"source"`
	Table      string     `json:"table"`
	Name       string     `json:"name,omitempty"`
	Email      string     `json:"email,omitempty"`
	Telephone  string     `json:"telephone,omitempty"`
	BirthDate  string     `json:"birthDate,omitempty"`
	Gender     string     `json:"gender,omitempty"`
	URL        string     `json:"url,omitempty"`
	TaxID      string     `json:"taxID,omitempty"`
	Address    *Address   `json:"address,omitempty"`
	Additional []Property `json:"additionalProperty,omitempty"`
}

// Address is a schema:PostalAddress.
type Address struct {
	Type     string `json:"@type"`
	Street   string `json:"streetAddress,omitempty"`
	Postcode string `json:"postalCode,omitempty"`
	City     string `json:"addressLocality,omitempty"`
	Region   string `json:"addressRegion,omitempty"`
	Country  string `json:"addressCountry,omitempty"`
}

// Property is a schema:PropertyValue.
type Property struct {
	Type     string `json:"@type"`
	Name     string `json:"name"`
	Category string `json:"category"`
	Value    string `json:"value"`
	Encoding string `json:"encoding,omitempty"`
}

// people are the records in the types of schema.org.
func (d *Document) people() Portable {
	p := Portable{Context: "https://schema.org", Schema: d.Schema, Silo: d.Silo, MadeOn: d.MadeOn, Graph: []Node{}}
	for _, r := range d.Records {
		n := Node{Type: "Person", Source: r.Source, Table: r.Table}
		for _, f := range r.Fields {
			at := n.property(classifiers.Category(f.Category))
			if at == nil || *at != "" || f.Encoding != "" {
				n.Additional = append(n.Additional, Property{Type: "PropertyValue", Name: f.Name, Category: f.Category,
					Value: *f.Value, Encoding: f.Encoding})
				continue
			}
			*at = *f.Value
		}
		p.Graph = append(p.Graph, n)
	}
	return p
}

// property is where a kind of data stands; nil where schema.org has no place for it.
func (n *Node) property(c classifiers.Category) *string {
	switch c {
	case classifiers.PersonName:
		return &n.Name
	case classifiers.Email:
		return &n.Email
	case classifiers.Phone:
		return &n.Telephone
	case classifiers.DateOfBirth:
		return &n.BirthDate
	case classifiers.Gender:
		return &n.Gender
	case classifiers.PersonalURL:
		return &n.URL
	case classifiers.TaxID:
		return &n.TaxID
	}
	var a Address
	if n.Address != nil {
		a = *n.Address
	}
	if a.property(c) == nil {
		return nil
	}
	if n.Address == nil {
		n.Address = &Address{Type: "PostalAddress"}
	}
	return n.Address.property(c)
}

func (a *Address) property(c classifiers.Category) *string {
	switch c {
	case classifiers.PostalAddress:
		return &a.Street
	case classifiers.Postcode:
		return &a.Postcode
	case classifiers.City:
		return &a.City
	case classifiers.Region:
		return &a.Region
	case classifiers.Country:
		return &a.Country
	}
	return nil
}
