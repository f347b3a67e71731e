package draft

import (
	"testing"

	"github.com/stretchr/testify/require"

	"lethe/classifiers"
	"lethe/connectors"
)

// crm is a source whose addresses stand in tables of their own: of contacts in one that refers to them, of leads in
// one to which a join table leads. Its parcels have a sender's address and refer to a contact and a van.
func crm() *Draft {
	table := func(name string, fks []connectors.ForeignKey, fields ...string) connectors.Table {
		t := connectors.Table{Name: name, Key: []string{"id"}, ForeignKeys: fks,
			Fields: []connectors.Field{{Name: "id", Kind: connectors.Integer}}}
		for _, f := range fields {
			t.Fields = append(t.Fields, connectors.Field{Name: f, Kind: connectors.Text, Nullable: true})
		}
		return t
	}
	fk := func(field, to string) connectors.ForeignKey {
		return connectors.ForeignKey{Fields: []string{field}, RefTable: to, RefFields: []string{"id"}}
	}
	tables := []connectors.Table{
		table("addresses", nil, "address"),
		table("contacts", nil, "name"),
		table("emails", []connectors.ForeignKey{fk("contact", "contacts")}, "contact", "email"),
		table("lead_addresses", []connectors.ForeignKey{fk("lead", "leads"), fk("address", "addresses")}, "lead", "address"),
		table("leads", nil, "name"),
		table("vans", nil, "plate"),
	}
	email := func(field string) classifiers.Verdict {
		return classifiers.Verdict{Field: field, Primary: classifiers.Email, SubjectKind: "email", Confidence: 0.99}
	}
	name := classifiers.Verdict{Field: "name", Primary: classifiers.PersonName, Confidence: 0.99}
	verdicts := []classifiers.TableVerdict{
		{Table: "addresses", Rows: 9, Fields: []classifiers.Verdict{email("address")}},
		{Table: "contacts", Rows: 9, Fields: []classifiers.Verdict{name}},
		{Table: "emails", Rows: 9, Fields: []classifiers.Verdict{email("email")}},
		{Table: "lead_addresses", Rows: 9},
		{Table: "leads", Rows: 9, Fields: []classifiers.Verdict{name}},
		{Table: "vans", Rows: 9},
	}
	k := connectors.Connector{Name: "sqlite", Schemes: []string{"sqlite"}, Suffix: []string{".db"}}
	return New(k, connectors.Options{Name: "crm.db", DSN: "crm.db"}, tables, verdicts, today)
}

func TestDraftLeadsToAddressesInOtherTables(t *testing.T) {
	d := crm()
	require.Equal(t, []string{"addresses", "contacts", "leads"}, d.people, "emails only say who the contacts are")
	text := d.Text()
	for _, want := range []string{
		"subject: {via: emails.contact, email: email}   # the address stands in another table\n",
		"- {table: emails, fk: [contact], do: delete}\n",
		`subject: {via: [lead_addresses.lead, "address = addresses.id"], email: address}`,
		"- {table: lead_addresses, fk: [lead], do: delete}\n",
		"subject: {email: address}",
	} {
		require.Contains(t, text, want)
	}
	require.NotContains(t, text, "vans")
}

// TestDraftTakesNoAddressForAPerson gives customers and a shop's manager their postal addresses, as Sakila does: it is
// not the address that is a customer, to which customers and shops would go along.
func TestDraftTakesNoAddressForAPerson(t *testing.T) {
	table := func(name string, fks []connectors.ForeignKey, fields ...string) connectors.Table {
		t := connectors.Table{Name: name, Key: []string{"id"}, ForeignKeys: fks,
			Fields: []connectors.Field{{Name: "id", Kind: connectors.Integer}}}
		for _, f := range fields {
			t.Fields = append(t.Fields, connectors.Field{Name: f, Kind: connectors.Text})
		}
		return t
	}
	fk := func(field, to string) connectors.ForeignKey {
		return connectors.ForeignKey{Fields: []string{field}, RefTable: to, RefFields: []string{"id"}}
	}
	tables := []connectors.Table{
		table("address", nil, "street", "phone"),
		table("customer", []connectors.ForeignKey{fk("address", "address")}, "name", "email", "address"),
		table("shop", []connectors.ForeignKey{fk("address", "address"), fk("manager", "staff")}, "address", "manager"),
		table("staff", nil, "name", "email"),
	}
	is := func(field string, what classifiers.Category, subject string) classifiers.Verdict {
		return classifiers.Verdict{Field: field, Primary: what, SubjectKind: subject, Confidence: 0.99}
	}
	people := []classifiers.Verdict{is("name", classifiers.PersonName, ""), is("email", classifiers.Email, "email")}
	d := New(connectors.Connector{Name: "sqlite", Schemes: []string{"sqlite"}, Suffix: []string{".db"}},
		connectors.Options{Name: "shop.db", DSN: "shop.db"}, tables, []classifiers.TableVerdict{
			{Table: "address", Rows: 9, Fields: []classifiers.Verdict{is("street", classifiers.PostalAddress, ""),
				is("phone", classifiers.Phone, "phone")}},
			{Table: "customer", Rows: 9, Fields: people}, {Table: "shop", Rows: 2}, {Table: "staff", Rows: 2, Fields: people},
		}, today)
	require.Equal(t, []string{"customer", "staff"}, d.people)
	require.Contains(t, d.Text(), "owns: [{table: address, fk: [address]}]")
	require.NotContains(t, d.Text(), "via:")
	require.NotContains(t, d.Text(), "{table: shop, fk: [address], do: delete}")
}
