package classifiers_test

import (
	"fmt"
	"math/rand"
	"os"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"lethe/classifiers"
)

// domain is one table of a corpus file: see the head of testdata/tuned.txt.
type domain struct {
	database, table, language string
	fields                    []domainField
}

type domainField struct {
	classifiers.Field
	labels []string
	values string
}

func readDomains(t *testing.T, file string) []domain {
	t.Helper()
	text, err := os.ReadFile(file)
	require.NoError(t, err)
	kinds := map[string]string{"t": "text", "i": "integer", "d": "date", "s": "timestamp", "m": "decimal", "f": "float", "b": "bool", "x": "binary", "j": "json"}
	var list []domain
	for _, line := range strings.Split(strings.TrimSpace(string(text)), "\n") {
		if line[0] == '#' {
			continue
		}
		head, rest, ok := strings.Cut(line, "\t")
		require.True(t, ok, line)
		place, language, _ := strings.Cut(head, "@")
		database, table, _ := strings.Cut(place, ".")
		d := domain{database: database, table: table, language: language}
		depth, from := 0, 0
		rest += ";"
		for i, r := range rest {
			switch {
			case r == '{':
				depth++
			case r == '}':
				depth--
			case r == ';' && depth == 0:
				p := strings.SplitN(strings.TrimSpace(rest[from:i]), " ", 4)
				require.Len(t, p, 4, "%s: %s", head, rest[from:i])
				require.Contains(t, kinds, p[1], head)
				d.fields = append(d.fields, domainField{classifiers.Field{Name: p[0], Kind: kinds[p[1]]}, strings.Split(p[2], ","), p[3]})
				from = i + 1
			}
		}
		list = append(list, d)
	}
	return list
}

// invent makes one value. The generators know nothing of the detectors; numbers with a check are computed by the rules that their issuers publish.
func invent(r *rand.Rand, l land, spec string, row int) string {
	if list, ok := strings.CutPrefix(spec, "{"); ok {
		all := strings.Split(strings.TrimSuffix(list, "}"), "|")
		return all[r.Intn(len(all))]
	}
	name, arg, _ := strings.Cut(strings.TrimSuffix(spec, ")"), "(")
	span := func() (int, int) {
		low, high, _ := strings.Cut(arg[1:], "-")
		a, _ := strconv.Atoi(arg[:1] + low)
		b, _ := strconv.Atoi(high)
		return a, b
	}
	switch name {
	case "seq":
		return strconv.Itoa(row + 1)
	case "fk":
		return strconv.Itoa(1 + r.Intn(60))
	case "int":
		a, b := span()
		return strconv.Itoa(a + r.Intn(b-a+1))
	case "dec":
		a, b := span()
		return fmt.Sprintf("%.2f", float64(a)+r.Float64()*float64(b-a))
	case "money":
		return fmt.Sprintf("%.2f", 20+r.Float64()*4000)
	case "date":
		return fmt.Sprintf("%d-%02d-%02d", 2012+r.Intn(12), 1+r.Intn(12), 1+r.Intn(28))
	case "dob":
		return fmt.Sprintf("%d-%02d-%02d", 1940+r.Intn(64), 1+r.Intn(12), 1+r.Intn(28))
	case "ts":
		return fmt.Sprintf("%d-%02d-%02d %02d:%02d:%02d", 2018+r.Intn(6), 1+r.Intn(12), 1+r.Intn(28), r.Intn(24), r.Intn(60), r.Intn(60))
	case "epoch":
		return strconv.Itoa(1300000000 + r.Intn(400000000))
	case "code":
		var b strings.Builder
		for _, c := range arg {
			switch c {
			case '9':
				c = rune('0' + r.Intn(10))
			case 'A':
				c = rune('A' + r.Intn(26))
			case 'X':
				c = rune("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789"[r.Intn(62)])
			}
			b.WriteRune(c)
		}
		return b.String()
	case "hex32":
		return fmt.Sprintf("%016x%016x", r.Uint64(), r.Uint64())
	case "hex64":
		return fmt.Sprintf("%016x%016x%016x%016x", r.Uint64(), r.Uint64(), r.Uint64(), r.Uint64())
	case "uuid":
		h := fmt.Sprintf("%016x%016x", r.Uint64(), r.Uint64())
		return h[:8] + "-" + h[8:12] + "-4" + h[13:16] + "-a" + h[17:20] + "-" + h[20:]
	case "bcrypt":
		return "$2y$10$" + invent(r, l, "code("+strings.Repeat("X", 53)+")", 0)
	case "given":
		return pick(r, l.given)
	case "family":
		return pick(r, l.family)
	case "full":
		return pick(r, l.given) + " " + pick(r, l.family)
	case "user":
		return strings.ToLower(pick(r, "pix,luna,storm,kite,maple,rocco,zed,nova,otter,finch")) + pick(r, "fan,er,_x,99,king,.m,ista") + strconv.Itoa(r.Intn(900))
	case "email":
		return fmt.Sprintf("%s%d@%s.%s", pick(r, "lu,mara,jk,p.t,office-user,zoe"), r.Intn(9000), pick(r, "posta,webmail,inbox,firma"), pick(r, "net,org,com,eu"))
	case "phone":
		return l.phone(r)
	case "msisdn":
		return "4479" + digits(r, 8)
	case "street":
		street := strings.Split(l.streets, "|")[r.Intn(4)]
		return fmt.Sprintf(street, pick(r, l.titles), 1+r.Intn(140))
	case "city":
		return pick(r, l.cities)
	case "postcode":
		return l.postcode(r)
	case "country":
		return pick(r, "Italy,Germany,France,Spain,Poland,USA,Norway,Australia,Japan,Switzerland")
	case "company":
		return pick(r, "Atelier graphique,Signal Gift Stores,Baane Mini Imports,Nordlicht GmbH,Havel & Zbranek Co,La Rochelle Gifts,Euro+ Shopping Channel,Volvo Model Replicas Co,Technics Stores Inc.,Rovelli Gifts S.p.A.,Blauer See Auto Co.,Mini Wheels Co.")
	case "ip":
		return fmt.Sprintf("%d.%d.%d.%d", 11+r.Intn(200), r.Intn(256), r.Intn(256), 1+r.Intn(254))
	case "mac":
		return fmt.Sprintf("00:1b:%02x:%02x:%02x:%02x", r.Intn(256), r.Intn(256), r.Intn(256), r.Intn(256))
	case "ua":
		return fmt.Sprintf("Mozilla/5.0 (%s) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/%d.0.%d.%d Safari/537.36", pick(r, "Windows NT 10.0; Win64; x64,X11; Linux x86_64,Macintosh; Intel Mac OS X 10_15_7"), 80+r.Intn(40), 3000+r.Intn(2000), r.Intn(200))
	case "imei":
		return luhn("35" + digits(r, 12))
	case "imsi":
		return "23415" + digits(r, 10)
	case "lat":
		return fmt.Sprintf("%.6f", 41+r.Float64()*10)
	case "lon":
		return fmt.Sprintf("%.6f", r.Float64()*14)
	case "png":
		return "\x89PNG\r\n\x1a\n\x00\x00\x00\rIHDR" + fmt.Sprintf("%016x", r.Uint64())
	case "json":
		return fmt.Sprintf(`{"ok":true,"step":%d,"plan":"pro"}`, r.Intn(9))
	case "isbn":
		s := "978972" + digits(r, 6)
		sum := 0
		for k, c := range s {
			sum += int(c-'0') * (1 + 2*(k%2))
		}
		return fmt.Sprintf("%s%d", s, (10-sum%10)%10)
	case "card":
		return luhn("4" + digits(r, 14))
	case "iban":
		return iban(r, "PL", 24)
	case "bsn":
		return bsn(r)
	case "pesel":
		return pesel(r)
	case "dni":
		return dni(r)
	case "nir":
		return nir(r)
	case "personnummer":
		return personnummer(r)
	case "dowod":
		return dowod(r)
	case "cf":
		return codiceFiscale(r)
	case "kvnr":
		return kvnr(r)
	case "naf":
		n := 28*1e8 + int64(r.Intn(1e8))
		return fmt.Sprintf("%010d%02d", n, n%97)
	case "nif":
		return nif(r)
	case "idnr":
		return idnr(r)
	case "cpr":
		return fmt.Sprintf("%02d%02d%02d-%s", 1+r.Intn(28), 1+r.Intn(12), 40+r.Intn(59), digits(r, 4))
	case "hetu":
		s := fmt.Sprintf("%02d%02d%02d", 1+r.Intn(28), 1+r.Intn(12), 40+r.Intn(59))
		n := 2 + r.Intn(890)
		all, _ := strconv.Atoi(fmt.Sprintf("%s%03d", s, n))
		return fmt.Sprintf("%s-%03d%c", s, n, "0123456789ABCDEFHJKLMNPRSTUVWXY"[all%31])
	case "cnp":
		s := fmt.Sprintf("%d%02d%02d%02d%02d%03d", 1+r.Intn(2), 40+r.Intn(59), 1+r.Intn(12), 1+r.Intn(28), 1+r.Intn(40), 1+r.Intn(900))
		sum := 0
		for i, c := range s {
			sum += int(c-'0') * int("279146358279"[i]-'0')
		}
		if sum %= 11; sum == 10 {
			sum = 1
		}
		return fmt.Sprintf("%s%d", s, sum)
	case "passport":
		return invent(r, l, "code(99AA99999)", 0)
	case "kenteken":
		return invent(r, l, "code(AA-999-A)", 0)
	case "deplate":
		return pick(r, "HH,B,M,KA,FR,WÜ") + "-" + invent(r, l, "code(AA 999)", 0)
	case "roplate":
		return pick(r, "CJ,IS,TM,BV") + " " + invent(r, l, "code(99 AAA)", 0)
	case "rc":
		for {
			s := fmt.Sprintf("%02d%02d%02d%s", 54+r.Intn(45), 1+r.Intn(12), 1+r.Intn(28), digits(r, 4))
			if n, _ := strconv.Atoi(s); n%11 == 0 {
				return s[:6] + "/" + s[6:]
			}
		}
	case "prose":
		return prose(r, l.language)
	}
	panic("no generator " + spec)
}

func dowod(r *rand.Rand) string {
	s := invent(r, land{}, "code(AAA)", 0)
	rest := digits(r, 5)
	sum := 0
	for i, c := range s {
		sum += (int(c-'A') + 10) * [...]int{7, 3, 1}[i]
	}
	for i, c := range rest {
		sum += int(c-'0') * [...]int{7, 3, 1, 7, 3}[i]
	}
	return fmt.Sprintf("%s%d%s", s, sum%10, rest)
}

// codiceFiscale follows the decree of 23 December 1976.
func codiceFiscale(r *rand.Rand) string {
	s := pick(r, "RSS,BNC,VRD,FRR,CNT,MRN") + pick(r, "MRA,GPP,LCU,NNA,PLA,FNC") + fmt.Sprintf("%02d%c%02d", 40+r.Intn(59), "ABCDEHLMPRST"[r.Intn(12)], 1+r.Intn(28)) + pick(r, "H501,F205,L219,F839,G273,D612")
	odd := [...]int{1, 0, 5, 7, 9, 13, 15, 17, 19, 21, 2, 4, 18, 20, 11, 3, 6, 8, 12, 14, 16, 10, 22, 25, 24, 23}
	sum := 0
	for i, c := range s {
		v := int(c - '0')
		if c >= 'A' {
			v = int(c - 'A')
		}
		if i%2 == 0 {
			v = odd[v]
		}
		sum += v
	}
	return s + string(rune('A'+sum%26))
}

// kvnr follows § 290 SGB V: letter as two digits, weights 1 and 2, sums of digits.
func kvnr(r *rand.Rand) string {
	letter := r.Intn(26)
	s := digits(r, 8)
	all := fmt.Sprintf("%02d%s", letter+1, s)
	sum := 0
	for i, c := range all {
		v := int(c-'0') * (1 + i%2)
		sum += v/10 + v%10
	}
	return fmt.Sprintf("%c%s%d", 'A'+letter, s, sum%10)
}

func nif(r *rand.Rand) string {
	s := "2" + digits(r, 7)
	sum := 0
	for i, c := range s {
		sum += int(c-'0') * (9 - i)
	}
	d := 11 - sum%11
	if d > 9 {
		d = 0
	}
	return fmt.Sprintf("%s%d", s, d)
}

// idnr has one digit twice among the first ten, and ISO 7064 MOD 11,10.
func idnr(r *rand.Rand) string {
	p := r.Perm(10)
	if p[0] == 0 {
		p[0], p[1] = p[1], p[0]
	}
	p[9] = p[2]
	product := 10
	var b strings.Builder
	for _, d := range p {
		b.WriteByte(byte('0' + d))
		s := (d + product) % 10
		if s == 0 {
			s = 10
		}
		product = s * 2 % 11
	}
	return fmt.Sprintf("%s%d", b.String(), (11-product)%10)
}

func prose(r *rand.Rand, language string) string {
	all := map[string]string{
		"de": "Der Kunde rief am Montag an und bat um Rückruf.|Bitte die neue Adresse eintragen, er ist umgezogen.|War sehr freundlich, möchte aber keine Werbung mehr.|Hat sich beschwert, weil die Lieferung zu spät kam.",
		"en": "He called twice and asked for a refund last week.|Please note that she moved to her sister's house.|Thanks for the quick answer, I will come by tomorrow.|My son broke it, can you send another one to us?",
		"fr": "Le client souhaite une chambre calme au dernier étage.|Elle arrive tard, merci de garder la clé à la réception.|Il a oublié son manteau, à renvoyer chez lui.|Anniversaire de mariage, prévoir des fleurs.",
		"nl": "De verzekerde reed achteruit tegen een paaltje.|Mevrouw belde om de schade te melden, er is een foto.|Hij wil graag voor vrijdag teruggebeld worden.|Auto stond geparkeerd voor de deur toen het gebeurde.",
		"pt": "Pediu para renovar o livro por telefone.|Mudou de casa, falta a nova morada.|A mãe vem levantar o cartão na segunda-feira.|Devolveu tarde porque esteve doente.",
		"cs": "Zákazník volal a chce změnit termín.|Prosím poslat vstupenky na jeho e-mail.|Paní žádá o místo u uličky kvůli noze.|Vyzvedne si je bratr v pátek večer.",
	}
	list, ok := all[language]
	if !ok {
		list = all["en"]
	}
	s := strings.Split(list, "|")
	return s[r.Intn(len(s))] + " " + s[r.Intn(len(s))]
}

// domainScore is what the scorer of the shared databases counts.
type domainScore struct{ truePersonal, falsePersonal, missed, exact, scored int }

func (s domainScore) f1() float64 {
	return 2 * float64(s.truePersonal) / float64(2*s.truePersonal+s.falsePersonal+s.missed)
}

func (s domainScore) kind() float64 { return float64(s.exact) / float64(s.truePersonal+s.missed) }

func scoreDomains(t *testing.T, file string) domainScore {
	t.Helper()
	c := catalogue(t)
	languages := map[string]land{}
	for _, l := range lands() {
		languages[l.language] = l
	}
	languages["da"], languages["hu"] = languages["sv"], languages["cs"]
	domains := readDomains(t, file)
	var scans []*classifiers.Scan
	for i, d := range domains {
		r := rand.New(rand.NewSource(int64(100 + i)))
		l, ok := languages[d.language]
		require.True(t, ok, d.language)
		var fields []classifiers.Field
		cols := make([][]string, len(d.fields))
		for k, f := range d.fields {
			fields = append(fields, f.Field)
			for row := range 150 {
				cols[k] = append(cols[k], invent(r, l, f.values, row))
			}
		}
		fields[0].Key = true
		s := c.Scan(classifiers.Table{Database: d.database, Name: d.table, Fields: fields})
		s.Observe(record(cols...))
		scans = append(scans, s)
	}
	var score domainScore
	for i, v := range c.Verdicts(scans...) {
		for k, f := range v.Fields {
			if f.Path {
				continue
			}
			labels := domains[i].fields[k].labels
			if labels[0] == "*" {
				continue
			}
			personal := func(s string) bool { return s != "-" && s != "none" && s != "company_only" && s != "*" }
			got := f.Personal()
			name := string(f.Primary)
			if !got && f.Primary != classifiers.None {
				name = "company_only"
			}
			if name == "none" {
				name = "-"
			}
			right := slices.Contains(labels, name)
			score.scored++
			either := slices.ContainsFunc(labels, personal) && slices.ContainsFunc(labels, func(s string) bool { return !personal(s) })
			switch {
			case either && !right && !got:
				right = true
			case either:
			case personal(labels[0]) && got:
				score.truePersonal++
				if right {
					score.exact++
				}
			case personal(labels[0]):
				score.missed++
			case got:
				score.falsePersonal++
			}
			if !right && (personal(labels[0]) || got) {
				t.Logf("%s.%s.%s is %s, judged %s %q; table about %q: %v", v.Database, v.Table, f.Field, strings.Join(labels, " or "), name, f.Sub, v.Subject, f.Terms)
			}
		}
	}
	t.Logf("%s: personal at all F1 %.3f (%d found, %d missed, %d wrongly), exact kind %.3f, %d fields", file, score.f1(), score.truePersonal, score.missed, score.falsePersonal, score.kind(), score.scored)
	return score
}

// The floors of the two corpora that rules were repaired for are above the goals for databases not seen.
func TestDomains(t *testing.T) {
	for file, floor := range map[string][2]float64{
		"testdata/tuned.txt":  {0.97, 0.96},
		"testdata/second.txt": {0.97, 0.96},
		"testdata/fresh.txt":  {0.95, 0.90},
	} {
		s := scoreDomains(t, file)
		require.Greater(t, s.f1(), floor[0], "%s: personal at all", file)
		require.Greater(t, s.kind(), floor[1], "%s: exact kind", file)
	}
}
