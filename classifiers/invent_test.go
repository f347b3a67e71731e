package classifiers_test

import (
	"fmt"
	"math/rand"
	"strconv"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

// invention makes one value of a kind. The generators know nothing of the detectors; numbers with a check
// are computed by the rules that their issuers publish.
type invention func(r *rand.Rand, l land, arg string, row int) string

// invent makes one value of those that the specification lists, or of the kind that it names.
func invent(t testing.TB, r *rand.Rand, l land, spec string, row int) string {
	if list, ok := strings.CutPrefix(spec, "{"); ok {
		all := strings.Split(strings.TrimSuffix(list, "}"), "|")
		return all[r.Intn(len(all))]
	}
	name, arg, _ := strings.Cut(strings.TrimSuffix(spec, ")"), "(")
	make := inventions[name]
	require.NotNil(t, make, spec)
	return make(r, l, arg, row)
}

// bounds reads the two numbers of a range, of which the first may be below zero.
func bounds(arg string) (int, int) {
	low, high, _ := strings.Cut(arg[1:], "-")
	a, _ := strconv.Atoi(arg[:1] + low)
	b, _ := strconv.Atoi(high)
	return a, b
}

// code fills in a form: '9' is a digit, 'A' a capital, 'X' any letter or digit.
func code(r *rand.Rand, form string) string {
	var b strings.Builder
	for _, c := range form {
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
}

// inventions are the generators by the name that a specification calls them.
var inventions = map[string]invention{
	"seq": func(_ *rand.Rand, _ land, _ string, row int) string {
		return strconv.Itoa(row + 1)
	},
	"fk": func(r *rand.Rand, _ land, _ string, _ int) string {
		return strconv.Itoa(1 + r.Intn(60))
	},
	"int": func(r *rand.Rand, _ land, arg string, _ int) string {
		a, b := bounds(arg)
		return strconv.Itoa(a + r.Intn(b-a+1))
	},
	"dec": func(r *rand.Rand, _ land, arg string, _ int) string {
		a, b := bounds(arg)
		return fmt.Sprintf("%.2f", float64(a)+r.Float64()*float64(b-a))
	},
	"money": func(r *rand.Rand, _ land, _ string, _ int) string {
		return fmt.Sprintf("%.2f", 20+r.Float64()*4000)
	},
	"date": func(r *rand.Rand, _ land, _ string, _ int) string {
		return fmt.Sprintf("%d-%02d-%02d", 2012+r.Intn(12), 1+r.Intn(12), 1+r.Intn(28))
	},
	"dob": func(r *rand.Rand, _ land, _ string, _ int) string {
		return fmt.Sprintf("%d-%02d-%02d", 1940+r.Intn(64), 1+r.Intn(12), 1+r.Intn(28))
	},
	"ts": func(r *rand.Rand, _ land, _ string, _ int) string {
		return fmt.Sprintf("%d-%02d-%02d %02d:%02d:%02d", 2018+r.Intn(6), 1+r.Intn(12), 1+r.Intn(28), r.Intn(24),
			r.Intn(60), r.Intn(60))
	},
	"epoch": func(r *rand.Rand, _ land, _ string, _ int) string {
		return strconv.Itoa(1300000000 + r.Intn(400000000))
	},
	"code": func(r *rand.Rand, _ land, arg string, _ int) string { return code(r, arg) },
	"hex32": func(r *rand.Rand, _ land, _ string, _ int) string {
		return fmt.Sprintf("%016x%016x", r.Uint64(), r.Uint64())
	},
	"hex64": func(r *rand.Rand, _ land, _ string, _ int) string {
		return fmt.Sprintf("%016x%016x%016x%016x", r.Uint64(), r.Uint64(), r.Uint64(), r.Uint64())
	},
	"uuid": func(r *rand.Rand, _ land, _ string, _ int) string {
		h := fmt.Sprintf("%016x%016x", r.Uint64(), r.Uint64())
		return h[:8] + "-" + h[8:12] + "-4" + h[13:16] + "-a" + h[17:20] + "-" + h[20:]
	},
	"bcrypt": func(r *rand.Rand, l land, _ string, _ int) string {
		return "$2y$10$" + code(r, strings.Repeat("X", 53))
	},
	"given": func(r *rand.Rand, l land, _ string, _ int) string {
		return pick(r, l.given)
	},
	"family": func(r *rand.Rand, l land, _ string, _ int) string {
		return pick(r, l.family)
	},
	"full": func(r *rand.Rand, l land, _ string, _ int) string {
		return pick(r, l.given) + " " + pick(r, l.family)
	},
	"user": func(r *rand.Rand, _ land, _ string, _ int) string {
		return strings.ToLower(pick(r, "pix,luna,storm,kite,maple,rocco,zed,nova,otter,finch")) +
			pick(r, "fan,er,_x,99,king,.m,ista") + strconv.Itoa(r.Intn(900))
	},
	"email": func(r *rand.Rand, _ land, _ string, _ int) string {
		return fmt.Sprintf("%s%d@%s.%s", pick(r, "lu,mara,jk,p.t,office-user,zoe"), r.Intn(9000),
			pick(r, "posta,webmail,inbox,firma"), pick(r, "net,org,com,eu"))
	},
	"phone": func(r *rand.Rand, l land, _ string, _ int) string {
		return l.phone(r)
	},
	"msisdn": func(r *rand.Rand, _ land, _ string, _ int) string {
		return "4479" + digits(r, 8)
	},
	"street": func(r *rand.Rand, l land, _ string, _ int) string {
		street := strings.Split(l.streets, "|")[r.Intn(4)]
		return fmt.Sprintf(street, pick(r, l.titles), 1+r.Intn(140))
	},
	"city": func(r *rand.Rand, l land, _ string, _ int) string {
		return pick(r, l.cities)
	},
	"postcode": func(r *rand.Rand, l land, _ string, _ int) string {
		return l.postcode(r)
	},
	"country": func(r *rand.Rand, _ land, _ string, _ int) string {
		return pick(r, "Italy,Germany,France,Spain,Poland,USA,Norway,Australia,Japan,Switzerland")
	},
	"company": func(r *rand.Rand, _ land, _ string, _ int) string {
		return pick(r, "Atelier graphique,Signal Gift Stores,Baane Mini Imports,Nordlicht GmbH,Havel & Zbranek Co,La "+
			"Rochelle Gifts,Euro+ Shopping Channel,Volvo Model Replicas Co,Technics Stores Inc.,Rovelli Gifts S.p.A.,"+
			"Blauer See Auto Co.,Mini Wheels Co.")
	},
	"ip": func(r *rand.Rand, _ land, _ string, _ int) string {
		return fmt.Sprintf("%d.%d.%d.%d", 11+r.Intn(200), r.Intn(256), r.Intn(256), 1+r.Intn(254))
	},
	"mac": func(r *rand.Rand, _ land, _ string, _ int) string {
		return fmt.Sprintf("00:1b:%02x:%02x:%02x:%02x", r.Intn(256), r.Intn(256), r.Intn(256), r.Intn(256))
	},
	"ua": func(r *rand.Rand, _ land, _ string, _ int) string {
		return fmt.Sprintf("Mozilla/5.0 (%s) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/%d.0.%d.%d Safari/537.36",
			pick(r, "Windows NT 10.0; Win64; x64,X11; Linux x86_64,Macintosh; Intel Mac OS X 10_15_7"), 80+r.Intn(40),
			3000+r.Intn(2000), r.Intn(200))
	},
	"imei": func(r *rand.Rand, _ land, _ string, _ int) string {
		return luhn("35" + digits(r, 12))
	},
	"imsi": func(r *rand.Rand, _ land, _ string, _ int) string {
		return "23415" + digits(r, 10)
	},
	"lat": func(r *rand.Rand, _ land, _ string, _ int) string {
		return fmt.Sprintf("%.6f", 41+r.Float64()*10)
	},
	"lon": func(r *rand.Rand, _ land, _ string, _ int) string {
		return fmt.Sprintf("%.6f", r.Float64()*14)
	},
	"png": func(r *rand.Rand, _ land, _ string, _ int) string {
		return "\x89PNG\r\n\x1a\n\x00\x00\x00\rIHDR" + fmt.Sprintf("%016x", r.Uint64())
	},
	"json": func(r *rand.Rand, _ land, _ string, _ int) string {
		return fmt.Sprintf(`{"ok":true,"step":%d,"plan":"pro"}`, r.Intn(9))
	},
	"isbn": func(r *rand.Rand, _ land, _ string, _ int) string {
		s := "978972" + digits(r, 6)
		sum := 0
		for k, c := range s {
			sum += int(c-'0') * (1 + 2*(k%2))
		}
		return fmt.Sprintf("%s%d", s, (10-sum%10)%10)
	},
	"card": func(r *rand.Rand, _ land, _ string, _ int) string {
		return luhn("4" + digits(r, 14))
	},
	"iban": func(r *rand.Rand, _ land, _ string, _ int) string {
		return iban(r, "PL", 24)
	},
	"bsn": func(r *rand.Rand, _ land, _ string, _ int) string {
		return bsn(r)
	},
	"pesel": func(r *rand.Rand, _ land, _ string, _ int) string {
		return pesel(r)
	},
	"dni": func(r *rand.Rand, _ land, _ string, _ int) string {
		return dni(r)
	},
	"nir": func(r *rand.Rand, _ land, _ string, _ int) string {
		return nir(r)
	},
	"personnummer": func(r *rand.Rand, _ land, _ string, _ int) string {
		return personnummer(r)
	},
	"dowod": func(r *rand.Rand, _ land, _ string, _ int) string {
		return dowod(r)
	},
	"cf": func(r *rand.Rand, _ land, _ string, _ int) string {
		return codiceFiscale(r)
	},
	"kvnr": func(r *rand.Rand, _ land, _ string, _ int) string {
		return kvnr(r)
	},
	"naf": func(r *rand.Rand, _ land, _ string, _ int) string {
		n := 28*1e8 + int64(r.Intn(1e8))
		return fmt.Sprintf("%010d%02d", n, n%97)
	},
	"nif": func(r *rand.Rand, _ land, _ string, _ int) string {
		return nif(r)
	},
	"idnr": func(r *rand.Rand, _ land, _ string, _ int) string {
		return idnr(r)
	},
	"cpr": func(r *rand.Rand, _ land, _ string, _ int) string {
		return fmt.Sprintf("%02d%02d%02d-%s", 1+r.Intn(28), 1+r.Intn(12), 40+r.Intn(59), digits(r, 4))
	},
	"hetu": func(r *rand.Rand, _ land, _ string, _ int) string {
		s := fmt.Sprintf("%02d%02d%02d", 1+r.Intn(28), 1+r.Intn(12), 40+r.Intn(59))
		n := 2 + r.Intn(890)
		all, _ := strconv.Atoi(fmt.Sprintf("%s%03d", s, n))
		return fmt.Sprintf("%s-%03d%c", s, n, "0123456789ABCDEFHJKLMNPRSTUVWXY"[all%31])
	},
	"cnp": func(r *rand.Rand, _ land, _ string, _ int) string {
		s := fmt.Sprintf("%d%02d%02d%02d%02d%03d", 1+r.Intn(2), 40+r.Intn(59), 1+r.Intn(12), 1+r.Intn(28), 1+r.Intn(40),
			1+r.Intn(900))
		sum := 0
		for i, c := range s {
			sum += int(c-'0') * int("279146358279"[i]-'0')
		}
		if sum %= 11; sum == 10 {
			sum = 1
		}
		return fmt.Sprintf("%s%d", s, sum)
	},
	"passport": func(r *rand.Rand, l land, _ string, _ int) string {
		return code(r, "99AA99999")
	},
	"kenteken": func(r *rand.Rand, l land, _ string, _ int) string {
		return code(r, "AA-999-A")
	},
	"deplate": func(r *rand.Rand, l land, _ string, _ int) string {
		return pick(r, "HH,B,M,KA,FR,WÜ") + "-" + code(r, "AA 999")
	},
	"roplate": func(r *rand.Rand, l land, _ string, _ int) string {
		return pick(r, "CJ,IS,TM,BV") + " " + code(r, "99 AAA")
	},
	"rc": func(r *rand.Rand, _ land, _ string, _ int) string {
		for {
			s := fmt.Sprintf("%02d%02d%02d%s", 54+r.Intn(45), 1+r.Intn(12), 1+r.Intn(28), digits(r, 4))
			if n, _ := strconv.Atoi(s); n%11 == 0 {
				return s[:6] + "/" + s[6:]
			}
		}
	},
	"prose": func(r *rand.Rand, l land, _ string, _ int) string {
		return prose(r, l.language)
	},
}

func dowod(r *rand.Rand) string {
	s := code(r, "AAA")
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
	s := pick(r, "RSS,BNC,VRD,FRR,CNT,MRN") + pick(r, "MRA,GPP,LCU,NNA,PLA,FNC") +
		fmt.Sprintf("%02d%c%02d", 40+r.Intn(59), "ABCDEHLMPRST"[r.Intn(12)], 1+r.Intn(28)) +
		pick(r, "H501,F205,L219,F839,G273,D612")
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
		"de": "Der Kunde rief am Montag an und bat um Rückruf.|Bitte die neue Adresse eintragen, er ist " +
			"umgezogen.|War sehr freundlich, möchte aber keine Werbung mehr.|Hat sich beschwert, weil die Lieferung " +
			"zu spät kam.",
		"en": "He called twice and asked for a refund last week.|Please note that she moved to her sister's " +
			"house.|Thanks for the quick answer, I will come by tomorrow.|My son broke it, can you send another one " +
			"to us?",
		"fr": "Le client souhaite une chambre calme au dernier étage.|Elle arrive tard, merci de garder la clé à la " +
			"réception.|Il a oublié son manteau, à renvoyer chez lui.|Anniversaire de mariage, prévoir des fleurs.",
		"nl": "De verzekerde reed achteruit tegen een paaltje.|Mevrouw belde om de schade te melden, er is een " +
			"foto.|Hij wil graag voor vrijdag teruggebeld worden.|Auto stond geparkeerd voor de deur toen het " +
			"gebeurde.",
		"pt": "Pediu para renovar o livro por telefone.|Mudou de casa, falta a nova morada.|A mãe vem levantar o " +
			"cartão na segunda-feira.|Devolveu tarde porque esteve doente.",
		"cs": "Zákazník volal a chce změnit termín.|Prosím poslat vstupenky na jeho e-mail.|Paní žádá o místo u " +
			"uličky kvůli noze.|Vyzvedne si je bratr v pátek večer.",
	}
	list, ok := all[language]
	if !ok {
		list = all["en"]
	}
	s := strings.Split(list, "|")
	return s[r.Intn(len(s))] + " " + s[r.Intn(len(s))]
}
