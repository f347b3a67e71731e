package classifiers_test

import (
	"fmt"
	"math/rand"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"lethe/classifiers"
)

// fact is a row of a table of attributes.
type fact struct{ of, key, value string }

// facts invents rows: of each of n owners one for each key.
func facts(n int, make map[string]func(i int) string) []fact {
	var list []fact
	keys := keysOf(make)
	for i := range n {
		for _, k := range keys {
			list = append(list, fact{fmt.Sprint(100 + i), k, make[k](i)})
		}
	}
	return list
}

func keysOf(m map[string]func(i int) string) []string {
	var keys []string
	for k := range m {
		keys = append(keys, k)
	}
	slices.Sort(keys)
	return keys
}

func columnsOf(list []fact) (id, of, key, value []string) {
	for i, f := range list {
		id, of, key, value = append(id, fmt.Sprint(i+1)), append(of, f.of), append(key, f.key), append(value, f.value)
	}
	return id, of, key, value
}

var (
	given  = func(i int) string { return []string{"Ginevra", "Ottavio", "Marek", "Jürgen", "Chiara"}[i%5] }
	family = func(i int) string { return []string{"Bevilacqua", "Kowalski", "Schröder", "Moretti", "Nowak"}[i%5] }
	phones = func(i int) string { return fmt.Sprintf("+39 02 36618%03d", i) }
	onOff  = func(i int) string { return []string{"true", "false"}[i%2] }
	born   = func(i int) string { return fmt.Sprintf("19%02d-0%d-1%d", 40+i%59, 1+i%9, i%9) }
)

func TestAttributesBesideTheirKeys(t *testing.T) {
	c := catalogue(t)
	list := facts(40, map[string]func(i int) string{"first_name": given, "last_name": family, "billing_email": func(i int) string {
		return invented(i)
	}, "billing_phone": phones, "rich_editing": onOff, "wp_capabilities": func(int) string { return `a:1:{s:10:"subscriber";b:1;}` },
		"billing_city": func(i int) string { return []string{"Torino", "Bergamo", "Livorno"}[i%3] }})
	id, of, key, value := columnsOf(list)
	fields := []classifiers.Field{{Name: "umeta_id", Kind: "integer", Key: true}, {Name: "user_id", Kind: "integer"},
		{Name: "meta_key", Kind: "text"}, {Name: "meta_value", Kind: "text"}}
	v := classify(c, "wp_usermeta", fields, id, of, key, value)
	require.Equal(t, []string{"meta_value free_text_possible_pii", "meta_value.billing_city city", "meta_value.billing_email email",
		"meta_value.billing_phone phone", "meta_value.first_name person_name", "meta_value.last_name person_name"}, found(v))
	for _, f := range v.Fields[4:] {
		require.True(t, f.Path)
		require.Equal(t, "rows by meta_key", f.Inside)
		require.NotEmpty(t, f.Terms)
		require.EqualValues(t, 40, f.Rows)
	}
	rand.New(rand.NewSource(1)).Shuffle(len(list), func(i, j int) { list[i], list[j] = list[j], list[i] })
	id, of, key, value = columnsOf(list)
	require.Equal(t, v, classify(c, "wp_usermeta", fields, id, of, key, value), "in any order")
}

func TestAttributesWhoseKeysAnotherTableLists(t *testing.T) {
	c := catalogue(t)
	list := facts(30, map[string]func(i int) string{"5": given, "7": family, "11": born, "13": onOff})
	id, of, key, value := columnsOf(list)
	for _, declared := range []string{"", "eav_attribute.attribute_id"} {
		values := c.Scan(classifiers.Table{Database: "shop", Name: "customer_entity_varchar", Fields: []classifiers.Field{
			{Name: "value_id", Kind: "integer", Key: true}, {Name: "attribute_id", Kind: "integer", References: declared},
			{Name: "entity_id", Kind: "integer"}, {Name: "value", Kind: "text"}}})
		values.Observe(record(id, key, of, value))
		codes := c.Scan(classifiers.Table{Database: "shop", Name: "eav_attribute", Fields: []classifiers.Field{
			{Name: "attribute_id", Kind: "integer", Key: true}, {Name: "entity_type_id", Kind: "integer"},
			{Name: "attribute_code", Kind: "text"}, {Name: "frontend_label", Kind: "text"}}})
		codes.Observe(record([]string{"5", "7", "11", "13", "70"}, []string{"1", "1", "1", "1", "4"},
			[]string{"firstname", "lastname", "dob", "is_active", "color"}, []string{"First Name", "Last Name", "Date of Birth", "Active", "Color"}))
		all := c.Verdicts(values, codes)
		require.Equal(t, []string{"value free_text_possible_pii", "value.dob date_of_birth", "value.firstname person_name",
			"value.lastname person_name"}, found(all[0]), declared)
		require.Empty(t, found(all[1]))
	}
	// labels say what names do not
	answers := c.Scan(classifiers.Table{Database: "club", Name: "custom_values", Fields: []classifiers.Field{
		{Name: "id", Kind: "integer", Key: true}, {Name: "custom_field_id", Kind: "integer"}, {Name: "customized_id", Kind: "integer"},
		{Name: "value", Kind: "text"}}})
	answers.Observe(record(id, key, of, value))
	custom := c.Scan(classifiers.Table{Database: "club", Name: "custom_fields", Fields: []classifiers.Field{
		{Name: "id", Kind: "integer", Key: true}, {Name: "shortname", Kind: "text"}, {Name: "name", Kind: "text"}}})
	custom.Observe(record([]string{"5", "7", "11", "13"}, []string{"f1", "f2", "f3", "f4"}, []string{"Vorname", "Nachname", "Geburtsdatum", "Aktiv"}))
	require.Equal(t, []string{"value free_text_possible_pii", "value.Geburtsdatum date_of_birth", "value.Nachname person_name",
		"value.Vorname person_name"}, found(c.Verdicts(answers, custom)[0]))
}

func TestSettingsAreTheOrganisations(t *testing.T) {
	keys := []string{"site_title", "admin_email", "smtp_host", "smtp_password", "contact_phone", "items_per_page", "theme", "timezone"}
	values := []string{"Bread and more", "ada.neri@posta-inventata.it", "smtp.posta-inventata.it", "Xk9!pq_77", "+39 02 36618300", "20",
		"twenty", "Europe/Rome"}
	v := classify(catalogue(t), "settings", textFields("name", "value"), keys, values)
	require.Contains(t, found(v), "value.smtp_password password_or_secret")
	require.Equal(t, 2, strings.Count(strings.Join(found(v), "\n"), "value"), "nothing else of a person: %v", found(v))
}

// TestDocumentsAmongAttributesStay: what documents in the values hold is not lost where keys say something of other values.
func TestDocumentsAmongAttributesStay(t *testing.T) {
	keys := []string{"smtp_password", "instance", "theme", "items_per_page"}
	values := []string{"Xk9!pq_77", `{"admin":{"first_name":"Ginevra","last_name":"Bevilacqua","phone":"+39 02 36618300"}}`, "dark", "20"}
	v := classify(catalogue(t), "settings", textFields("name", "value"), keys, values)
	require.Equal(t, classifiers.FreeText, v.Fields[1].Primary, "%v", v.Fields[1])
	require.Contains(t, v.Fields[1].Also, classifiers.PersonName)
	require.Contains(t, v.Fields[1].Also, classifiers.Secret)
}

func TestAttributesOfThingsAreNobodys(t *testing.T) {
	list := facts(50, map[string]func(i int) string{"color": func(i int) string { return []string{"red", "blue"}[i%2] },
		"weight": func(i int) string { return fmt.Sprint(100 + i) }, "description": func(i int) string {
			return fmt.Sprintf("A lamp of %d cm for the desk, of wood and steel.", i)
		}, "sku": func(i int) string { return fmt.Sprintf("LMP-%05d", i) }, "manufacturer": func(i int) string { return "Acme Ltd" }})
	id, of, key, value := columnsOf(list)
	v := classify(catalogue(t), "catalog_product_attributes", []classifiers.Field{{Name: "id", Kind: "integer", Key: true},
		{Name: "product_id", Kind: "integer"}, {Name: "attribute_code", Kind: "text"}, {Name: "value", Kind: "text"}}, id, of, key, value)
	require.Empty(t, found(v))
}

// TestKeysThatArePeopleAreNotShown gives people as keys: what is said of them has no name, number or address in it.
func TestKeysThatArePeopleAreNotShown(t *testing.T) {
	c := catalogue(t)
	for name, person := range map[string]func(i int) string{
		"addresses": func(i int) string { return invented(i) },
		"names":     func(i int) string { return given(i) + " " + family(i+1) },
		"logins":    func(i int) string { return strings.ToLower(given(i)[:1]+family(i)) + fmt.Sprint(i) },
		"phones":    phones,
		"in a key":  func(i int) string { return "newsletter_" + strings.ToLower(family(i)) + "_email" },
		"points":    func(i int) string { return "user." + strings.ToLower(given(i)) + "." + strings.ToLower(family(i)) },
		"numbers":   func(i int) string { return fmt.Sprintf("setting_%d", 4_400_000+i) },
	} {
		var keys, values []string
		for i := range 300 {
			keys, values = append(keys, person(i)), append(values, invented(i))
		}
		v := classify(c, "settings", textFields("key", "value"), keys, values)
		said := strings.ToLower(fmt.Sprint(v))
		for i := range 300 {
			for _, secret := range []string{keys[i], given(i), family(i), invented(i), fmt.Sprint(4_400_000 + i)} {
				require.NotContains(t, said, strings.ToLower(secret), name)
			}
		}
		require.LessOrEqual(t, len(v.Fields), 2+128, name)
	}
}

// TestManyKeysAreBounded has more keys than are judged: those that are judged do not depend on the order of the rows, and
// neither what is counted of them.
func TestManyKeysAreBounded(t *testing.T) {
	c := catalogue(t)
	words := []string{"billing", "shipping", "home", "work", "private", "second", "old", "new", "main", "other"}
	var list []fact
	for i := range 6000 {
		list = append(list, fact{fmt.Sprint(i % 20), words[i%10] + "_" + words[i/10%10] + "_" + words[i/100%10] + "_email", invented(i)})
	}
	fields := []classifiers.Field{{Name: "id", Kind: "integer", Key: true}, {Name: "user_id", Kind: "integer"},
		{Name: "meta_key", Kind: "text"}, {Name: "meta_value", Kind: "text"}}
	id, of, key, value := columnsOf(list)
	v := classify(c, "usermeta", fields, id, of, key, value)
	require.LessOrEqual(t, len(v.Fields), 4+128)
	require.Greater(t, len(v.Fields), 64, "%v", v)
	for range 3 {
		rand.New(rand.NewSource(5)).Shuffle(len(list), func(i, j int) { list[i], list[j] = list[j], list[i] })
		id, of, key, value = columnsOf(list)
		require.Equal(t, v, classify(c, "usermeta", fields, id, of, key, value))
	}
}

// TestListsOfKindsHoldNoFacts sees that a list of what may be chosen is no table of attributes, whatever its rows are called.
func TestListsOfKindsHoldNoFacts(t *testing.T) {
	c := catalogue(t)
	list := facts(40, map[string]func(i int) string{"first_name": given, "billing_phone": phones, "gender": onOff})
	id, _, key, value := columnsOf(list)
	paths := func(table string) (n int) {
		for _, f := range classify(c, table, textFields("id", "option_key", "option_value"), id, key, value).Fields {
			if f.Path {
				n++
			}
		}
		return n
	}
	require.Positive(t, paths("r_client_value"))
	require.Zero(t, paths("r_enum_value"))
}
