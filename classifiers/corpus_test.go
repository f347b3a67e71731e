package classifiers_test

import (
	"fmt"
	"math/big"
	"math/rand"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"lethe/classifiers"
)

// The fourth corpus: people invented here, in twelve languages. The names and places were written down by
// hand, not taken from the gazetteer's sources.
type land struct {
	language                               string
	given, family, cities, streets, titles string
	postcode                               func(r *rand.Rand) string
	phone                                  func(r *rand.Rand) string
	id                                     func(r *rand.Rand) string
	table                                  string
	// given family email phone street city postcode birth gender id iban ip
	headers    [12]string
	men, women string
}

func digits(r *rand.Rand, n int) string {
	var b strings.Builder
	for range n {
		b.WriteByte(byte('0' + r.Intn(10)))
	}
	return b.String()
}

func pick(r *rand.Rand, list string) string {
	all := strings.Split(list, ",")
	return all[r.Intn(len(all))]
}

// pesel is a Polish number: weights 1 3 7 9, ustawa o ewidencji ludności, art. 15.
func pesel(r *rand.Rand) string {
	s := fmt.Sprintf("%02d%02d%02d%s", 40+r.Intn(59), 1+r.Intn(12), 1+r.Intn(28), digits(r, 4))
	sum := 0
	for i, c := range s {
		sum += int(c-'0') * [...]int{1, 3, 7, 9, 1, 3, 7, 9, 1, 3}[i]
	}
	return fmt.Sprintf("%s%d", s, (10-sum%10)%10)
}

func luhn(s string) string {
	sum := 0
	for i := range s {
		d := int(s[len(s)-1-i] - '0')
		if i%2 == 0 {
			d *= 2
			if d > 9 {
				d -= 9
			}
		}
		sum += d
	}
	return fmt.Sprintf("%s%d", s, (10-sum%10)%10)
}

func personnummer(r *rand.Rand) string {
	s := fmt.Sprintf("%02d%02d%02d%s", 40+r.Intn(59), 1+r.Intn(12), 1+r.Intn(28), digits(r, 3))
	s = luhn(s)
	return s[:6] + "-" + s[6:]
}

func bsn(r *rand.Rand) string {
	for {
		s := fmt.Sprintf("%d%s", 1+r.Intn(8), digits(r, 7))
		sum := 0
		for i, c := range s {
			sum += int(c-'0') * (9 - i)
		}
		if sum%11 < 10 {
			return fmt.Sprintf("%s%d", s, sum%11)
		}
	}
}

func dni(r *rand.Rand) string {
	n := 10000000 + r.Intn(80000000)
	return fmt.Sprintf("%08d%c", n, "TRWAGMYFPDXBNJZSQVHLCKE"[n%23])
}

func nir(r *rand.Rand) string {
	s := fmt.Sprintf("%d%02d%02d%02d%03d%03d", 1+r.Intn(2), 40+r.Intn(59), 1+r.Intn(12), 1+r.Intn(95), 1+r.Intn(300),
		1+r.Intn(900))
	n, _ := new(big.Int).SetString(s, 10)
	return fmt.Sprintf("%s%02d", s, 97-new(big.Int).Mod(n, big.NewInt(97)).Int64())
}

func iban(r *rand.Rand, country string, n int) string {
	bban := digits(r, n)
	num := bban
	for _, c := range country {
		num += fmt.Sprint(int(c-'A') + 10)
	}
	x, _ := new(big.Int).SetString(num+"00", 10)
	return fmt.Sprintf("%s%02d%s", country, 98-new(big.Int).Mod(x, big.NewInt(97)).Int64(), bban)
}

func ssn(r *rand.Rand) string {
	return fmt.Sprintf("%03d-%02d-%04d", 100+r.Intn(500), 1+r.Intn(98), 1+r.Intn(9998))
}

func lands() []land {
	five := func(r *rand.Rand) string { return fmt.Sprintf("%05d", 10000+r.Intn(80000)) }
	return []land{
		{"it", "Ginevra,Ottavio,Fiammetta,Corrado,Ludovica,Ermanno,Loredana,Tommaso,Chiara,Vincenzo,Rosalba,Pierluigi",
			"Scarpellini,Bevilacqua,Quaglia,Tagliaferri,Zanichelli,Pennacchio,Moretti,Buonocore,Cacciapuoti," +
				"Fiorentino,Lo Presti,D'Alessio",
			"Torino,Bergamo,Livorno,Matera,Cuneo,Sassari,Vicenza,Foggia,Lecco,Siracusa",
			"Via %s %d|Corso %s, %d|Viale %s %d|Piazza %s %d",
			"Garibaldi,Cavour,Mazzini,delle Rose,dei Mille,San Martino", five,
			func(r *rand.Rand) string { return "+39 33" + fmt.Sprint(1+r.Intn(8)) + " " + digits(r, 7) }, nil,
			"clienti",
			[12]string{"nome", "cognome", "posta_elettronica", "cellulare", "indirizzo", "comune", "cap",
				"data_nascita", "sesso", "", "iban", "ip"}, "M", "F"},
		{"de", "Ansgar,Friederike,Heinrich,Liesel,Wolfgang,Katharina,Detlef,Ulrike,Jörg,Sieglinde,Torben,Mechthild",
			"Ackermann,Schlüter,Vogelsang,Hübner,Oberländer,Kretschmer,Brinkmann,Zieglmaier,Wittgenstein,Pfaff," +
				"Lindemann,Drechsler", "Kassel,Bielefeld,Regensburg,Jena,Oldenburg,Trier,Passau,Göttingen,Worms,Celle",
			"%sstraße %d|%sweg %d|%sgasse %d|Am %splatz %d", "Linden,Bahnhof,Goethe,Schiller,Kirch,Mühlen", five,
			func(r *rand.Rand) string {
				return "+49 17" + digits(r, 1) + " " + fmt.Sprint(2+r.Intn(7)) + digits(r, 6)
			}, nil, "kunden",
			[12]string{"vorname", "nachname", "e_mail_adresse", "telefonnummer", "strasse", "wohnort", "plz",
				"geburtsdatum", "geschlecht", "", "iban", "ip_adresse"}, "männlich", "weiblich"},
		{"fr", "Gwenaëlle,Thibault,Solène,Anatole,Ségolène,Bertrand,Maëlys,Yannick,Clémence,Gaspard,Hortense,Loïc",
			"Charpentier,Delacourt,Boulanger,Le Goff,Marchand,Fontenay,Rousselet,Vasseur,Duquesne,Peltier,Garnier," +
				"Beaulieu", "Angers,Limoges,Besançon,Quimper,Troyes,Nîmes,Pau,Colmar,Bayonne,Vannes",
			"%[2]d rue %[1]s|%[2]d, avenue %[1]s|%[2]d boulevard %[1]s|%[2]d chemin %[1]s",
			"Victor Hugo,de la Gare,des Lilas,du Moulin,Pasteur,Jean Jaurès", five, func(r *rand.Rand) string {
				return "06 " + digits(r, 2) + " " + digits(r, 2) + " " + digits(r, 2) + " " + digits(r, 2)
			}, nir, "clients_fr",
			[12]string{"prenom", "nom_famille", "courriel", "telephone", "adresse", "ville", "code_postal",
				"date_naissance", "sexe", "numero_secu", "iban", "adresse_ip"}, "Homme", "Femme"},
		{"es", "Almudena,Iker,Rocío,Gonzalo,Macarena,Joaquín,Nieves,Fermín,Beatriz,Rodrigo,Inmaculada,Eusebio",
			"Echeverría,Cabrera,Montesinos,Villalobos,Zamorano,Arrieta,Benítez,Carrasco,Quintana,Solís,Ibarra,Olmedo",
			"Burgos,Cáceres,Gijón,Albacete,Huelva,Lugo,Jaén,Logroño,Teruel,Cartagena",
			"Calle %s %d|Avda. %s, %d|Paseo %s %d|C/ %s, %d",
			"Mayor,de la Constitución,del Prado,San Juan,Real,Cervantes", five,
			func(r *rand.Rand) string { return "+34 6" + digits(r, 2) + " " + digits(r, 3) + " " + digits(r, 3) }, dni,
			"clientes",
			[12]string{"nombre", "apellidos", "correo_electronico", "telefono", "direccion", "ciudad", "codigo_postal",
				"fecha_nacimiento", "sexo", "dni", "iban", "direccion_ip"}, "Hombre", "Mujer"},
		{"nl", "Maartje,Joost,Femke,Pieter,Annelies,Bram,Lotte,Wouter,Saskia,Ruben,Hanneke,Gijs",
			"van der Meer,Hoekstra,de Boer,Veenstra,Kuipers,Dijkstra,van Leeuwen,Postma,Brouwer,Schouten,Timmermans," +
				"Verhoeven", "Zwolle,Breda,Leiden,Assen,Gouda,Venlo,Alkmaar,Deventer,Tilburg,Hoorn",
			"%sstraat %d|%slaan %d|%sweg %d|%splein %d", "Kerk,Molen,Dorps,Beatrix,Wilhelmina,School",
			func(r *rand.Rand) string {
				return fmt.Sprintf("%d %c%c", 1000+r.Intn(8999), 'A'+r.Intn(26), 'A'+r.Intn(26))
			}, func(r *rand.Rand) string { return "06-" + fmt.Sprint(1+r.Intn(5)) + digits(r, 7) }, bsn, "klanten",
			[12]string{"voornaam", "achternaam", "emailadres", "telefoonnummer", "straat", "woonplaats", "postcode",
				"geboortedatum", "geslacht", "bsn", "iban", "ip_adres"}, "man", "vrouw"},
		{"pl", "Agnieszka,Zbigniew,Małgorzata,Sławomir,Katarzyna,Wojciech,Bożena,Krzysztof,Grażyna,Mieczysław,Halina," +
			"Przemysław",
			"Wiśniewska,Szczepański,Kaczmarek,Dąbrowska,Jabłoński,Wróblewski,Majewska,Pawlak,Olszewski,Sikora," +
				"Głowacki,Czarnecka", "Bydgoszcz,Rzeszów,Kielce,Opole,Gdynia,Elbląg,Tarnów,Zamość,Legnica,Płock",
			"ul. %s %d|al. %s %d|ul. %s %d/4|os. %s %d", "Długa,Mickiewicza,Polna,Słowackiego,Leśna,Ogrodowa",
			func(r *rand.Rand) string { return digits(r, 2) + "-" + digits(r, 3) },
			func(r *rand.Rand) string {
				return "+48 60" + digits(r, 1) + " " + digits(r, 3) + " " +
					digits(r, 3)
			}, pesel, "klienci",
			[12]string{"imie", "nazwisko", "adres_email", "nr_telefonu", "ulica", "miejscowosc", "kod_pocztowy",
				"data_urodzenia", "plec", "pesel", "iban", "adres_ip"}, "mężczyzna", "kobieta"},
		{"sv", "Torsten,Ingrid,Göran,Birgitta,Hampus,Annika,Lennart,Ebba,Rasmus,Gunilla,Sixten,Linnéa",
			"Bergqvist,Sandström,Nyberg,Hedlund,Wallin,Åkesson,Söderberg,Lindgren,Fransson,Blomqvist,Ekström,Norell",
			"Örebro,Västerås,Umeå,Kalmar,Borås,Luleå,Halmstad,Växjö,Falun,Visby",
			"%sgatan %d|%svägen %d|%sgränd %d|%sgatan %d B", "Stor,Kyrk,Skol,Björk,Drottning,Sol",
			func(r *rand.Rand) string { return fmt.Sprintf("%03d %02d", 100+r.Intn(899), 10+r.Intn(89)) },
			func(r *rand.Rand) string {
				return "+46 70 " + fmt.Sprint(1+r.Intn(8)) + digits(r, 2) + " " + digits(r, 2) + " " + digits(r, 2)
			}, personnummer, "kunder",
			[12]string{"förnamn", "efternamn", "epost", "mobil", "gatuadress", "ort", "postnummer", "födelsedatum",
				"kön", "personnummer", "iban", "ip_adress"}, "man", "kvinna"},
		{"en", "Winifred,Alistair,Rosalind,Desmond,Philippa,Tobias,Harriet,Clement,Imogen,Barnaby,Florence,Reginald",
			"Thistlewood,Ashcroft,Pemberton,Hargreaves,Longbottom,Whitaker,Featherstone,Blackwood,Cartwright," +
				"Holloway,Sheffield,O'Rourke",
			"Bath,Ipswich,Dundee,Swansea,Wrexham,Carlisle,Durham,Exeter,Luton,Stirling",
			"%[2]d %[1]s Road|%[2]d %[1]s Street|%[2]d %[1]s Lane|Flat 3, %[2]d %[1]s Close",
			"Church,Victoria,Mill,Station,Queens,Park", func(r *rand.Rand) string {
				return fmt.Sprintf("%c%c%d %d%c%c", 'B', "ANSRH"[r.Intn(5)], 1+r.Intn(9), 1+r.Intn(9),
					"ABDEF"[r.Intn(5)],
					"ABDEF"[r.Intn(5)])
			}, func(r *rand.Rand) string { return "+44 20 7" + digits(r, 3) + " " + digits(r, 4) }, ssn, "customers",
			[12]string{"first_name", "last_name", "email_address", "phone_number", "street", "town", "postcode",
				"date_of_birth", "gender", "ssn", "iban", "ip_address"}, "Male", "Female"},
		{"pt", "Leonor,Afonso,Matilde,Duarte,Benedita,Rodrigo,Mafalda,Gustavo,Catarina,Vasco,Inês,Simão",
			"Figueiredo,Carvalho,Magalhães,Teixeira,Nogueira,Azevedo,Barbosa,Monteiro,Vasconcelos,Antunes,Guimarães," +
				"Sampaio", "Braga,Évora,Aveiro,Leiria,Setúbal,Faro,Viseu,Bragança,Coimbra,Santarém",
			"Rua %s, %d|Avenida %s, %d|Travessa %s %d|Largo %s, %d",
			"das Flores,25 de Abril,Direita,do Comércio,São João,da Liberdade",
			func(r *rand.Rand) string { return fmt.Sprintf("%d-%s", 1000+r.Intn(8999), digits(r, 3)) },
			func(r *rand.Rand) string { return "+351 91" + digits(r, 1) + " " + digits(r, 3) + " " + digits(r, 3) },
			nil, "utentes",
			[12]string{"nome_próprio", "apelido", "correio_eletrónico", "telemóvel", "morada", "localidade",
				"código_postal", "data_de_nascimento", "sexo", "", "iban", "ip"}, "Masculino", "Feminino"},
		{"cs", "Zdeněk,Ludmila,Bohumil,Jitka,Vladimír,Markéta,Ondřej,Šárka,Radovan,Alžběta,Kryštof,Blanka",
			"Novotný,Dvořáková,Procházka,Kučerová,Zelenka,Vrbová,Havlíček,Šimková,Kolář,Růžičková,Beneš,Marešová",
			"Liberec,Olomouc,Zlín,Jihlava,Pardubice,Teplice,Karviná,Chomutov,Znojmo,Písek",
			"%s %d|%s ulice %d|nám. %s %d|%s třída %d", "Husova,Masarykova,Nádražní,Komenského,Palackého,Jiráskova",
			func(r *rand.Rand) string { return fmt.Sprintf("%03d %02d", 100+r.Intn(699), r.Intn(99)) },
			func(r *rand.Rand) string {
				return "+420 60" + fmt.Sprint(1+r.Intn(8)) + " " + digits(r, 3) + " " + digits(r, 3)
			}, nil, "zákazníci",
			[12]string{"křestní_jméno", "příjmení", "email", "mobilní_telefon", "ulice", "město", "psč",
				"datum_narození", "pohlaví", "", "iban", "ip_adresa"}, "muž", "žena"},
		{"fi", "Aleksi,Hilkka,Juhani,Päivi,Tuomas,Marjatta,Eetu,Sanna,Väinö,Riikka,Pekka,Aino",
			"Korhonen,Mäkinen,Laaksonen,Heikkilä,Rantanen,Koskinen,Saarinen,Kallio,Peltola,Virtanen,Lehtonen,Niemelä",
			"Tampere,Kuopio,Oulu,Lahti,Pori,Vaasa,Joensuu,Kotka,Rauma,Kajaani",
			"%skatu %d|%stie %d|%skatu %d A|%skuja %d", "Koulu,Kirkko,Asema,Puisto,Ranta,Mänty", five,
			func(r *rand.Rand) string { return "+358 40 " + digits(r, 3) + " " + digits(r, 4) }, nil, "asiakkaat",
			[12]string{"etunimi", "sukunimi", "sähköposti", "puhelinnumero", "katuosoite", "kaupunki", "postinumero",
				"syntymäaika", "sukupuoli", "", "iban", "ip_osoite"}, "mies", "nainen"},
		{"ro", "Andreea,Cătălin,Mihaela,Ștefan,Ioana,Dragoș,Raluca,Bogdan,Simona,Răzvan,Luminița,Octavian",
			"Popescu,Ionescu,Dumitrescu,Munteanu,Stănescu,Constantinescu,Gheorghiu,Drăgan,Lupu,Marinescu,Ciobanu," +
				"Enache", "Brașov,Iași,Sibiu,Oradea,Ploiești,Bacău,Galați,Pitești,Suceava,Craiova",
			"Str. %s nr. %d|Bd. %s %d|Aleea %s nr. %d|Strada %s %d",
			"Mihai Eminescu,Libertății,Unirii,Republicii,Florilor,Victoriei",
			func(r *rand.Rand) string { return digits(r, 6) }, func(r *rand.Rand) string {
				return "+40 72" + fmt.Sprint(1+r.Intn(8)) + " " + digits(r, 3) + " " + digits(r, 3)
			}, nil, "persoane",
			[12]string{"prenume", "nume_familie", "email", "telefon", "adresa", "localitate", "cod_postal",
				"data_nasterii", "sex", "", "iban", "ip"}, "masculin", "feminin"},
	}
}

// people makes n rows: the twelve personal columns in the order of land.headers.
func people(l land, r *rand.Rand, n int) ([][]string, []classifiers.Category) {
	cols := make([][]string, 12)
	if l.id == nil {
		l.id = func(r *rand.Rand) string { return luhn("4" + digits(r, 14)) }
	}
	for range n {
		g, f := pick(r, l.given), pick(r, l.family)
		street := strings.Split(l.streets, "|")[r.Intn(4)]
		cols[0] = append(cols[0], g)
		cols[1] = append(cols[1], f)
		cols[2] = append(cols[2], fmt.Sprintf("user%d.%s@mail-%d.%s", r.Intn(1e6), digits(r, 2), r.Intn(50),
			l.language))
		cols[3] = append(cols[3], l.phone(r))
		cols[4] = append(cols[4], fmt.Sprintf(street, pick(r, l.titles), 1+r.Intn(140)))
		cols[5] = append(cols[5], pick(r, l.cities))
		cols[6] = append(cols[6], l.postcode(r))
		cols[7] = append(cols[7], fmt.Sprintf("%d-%02d-%02d", 1935+r.Intn(70), 1+r.Intn(12), 1+r.Intn(28)))
		cols[8] = append(cols[8], [...]string{l.men, l.women}[r.Intn(2)])
		cols[9] = append(cols[9], l.id(r))
		cols[10] = append(cols[10], iban(r, "DE", 18))
		cols[11] = append(cols[11], fmt.Sprintf("%d.%d.%d.%d", 11+r.Intn(200), r.Intn(256), r.Intn(256), 1+r.Intn(254)))
	}
	want := []classifiers.Category{classifiers.PersonName, classifiers.PersonName, classifiers.Email, classifiers.Phone,
		classifiers.PostalAddress, classifiers.City, classifiers.Postcode, classifiers.DateOfBirth, classifiers.Gender,
		classifiers.NationalID, classifiers.IBAN, classifiers.IPAddress}
	if l.headers[9] == "" {
		want[9] = classifiers.CreditCard
	}
	return cols, want
}

// decoys makes twelve columns that hold nothing personal.
func decoys(r *rand.Rand, n int) [][]string {
	cols := make([][]string, 12)
	for i := range n {
		hex := fmt.Sprintf("%016x%016x", r.Uint64(), r.Uint64())
		ean := "400" + digits(r, 9)
		sum := 0
		for k, c := range ean {
			sum += int(c-'0') * (1 + 2*(k%2))
		}
		row := []string{
			hex[:8] + "-" + hex[8:12] + "-4" + hex[13:16] + "-a" + hex[17:20] + "-" + hex[20:],
			fmt.Sprintf("%s%d", ean, (10-sum%10)%10),
			hex,
			fmt.Sprintf("%d.%d.%d.%d", r.Intn(6), r.Intn(20), r.Intn(10), r.Intn(50)),
			fmt.Sprintf("%d.%02d", 1+r.Intn(900), r.Intn(100)),
			fmt.Sprintf("ORD-%06d", 100000+i),
			pick(r, "Jackson Guitar,Remington Shaver,Wilson Tennis Racket,Fisher Washing Machine,Black Desk Lamp,"+
				"Rose Garden Hose,Stanley Hammer,Miller Lite Beer,Parker Pen,Brown Leather Bag"),
			pick(r, "Monday,Tuesday,Wednesday,Thursday,Friday,Saturday,Sunday"),
			pick(r, "pending,shipped,delivered,cancelled,returned"),
			fmt.Sprint(1000 + i),
			fmt.Sprintf("2024-%02d-%02d %02d:%02d:%02d", 1+r.Intn(12), 1+r.Intn(28), r.Intn(24), r.Intn(60),
				r.Intn(60)),
			fmt.Sprintf("%c%c-%s", 'A'+r.Intn(26), 'A'+r.Intn(26), digits(r, 5)),
		}
		for k, v := range row {
			cols[k] = append(cols[k], v)
		}
	}
	return cols
}

func textFields(names ...string) []classifiers.Field {
	fields := make([]classifiers.Field, len(names))
	for i, n := range names {
		fields[i] = classifiers.Field{Name: n, Kind: "text"}
	}
	return fields
}

func TestPeopleUnderHeadersOfTwelveLanguages(t *testing.T) {
	c := catalogue(t)
	for _, l := range lands() {
		t.Run(l.language, func(t *testing.T) {
			cols, want := people(l, rand.New(rand.NewSource(7)), 300)
			if l.headers[9] == "" {
				l.headers[9] = "creditcard"
			}
			v := classify(c, l.table, textFields(l.headers[:]...), cols...)
			for i, f := range v.Fields {
				require.Equal(t, want[i], f.Primary, "%s: %v", f.Field, f.Terms)
			}
		})
	}
}

func TestPeopleUnderOpaqueHeaders(t *testing.T) {
	c := catalogue(t)
	for _, l := range lands() {
		t.Run(l.language, func(t *testing.T) {
			cols, want := people(l, rand.New(rand.NewSource(8)), 300)
			v := classify(c, "t1", textFields("c1", "c2", "c3", "c4", "c5", "c6", "c7", "c8", "c9", "c10", "c11",
				"c12"), cols...)
			right := 0
			for i, f := range v.Fields {
				if f.Primary == want[i] {
					right++
				} else {
					t.Logf("%s (%s) judged %s: %v", f.Field, want[i], f.Primary, f.Terms)
				}
			}
			require.GreaterOrEqual(t, right, 11)
		})
	}
}

func TestDecoysUnderOpaqueHeaders(t *testing.T) {
	v := classify(catalogue(t), "t1", textFields("c1", "c2", "c3", "c4", "c5", "c6", "c7", "c8", "c9", "c10", "c11",
		"c12"), decoys(rand.New(rand.NewSource(9)), 400)...)
	for _, f := range v.Fields {
		require.Equal(t, classifiers.None, f.Primary, "%s: %v", f.Field, f.Terms)
	}
}

func TestRandomDigitsAreNothing(t *testing.T) {
	c := catalogue(t)
	r := rand.New(rand.NewSource(10))
	for _, kind := range []string{"text", "integer"} {
		for block := range 50 {
			var fields []classifiers.Field
			var cols [][]string
			for i := range 10 {
				n := 8 + (block*10+i)%9
				var col []string
				for range 200 {
					col = append(col, fmt.Sprintf("%d%s", 1+r.Intn(9), digits(r, n-1)))
				}
				fields = append(fields, classifiers.Field{Name: fmt.Sprintf("col%d", i), Kind: kind})
				cols = append(cols, col)
			}
			for _, f := range classify(c, "t", fields, cols...).Fields {
				require.Equal(t, classifiers.None, f.Primary, "%s %s: %v", kind, f.Field, f.Terms)
			}
		}
	}
}

func TestNumbersOfDocumentsAreNothing(t *testing.T) {
	c := catalogue(t)
	for _, form := range []string{"%d/%06d", "%d-%05d", "%d/%d", "RE-%d-%05d"} {
		var col []string
		for i := range 1000 {
			col = append(col, fmt.Sprintf(form, 2016+i%10, i+1))
		}
		for _, header := range []string{"number", "c1"} {
			f := classify(c, "invoices", textFields(header), col).Fields[0]
			require.Equal(t, classifiers.None, f.Primary, "%s under %s: %v", form, header, f.Terms)
		}
	}
}

func TestSameInputSameVerdict(t *testing.T) {
	cols, _ := people(lands()[0], rand.New(rand.NewSource(11)), 2000)
	fields := textFields("c1", "c2", "c3", "c4", "c5", "c6", "c7", "c8", "c9", "c10", "c11", "c12")
	first := classify(catalogue(t), "t", fields, cols...)
	r := rand.New(rand.NewSource(12))
	for _, col := range cols {
		r.Shuffle(len(col), func(i, j int) { col[i], col[j] = col[j], col[i] })
	}
	require.Equal(t, first, classify(catalogue(t), "t", fields, cols...))
}
