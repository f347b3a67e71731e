package classifiers

import "strings"

// The lists of this file are short on purpose: what people answer in forms, in the main languages, written
// down from general knowledge. A field is judged by them where most of its distinct values are on one list.
// Words are folded: lower case, without accents.

// wordList is a set of folded words, made once a catalogue.
type wordList map[string]bool

func newWordList(words ...string) wordList {
	list := wordList{}
	for _, w := range words {
		list[foldWord(strings.TrimSpace(w))] = true
	}
	return list
}

// has reports whether a value is on the list.
func (l wordList) has(b []byte) bool {
	var buf [64]byte
	return len(b) > 1 && len(b) <= 60 && l[string(appendFolded(buf[:0], b))]
}

// partyWords are parties with seats in European parliaments and the largest beyond.
const partyWords = `CDU,CSU,CDU/CSU,SPD,FDP,AfD,Die Linke,Linke,BSW,Bündnis 90/Die Grünen,Grüne,Die Grünen,Freie Wähler,
	ÖVP,SPÖ,FPÖ,NEOS,SVP,Die Mitte,GLP,
	Partito Democratico,Fratelli d'Italia,Forza Italia,Lega,Movimento 5 Stelle,M5S,Italia Viva,Azione,Lega Nord,
	Sinistra Italiana,FdI,
	Renaissance,En Marche,LREM,Les Républicains,Rassemblement National,Front National,La France Insoumise,LFI,
	Parti socialiste,EELV,MoDem,PCF,
	PSOE,Partido Popular,Vox,Podemos,Ciudadanos,Sumar,ERC,Junts,PNV,EH Bildu,Chega,Bloco de Esquerda,PCP,
	Iniciativa Liberal,CDS-PP,Livre,
	VVD,PVV,D66,CDA,PvdA,GroenLinks,SP,ChristenUnie,Partij voor de Dieren,BBB,NSC,N-VA,Vlaams Belang,Open Vld,CD&V,
	Vooruit,Groen,PTB,Ecolo,
	PiS,Prawo i Sprawiedliwość,Platforma Obywatelska,Koalicja Obywatelska,Konfederacja,Lewica,PSL,Polska 2050,
	Socialdemokraterna,Moderaterna,Sverigedemokraterna,Centerpartiet,Vänsterpartiet,Kristdemokraterna,Liberalerna,
	Miljöpartiet,
	Socialdemokratiet,Venstre,Dansk Folkeparti,Enhedslisten,Liberal Alliance,Radikale Venstre,Arbeiderpartiet,Høyre,
	Fremskrittspartiet,Senterpartiet,
	Kokoomus,SDP,Perussuomalaiset,Keskusta,Vihreät,Vasemmistoliitto,RKP,ANO,ODS,STAN,Piráti,KDU-ČSL,TOP 09,SPD Okamura,
	KSČM,Smer,PS,SaS,KDH,
	Fidesz,KDNP,MSZP,Momentum,Jobbik,Tisza,Mi Hazánk,PSD,PNL,USR,AUR,UDMR,HDZ,SDP Hrvatske,Most,SDS,Νέα Δημοκρατία,
	ΣΥΡΙΖΑ,ΠΑΣΟΚ,ΚΚΕ,ГЕРБ,БСП,
	Labour,Labour Party,Conservative,Conservatives,Conservative Party,Tory,Liberal Democrats,Lib Dem,SNP,Plaid Cymru,
	Reform UK,UKIP,Green Party,DUP,Sinn Féin,Fine Gael,Fianna Fáil,
	Republican,Republican Party,Democrat,Democratic,Democratic Party,Libertarian,Independent (politics),Liberal Party,
	NDP,Bloc Québécois,AKP,CHP,MHP,HDP,PT,MDB,PSDB,Morena,PRI,PAN,BJP,Congress,ANC,EFF`

// unionWords are trade unions and their federations.
const unionWords = `CGIL,CISL,UIL,UGL,FIOM,FIOM-CGIL,FIM-CISL,UILM,COBAS,USB,Confsal,CGT,CFDT,FO,Force ouvrière,CFTC,
	CFE-CGC,UNSA,SUD,Solidaires,FSU,CCOO,UGT,USO,CSIF,ELA,LAB,CIG,CGTP,UGT-P,
	ver.di,verdi,IG Metall,IG BCE,IG BAU,GEW,GdP,NGG,EVG,DGB,dbb,Marburger Bund,GDL,Cockpit,ÖGB,GPA,vida,Unia,Syna,FNV,
	CNV,VCP,ACV,ABVV,ACLVB,CSC,FGTB,CGSLB,
	OPZZ,NSZZ Solidarność,Solidarność,Forum Związków Zawodowych,LO,TCO,Saco,IF Metall,Unionen,Kommunal,Vision,3F,HK,FOA,
	Dansk Metal,Fagforbundet,NTL,Fellesforbundet,SAK,STTK,Akava,PAM,JHL,
	ČMKOS,OS KOVO,KOZ SR,MSZOSZ,LIGA,BNS,Cartel Alfa,Unite,Unite the Union,UNISON,GMB,USDAW,PCS,NEU,NASUWT,UCU,RMT,
	ASLEF,CWU,SIPTU,Fórsa,AFL-CIO,SEIU,Teamsters,UAW,AFSCME,AFT,NEA,IBEW`

// orientationWords are answers to the question of sexual orientation.
const orientationWords = `heterosexual,homosexual,bisexual,pansexual,asexual,gay,lesbian,straight,queer,gay man,
	gay woman,gay or lesbian,heterosexual/straight,straight/heterosexual,demisexual,
	heterosexuell,homosexuell,bisexuell,pansexuell,asexuell,lesbisch,schwul,hetero,homo,bi,eterosessuale,omosessuale,
	bisessuale,pansessuale,asessuale,lesbica,
	hétérosexuel,hétérosexuelle,homosexuel,homosexuelle,bisexuel,bisexuelle,lesbienne,pansexuel,asexuel,lesbiana,
	heterossexual,homossexual,bissexual,lésbica,pansexual,assexual,
	heteroseksueel,homoseksueel,biseksueel,aseksueel,heteroseksualny,homoseksualny,biseksualny,heteroseksualna,
	homoseksualna,biseksualna,gej,lesbijka,heterosexuální,homosexuální,bisexuální,
	heteroseksuel,homoseksuel,biseksuel,heteroseksuell,homoseksuell,biseksuell,heterosexuell,lesbisk,homofil,bifil,
	heteroseksuaali,homoseksuaali,biseksuaali,lesbo,homo,heteroszexuális,homoszexuális,biszexuális,meleg,leszbikus,
	heterosexuala`

// ethnicityWords are answers to the question of ethnic origin, as censuses put it.
const ethnicityWords = `white,black,asian,hispanic,latino,latina,hispanic or latino,non-hispanic,not hispanic or latino,
	african american,black or african american,caucasian,native american,american indian,
	american indian or alaska native,native hawaiian,pacific islander,native hawaiian or other pacific islander,
	two or more races,mixed,mixed race,multiracial,white british,white irish,white other,any other white background,
	black british,black african,black caribbean,asian british,british asian,south asian,east asian,middle eastern,arab,
	pakistani british,bangladeshi,gypsy or irish traveller,irish traveller,roma,romani,sinti,
	white and asian,white and black caribbean,white and black african,other ethnic group,maori,māori,aboriginal,
	torres strait islander,first nations,métis,inuit,sami,kurdish,kurd,berber,hutu,tutsi,
	branco,branca,preto,preta,pardo,parda,amarelo,indígena,mestizo,mestiza,afrodescendiente,afroamericano,gitano,gitana,
	caucasico,caucasica,africano,nordafricano,romská,romové,cigány,rom,kaukasisch,kaukasier,schwarz (herkunft),
	latinoamericano,asiatico,asiatica`

// isATC accepts codes of the WHO's Anatomical Therapeutic Chemical classification at the levels of
// substances: A10BA02, with or without spaces.
func isATC(b []byte) bool {
	var buf [7]byte
	c := buf[:0]
	for _, x := range b {
		switch {
		case x == ' ':
		case len(c) == len(buf):
			return false
		default:
			c = append(c, x)
		}
	}
	if len(c) != 7 && len(c) != 5 || strings.IndexByte("ABCDGHJLMNPRSV", c[0]) < 0 || !isDigit(c[1]) ||
		!isDigit(c[2]) || !isCapitalLetter(c[3]) || !isCapitalLetter(c[4]) {
		return false
	}
	return len(c) == 5 || isDigit(c[5]) && isDigit(c[6])
}

func isCapitalLetter(b byte) bool { return b >= 'A' && b <= 'Z' }

// isICPC accepts codes of the International Classification of Primary Care, second edition: a chapter and
// two digits, A01 to Z29.
func isICPC(b []byte) bool {
	return len(b) == 3 && strings.IndexByte("ABDFHKLNPRSTUWXYZ", b[0]) >= 0 && isDigit(b[1]) && isDigit(b[2])
}

// isUserAgent accepts the product tokens that browsers, their libraries and robots send (RFC 9110, section 10.1.5).
func isUserAgent(b []byte) bool {
	if len(b) < 10 || len(b) > 1024 {
		return false
	}
	s := string(b)
	for _, p := range [...]string{"Mozilla/", "Opera/", "Dalvik/", "okhttp/", "curl/", "Wget/", "python-requests/",
		"PostmanRuntime/", "Apache-HttpClient/", "Go-http-client/", "Java/"} {
		if len(s) > len(p) && strings.HasPrefix(s, p) && isDigit(s[len(p)]) {
			return true
		}
	}
	return strings.Contains(s, "CFNetwork/") && strings.Contains(s, "Darwin/")
}

// isGeohash accepts the base 32 of geohashes that are fine enough for a house: seven to twelve characters,
// digits and letters mixed.
func isGeohash(b []byte) bool {
	if len(b) < 7 || len(b) > 12 {
		return false
	}
	digits := 0
	for _, c := range b {
		switch {
		case isDigit(c):
			digits++
		case c < 'b' || c > 'z' || c == 'i' || c == 'l' || c == 'o':
			return false
		}
	}
	return digits > 0 && digits < len(b)
}

// hasChildWord reports whether a word of a header or of a table's name says that it is about children.
func hasChildWord(tokens []string) bool {
	for _, t := range tokens {
		switch t {
		case "child", "children", "kid", "kids", "minor", "minors", "pupil", "pupils", "schoolchild", "schoolchildren",
			"infant", "toddler", "baby", "newborn", "figlio", "figlia", "figli", "bambino", "bambini", "bambina",
			"minore", "minori", "minorenne", "alunno", "alunna", "alunni", "neonato", "kind", "kinder", "kindes",
			"kindern", "schuler", "schueler", "saugling", "enfant", "enfants", "eleve", "eleves", "ecolier", "mineur",
			"mineurs", "nino", "nina", "ninos", "hijo", "hija", "hijos", "menor", "menores", "alumno", "alumnos",
			"crianca", "criancas", "filho", "filha", "filhos", "aluno", "alunos", "leerling", "leerlingen", "kinderen",
			"minderjarige", "dziecko", "dzieci", "uczen", "uczniowie", "barn", "barnet", "elev", "elever", "elevi",
			"lapsi", "lapset", "oppilas", "oppilaat", "dite", "deti", "zak", "zaci", "ziak", "ziaci", "gyermek",
			"gyermekek", "tanulo", "tanulok", "copil", "copii", "dijete", "djeca", "ucenik", "ucenici", "cocuk",
			"ogrenci", "παιδι", "παιδια", "μαθητησ", "дете", "деца", "ребенок", "дети", "ученик", "ученици":
			return true
		}
	}
	return false
}
