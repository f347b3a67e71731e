package classifiers

import (
	"math"
	"slices"

	"github.com/apache/arrow/go/v15/arrow"
	"github.com/apache/arrow/go/v15/arrow/array"
)

// A table of attributes has a row for each fact: whose it is, a key that says which fact, and its value. What is in the
// field of the values is said by the keys, so that it is judged key by key. The keys stand in a field beside it, or in
// another table that lists them.
const (
	mostKeys      = 128 // keys of a table that are judged: those of the smallest hashes, whatever the order of the rows
	longestKey    = 120 // bytes
	valuesOfKey   = 64  // distinct values of each
	mostListed    = 512 // rows of a table that lists keys
	mostValues    = 8   // fields of values of one table
	mostKeyFields = 16  // fields of a table of attributes: wider ones hold a fact a field
)

// attributes are the values of a table by the keys beside them.
type attributes struct {
	key    int   // its place among the fields
	values []int // the places of the fields of values
	keys   map[uint64]*attribute
	limit  uint64 // hashes of keys from here on are not kept
	rows   int64  // that have a key
}

// attribute is one key with its values.
type attribute struct {
	key     string
	hash    uint64
	rows    int64
	columns []column // for each field of values
}

// newAttributes finds the fields of keys and values by their names; nil where the table has none.
func (c *Catalogue) newAttributes(t Table) *attributes {
	if len(t.Fields) < 2 || len(t.Fields) > mostKeyFields || hasOneOf(c.lexicon.tokens(t.Name), listsOfKinds[:]) {
		return nil
	}
	words := c.ownWords(t.Fields)
	a := &attributes{limit: math.MaxUint64, keys: map[uint64]*attribute{}}
	for i, f := range t.Fields {
		if len(a.values) < mostValues && f.Kind != "binary" && isOfValues(words[i]) {
			a.values = append(a.values, i)
		}
	}
	best := 0
	for i, f := range t.Fields {
		if slices.Contains(a.values, i) {
			continue
		}
		if rank := keyRank(t.Fields, i, words[i]); rank > best || rank == best && rank > 0 && t.Fields[a.key].Kind == "integer" &&
			f.Kind != "integer" {
			a.key, best = i, rank
		}
	}
	if best == 0 {
		return nil
	}
	if best < surelyKey { // else a code beside an amount
		a.values = slices.DeleteFunc(a.values, func(i int) bool { return t.Fields[i].Kind != "text" })
	}
	if len(a.values) == 0 && best == surelyKey {
		for i, f := range t.Fields {
			if i != a.key && f.Kind == "text" && hasOneOf(words[i], answerWords[:]) {
				a.values = append(a.values, i)
			}
		}
	}
	if len(a.values) == 0 {
		return nil
	}
	return a
}

// isOfValues reports whether a header begins or ends with a word for values.
func isOfValues(words []string) bool {
	n := len(words)
	return n > 0 && !slices.ContainsFunc(words, isIDWord) &&
		(slices.Contains(valueWords[:], words[0]) || slices.Contains(valueWords[:], words[n-1]))
}

// ownWords are the words of each header but those that most fields of the table have: meta in meta_key and meta_value.
func (c *Catalogue) ownWords(fields []Field) [][]string {
	all, count := make([][]string, len(fields)), map[string]int{}
	for i, f := range fields {
		all[i] = c.lexicon.tokens(f.Name)
		for k, w := range all[i] {
			if !slices.Contains(all[i][:k], w) {
				count[w]++
			}
		}
	}
	for i := range all {
		all[i] = slices.DeleteFunc(all[i], func(w string) bool {
			return len(fields) > 2 && count[w]*10 >= len(fields)*7 && !isIDWord(w)
		})
	}
	return all
}

// How surely a field is one of keys, by its name.
const (
	maybeKey  = 1 // type
	likelyKey = 2 // name, code
	surelyKey = 3 // key, attribute_id, setting
)

func keyRank(fields []Field, i int, words []string) int {
	f := fields[i]
	switch f.Kind {
	case "text", "integer", "":
	default:
		return 0
	}
	id := slices.ContainsFunc(words, isIDWord) || f.References != ""
	switch {
	case f.Kind == "integer" && !id, len(words) == 1 && isIDWord(words[0]), isOnlyKey(fields, i) && f.Kind == "integer":
		return 0
	case hasOneOf(words, keyWords[:]), id && slices.Contains(words, "question"):
		return surelyKey
	case id:
		return 0 // of a row elsewhere
	case hasOneOf(words, nameWords[:]):
		return likelyKey
	case hasOneOf(words, typeWords[:]):
		return maybeKey
	}
	return 0
}

// isOnlyKey reports whether a field alone is the table's primary key.
func isOnlyKey(fields []Field, i int) bool {
	n := 0
	for _, f := range fields {
		if f.Key {
			n++
		}
	}
	return n == 1 && fields[i].Key
}

func hasOneOf(words, list []string) bool {
	return slices.ContainsFunc(words, func(w string) bool { return slices.Contains(list, w) })
}

var (
	valueWords = [...]string{"value", "values", "val", "vals", "valor", "valeur", "valore", "wert", "werte", "waarde", "wartosc",
		"hodnota", "vrednost", "vrijednost", "verdi", "vaerdi", "varde", "arvo", "ertek", "valoare", "deger", "verte", "vertiba",
		"vaartus", "timi", "znachenie", "znachennya", "nilai", "значение", "значення", "стойност", "вредност", "τιμη", "值"}
	answerWords = [...]string{"data", "answer", "response", "antwort", "risposta", "reponse", "respuesta", "resposta", "content"}
	keyWords    = [...]string{"key", "attribute", "attributes", "attr", "attrib", "option", "setting", "param", "params", "parameter",
		"property", "prop", "field", "variable", "var", "preference", "pref", "config", "parametro", "parametre",
		"campo", "champ", "feld", "attribut", "atributo", "attributo", "eigenschaft", "merkmal", "einstellung", "schluessel",
		"schlussel", "chiave", "clave", "chave", "cle", "klic", "kluc", "klucz", "kljuc", "nyckel", "nokkel", "nogle", "avain",
		"kulcs", "sleutel", "cheie", "anahtar", "ustawienie", "nastaveni", "ключ", "параметр", "поле", "атрибут"}
	nameWords = [...]string{"name", "code", "nom", "nome", "nombre", "naam", "nazwa", "nazev", "namn", "navn", "nimi", "nev",
		"codice", "codigo", "kod", "bezeichnung", "label", "alias", "slug", "имя", "название"}
	typeWords = [...]string{"type", "kind", "typ", "tipo", "art", "channel", "medium", "typen", "тип"}
	// listsOfKinds are words in the names of tables that list what may be chosen, and hold no facts.
	listsOfKinds = [...]string{"enum", "enums", "enumeration", "enumerations", "lookup", "lookups"}
	// listsKeys are words in the names of tables that list keys.
	listsKeys = [...]string{"attribute", "attr", "field", "property", "prop", "option", "param", "parameter", "type", "custom",
		"question", "concept", "key", "setting", "attribut", "feld", "champ", "campo", "atributo", "attributo", "variable",
		"eigenschaft", "merkmal", "definition", "meta"}
)

// observe reads the pairs of a record.
func (a *attributes) observe(rec arrow.Record) {
	keys, ok := rec.Column(a.key).(*array.Binary)
	if !ok {
		return
	}
	for row := range keys.Len() {
		if keys.IsNull(row) {
			continue
		}
		k := keys.Value(row)
		if len(k) == 0 || len(k) > longestKey {
			continue
		}
		a.rows++
		x := a.of(k)
		if x == nil {
			continue
		}
		x.rows++
		for i, at := range a.values {
			col := &x.columns[i]
			col.rows++
			values, ok := rec.Column(at).(*array.Binary)
			if !ok || values.IsNull(row) {
				continue
			}
			if v := values.Value(row); len(v) > 0 {
				col.nonEmpty++
				col.bytes += int64(len(v))
				col.sample.add(hashBytes(v), v)
			}
		}
	}
}

// of is the attribute of a key, nil where it is not kept.
func (a *attributes) of(key []byte) *attribute {
	h := hashBytes(key)
	if h >= a.limit {
		return nil
	}
	if x := a.keys[h]; x != nil {
		return x
	}
	if len(a.keys) == 2*mostKeys {
		if a.shrink(); h >= a.limit {
			return nil
		}
	}
	x := &attribute{key: string(key), hash: h, columns: make([]column, len(a.values))}
	for i := range x.columns {
		x.columns[i].sample = newSampleOf(valuesOfKey)
	}
	a.keys[h] = x
	return x
}

// shrink keeps the keys with the smallest hashes. One that is kept in the end was never left out: its counts are whole.
func (a *attributes) shrink() {
	if len(a.keys) <= mostKeys {
		return
	}
	list := a.sorted()
	a.limit = list[mostKeys].hash
	for _, x := range list[mostKeys:] {
		delete(a.keys, x.hash)
	}
}

// sorted are the attributes in the order of their hashes.
func (a *attributes) sorted() []*attribute {
	list := make([]*attribute, 0, len(a.keys))
	for _, x := range a.keys {
		list = append(list, x)
	}
	slices.SortFunc(list, func(x, y *attribute) int {
		if x.hash < y.hash {
			return -1
		}
		return 1
	})
	return list
}

// keyList is what a table says that lists keys: by the number of each, its code and its label.
type keyList struct {
	id     int
	names  []int // the places of code and label
	listed map[string][]string
}

// newKeyList finds the fields of number and name; nil where the table seems to list no keys.
func (c *Catalogue) newKeyList(t Table) *keyList {
	if !hasOneOf(c.lexicon.tokens(t.Name), listsKeys[:]) {
		return nil
	}
	l := &keyList{id: -1, listed: map[string][]string{}}
	words := c.ownWords(t.Fields)
	for i, f := range t.Fields {
		if l.id < 0 && (f.Key || i == 0 && f.Kind == "integer") {
			l.id = i
			continue
		}
		named := hasOneOf(words[i], nameWords[:]) || hasOneOf(words[i], keyWords[:]) || hasOneOf(words[i], typeWords[:])
		if f.Kind == "text" && named && !slices.ContainsFunc(words[i], isIDWord) {
			l.names = append(l.names, i)
		}
	}
	if l.id < 0 || len(l.names) == 0 {
		return nil
	}
	l.names = l.names[:min(len(l.names), 4)]
	return l
}

// observe reads a record. A table of more rows lists no keys.
func (l *keyList) observe(rec arrow.Record) {
	if l.listed == nil {
		return
	}
	ids, ok := rec.Column(l.id).(*array.Binary)
	if !ok {
		return
	}
	for row := range ids.Len() {
		if ids.IsNull(row) {
			continue
		}
		var names []string
		for _, at := range l.names {
			if v, ok := rec.Column(at).(*array.Binary); ok && !v.IsNull(row) && len(v.Value(row)) <= longestKey {
				names = append(names, string(v.Value(row)))
			}
		}
		l.listed[string(ids.Value(row))] = names
		if len(l.listed) > mostListed {
			l.listed = nil
			return
		}
	}
}
