package classifiers

import (
	"bytes"
	"strconv"
	"strings"
)

func isGenderWord(b []byte) bool {
	switch foldWord(string(b)) {
	case "m", "f", "w", "d", "x", "k", "v", "male", "female", "man", "woman", "men", "women", "other", "divers",
		"diverse", "non-binary", "nonbinary", "mannlich", "weiblich", "maschio", "femmina", "uomo", "donna", "homme",
		"femme", "masculin", "feminin", "masculino", "femenino", "feminino", "hombre", "mujer", "homem", "mulher",
		"vrouw", "mezczyzna", "kobieta", "kvinna", "kvinde", "kvinne", "mand", "mann", "mies", "nainen", "muz", "zena",
		"ferfi", "no", "n", "barbat", "femeie", "musko", "zensko", "muski", "zenski", "moski", "erkek", "kadin", "e",
		"ανδρασ", "γυναικα", "мъж", "жена", "мужскои", "женскии", "мужчина", "женщина", "муж", "жен", "м", "ж", "vyras",
		"moteris", "virietis", "sieviete", "mees", "naine", "mr", "mrs", "ms", "herr", "frau", "unknown", "u",
		"not specified", "prefer not to say", "mr.", "mrs.", "ms.", "miss", "dr.", "maennlich", "feminino.", "masc",
		"fem", "h", "vir", "gelijk", "boy", "girl":
		return true
	}
	return false
}

func religionWords() []string {
	return []string{"catholic", "roman catholic", "protestant", "christian", "muslim", "islam", "islamic", "jewish",
		"judaism", "hindu", "hinduism", "buddhist", "buddhism", "sikh", "sikhism", "orthodox", "atheist", "agnostic",
		"lutheran", "methodist", "baptist", "anglican", "mormon", "christianity", "evangelical", "pentecostal",
		"jehovah's witness", "no religion", "church of england", "cattolica", "cattolico", "cristiana", "cristiano",
		"musulmana", "musulmano", "ebraica", "ebreo", "ortodossa", "ortodosso", "ateo", "valdese", "katholisch",
		"romisch-katholisch", "evangelisch", "rk", "ev", "muslimisch", "judisch", "konfessionslos", "catholique",
		"protestante", "musulmane", "juif", "juive", "bouddhiste", "athee", "catolica", "catolico", "evangelica",
		"evangelico", "judia", "judio", "judeu", "espirita", "budista", "hinduista", "ortodoxa", "katholiek",
		"protestants", "moslim", "joods", "gereformeerd", "katolik", "katolicyzm", "rzymskokatolickie", "prawoslawie",
		"prawoslawny", "ewangelicki", "muzulmanin", "islamskie", "svenska kyrkan", "folkekirken", "den norske kirke",
		"ev.lut.", "evankelis-luterilainen", "ortodoksi", "katolicke", "rimskokatolicke", "rimskokatolik", "evangelik",
		"romai katolikus", "reformatus", "evangelikus", "gorog katolikus", "ortodox", "romano-catolic", "greco-catolic",
		"musulman", "katolicka", "pravoslavna", "pravoslavac", "muslimanska", "katolicko", "sunni", "shia", "musluman",
		"hristiyan", "musevi", "χριστιανοσ", "ορθοδοξοσ", "православие", "православен", "православныи", "мюсюлманин",
		"католик", "ислам"}
}

func maritalWords() []string {
	return []string{"single", "married", "divorced", "widowed", "separated", "widow", "widower", "civil partnership",
		"domestic partner", "cohabiting", "engaged", "unmarried", "never married", "celibe", "nubile", "coniugato",
		"coniugata", "divorziato", "divorziata", "vedovo", "vedova", "separato", "separata", "ledig", "verheiratet",
		"geschieden", "verwitwet", "getrennt lebend", "celibataire", "marie", "mariee", "divorce", "divorcee", "veuf",
		"veuve", "pacse", "pacsee", "soltero", "soltera", "casado", "casada", "divorciado", "divorciada", "viudo",
		"viuda", "solteiro", "solteira", "viuvo", "viuva", "uniao estavel", "ongehuwd", "gehuwd", "gescheiden",
		"weduwe", "weduwnaar", "samenwonend", "panna", "kawaler", "zonaty", "mezatka", "rozwiedziony", "rozwiedziona",
		"wdowiec", "wdowa", "ogift", "gift", "skild", "anka", "sambo", "ugift", "skilt", "enke", "enkemand", "naimaton",
		"naimisissa", "eronnut", "leski", "avoliitto", "svobodny", "svobodna", "zenaty", "vdana", "rozvedeny",
		"rozvedena", "vdovec", "vdova", "slobodny", "slobodna", "vydata", "egyedulallo", "hajadon", "notlen", "hazas",
		"elvalt", "ozvegy", "necasatorit", "necasatorita", "casatorit", "casatorita", "divortat", "divortata", "vaduv",
		"vaduva", "neozenjen", "neudana", "ozenjen", "udana", "razveden", "razvedena", "udovac", "udovica", "bekar",
		"evli", "bosanmis", "dul", "αγαμοσ", "αγαμη", "παντρεμενοσ", "παντρεμενη", "женен", "омъжена", "неженен",
		"разведен", "разведена", "холост", "замужем", "женат", "вдовец", "вдова"}
}

// hasJobWord looks for a head word of job titles in a short value.
func hasJobWord(b []byte) bool {
	if len(b) > 60 {
		return false
	}
	for _, w := range strings.FieldsFunc(foldWord(string(b)), func(r rune) bool {
		return r == ' ' || r == '/' || r == '-' || r == ',' || r == '(' || r == ')' || r == '.'
	}) {
		switch w {
		case "manager", "director", "engineer", "assistant", "representative", "developer", "analyst", "consultant",
			"officer", "administrator", "coordinator", "specialist", "technician", "supervisor", "agent", "clerk",
			"accountant", "designer", "architect", "secretary", "president", "executive", "sales", "owner", "associate",
			"teacher", "professor", "nurse", "doctor", "physician", "lawyer", "driver", "programmer", "staff", "lead",
			"intern", "trainee", "ceo", "cto", "cfo", "coo", "chief", "head", "vp", "buyer", "planner", "strategist",
			"liaison", "producer", "orchestrator", "facilitator", "direttore", "responsabile", "impiegato", "impiegata",
			"ingegnere", "consulente", "operaio", "tecnico", "insegnante", "medico", "infermiere", "avvocato",
			"geschaftsfuhrer", "leiter", "leiterin", "sachbearbeiter", "sachbearbeiterin", "ingenieur", "berater",
			"beraterin", "lehrer", "lehrerin", "arzt", "krankenschwester", "entwickler", "buchhalter", "verkaufer",
			"mechaniker", "directeur", "directrice", "employe", "comptable", "vendeur", "vendeuse", "infirmiere",
			"enseignant", "avocat", "gerente", "ingeniero", "asistente", "contador", "vendedor", "enfermera",
			"profesor", "abogado", "engenheiro", "analista", "advogado", "professora", "kierownik", "dyrektor",
			"inzynier", "ksiegowa", "nauczyciel", "lekarz", "pielegniarka", "sprzedawca", "medewerker", "adviseur",
			"boekhouder", "chef", "saljare", "larare", "sjukskoterska", "ingenjor", "ekonom", "konsult", "selger",
			"laerer", "sykepleier", "johtaja", "myyja", "opettaja", "insinoori", "sairaanhoitaja", "reditel", "ucitel",
			"ucetni", "prodavac", "igazgato", "mernok", "tanar", "konyvelo", "inginer", "contabil", "mudur", "muhendis",
			"ogretmen", "avukat":
			return true
		}
	}
	return false
}

// isICD accepts ICD-10 codes: a letter, two digits (the second may be a letter in the clinical
// modification), a point and one to four more.
func isICD(b []byte) bool {
	if len(b) < 5 || len(b) > 8 || !isLetter(b[0]) || !isDigit(b[1]) || !isAlnum(b[2]) || b[3] != '.' {
		return false
	}
	return allOf(b[4:], isAlnum)
}

func isBloodGroup(b []byte) bool {
	s := strings.ToUpper(strings.ReplaceAll(string(b), " ", ""))
	for _, g := range [...]string{"AB", "A", "B", "O", "0"} {
		if rest, ok := strings.CutPrefix(s, g); ok {
			switch rest {
			case "+", "-", "RH+", "RH-", "POS", "NEG", "POSITIVE", "NEGATIVE":
				return true
			}
		}
	}
	return false
}

// isImage knows pictures by their first bytes, also inside base64 and data URIs.
func isImage(b []byte) bool {
	for _, p := range [...]string{"\x89PNG\r\n", "\xff\xd8\xff", "GIF87a", "GIF89a", "BM", "data:image/", "iVBORw0KGgo",
		"/9j/4AA", "R0lGODlh", "RIFF"} {
		if bytes.HasPrefix(b, []byte(p)) && len(b) > 16 {
			return p != "BM" && p != "RIFF" || len(b) > 60 && take(b).others > 4
		}
	}
	return false
}

func isImagePath(b []byte) bool {
	if len(b) > 1024 || len(b) < 5 || bytes.IndexByte(b, '\n') >= 0 {
		return false
	}
	s := strings.ToLower(string(b))
	s, _, _ = strings.Cut(s, "?")
	for _, ext := range [...]string{".png", ".jpg", ".jpeg", ".gif", ".webp", ".bmp", ".svg", ".heic", ".tif",
		".tiff"} {
		if strings.HasSuffix(s, ext) {
			return true
		}
	}
	return strings.Contains(s, "gravatar.com/avatar") || strings.HasPrefix(s, "http") &&
		(strings.Contains(s, "/avatar") || strings.Contains(s, "/photo"))
}

// isProse reports whether a value is running text: at least five words, most of them made of letters.
func isProse(v []byte) bool {
	words, plain := 0, 0
	for _, w := range bytes.Fields(v) {
		words++
		c := take(w)
		if c.letters() >= 2 && c.digits == 0 || len(w) == 1 {
			plain++
		}
	}
	return words >= 5 && plain*10 >= words*7
}

// day is a calendar date, with the time of day told apart from midnight.
type day struct {
	year, month, date int
	clock             bool // the value carries a time other than 00:00:00
}

// parseDate reads ISO dates and timestamps, 31.12.1999, 31/12/1999, 12/31/1999 and 31-12-1999.
func parseDate(b []byte) (day, bool) {
	s := string(b)
	if len(s) < 8 || len(s) > 35 {
		return day{}, false
	}
	var d day
	head, rest := s[:min(10, len(s))], ""
	if len(s) > 10 {
		if s[10] != ' ' && s[10] != 'T' {
			return day{}, false
		}
		rest = s[11:]
	}
	sep := strings.IndexAny(head, "-/.")
	if sep < 0 {
		return day{}, false
	}
	parts := strings.Split(head, head[sep:sep+1])
	if len(parts) != 3 {
		return day{}, false
	}
	var n [3]int
	for i, p := range parts {
		v, err := strconv.Atoi(strings.TrimSpace(p))
		if err != nil || v < 0 {
			return day{}, false
		}
		n[i] = v
	}
	switch {
	case len(parts[0]) == 4:
		d.year, d.month, d.date = n[0], n[1], n[2]
	case len(parts[2]) == 4 && n[1] <= 12:
		d.year, d.month, d.date = n[2], n[1], n[0]
	case len(parts[2]) == 4:
		d.year, d.month, d.date = n[2], n[0], n[1]
	default:
		return day{}, false
	}
	d.clock = strings.ContainsAny(rest, "123456789")
	return d, d.year >= 1000 && d.month >= 1 && d.month <= 12 && d.date >= 1 && d.date <= 31
}
