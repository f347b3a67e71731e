// Package law is what national law adds to the GDPR, by Jurisdiction: each Law says one thing on a Topic,
// where it was read, and when.
package law

import (
	"fmt"
	"slices"

	"lethe/pipeline/policy/calendar"
)

// Jurisdiction is what national law adds to the GDPR and a decision or an explanation needs. It is a
// starting point, marked for legal review: a company has it confirmed before relying on it. Only
// ChildConsentAge (through the importer's minor column) and Blocking act; what Laws lists is suggested by
// `lethe policy explain` and never applied.
type Jurisdiction struct {
	Code            string `json:"code"` // ISO 3166-1 alpha-2
	Name            string `json:"name"`
	Authority       string `json:"authority"` // the supervisory authority
	ChildConsentAge int    `json:"child_consent_age"`
	// Blocking is how long data due for deletion are kept blocked first, for the authorities only. Zero:
	// deleted outright.
	Blocking calendar.Period `json:"blocking"`
	Laws     []Law           `json:"laws"`
}

// Law is one thing that a national law or authority says, and whether somebody saw it.
type Law struct {
	Topic  Topic           `json:"topic"`
	Says   string          `json:"says"`            // in words, without a full stop
	Period calendar.Period `json:"period,omitzero"` // of a retention or limitation
	Start  string          `json:"start,omitempty"` // where it starts, in the policy's words
	Law    string          `json:"law"`             // as a lawyer would cite it
	// where the statement was read: a page, seldom the law's own text
	Seen string `json:"seen,omitempty"`
	// when it was read there, 2006-01-02; "": nobody found it anywhere, it is unverified
	Checked string `json:"checked,omitempty"`
}

// Topic says what a Law is about.
type Topic string

// The topics.
const (
	ChildAge       Topic = "child consent age"
	BlockingRegime Topic = "blocking before deletion"
	ConsentAge     Topic = "age of consents"
	Accounting     Topic = "accounting records"
	Limitation     Topic = "limitation of claims"
	Prospects      Topic = "prospects"
	ConsentProof   Topic = "proof of consent"
)

const (
	seenOn  = "2026-11-22"
	seenNow = "2026-11-29"
)

// tracker lists the ages that the member states chose under Art. 8(1), with the day on which each was
// looked at.
const tracker = "twobirds.com, GDPR tracker: children"

var jurisdictions = []Jurisdiction{
	{Code: "DE", Name: "Germany", Authority: "the data protection authority of the Land (companies), BfDI (federal " +
		"bodies, telecoms)", ChildConsentAge: 16, Laws: []Law{
		{ChildAge, "no lower age than the regulation's 16 years", calendar.Period{}, "",
			"Art. 8(1) GDPR, no national derogation", tracker, seenOn},
		{BlockingRegime, "restriction takes the place of erasure where it would be against a term of a contract or " +
			"of statutes, or against the person's own interests, who is told; " +
			"not by itself, and not where the data were processed unlawfully", calendar.Period{}, "",
			"§ 35 Abs. 2, 3 BDSG", "gdpr.berlin, § 35 BDSG", seenOn},
		{Accounting, "books, inventories and annual accounts are kept for 10 years from the end of the calendar year",
			calendar.Period{Years: 10}, "activity_ended", "§ 147 Abs. 3 AO, § 257 Abs. 4 HGB",
			"datenbank.nwb.de, § 147 AO, an earlier wording", seenOn},
		{Accounting, "vouchers, invoices among them, are kept for 8 years from the end of the calendar year",
			calendar.Period{Years: 8}, "activity_ended", "§ 147 Abs. 3 AO, § 257 Abs. 4 HGB",
			"akanthus-wpg.de, muchowitsch.de", seenOn},
		{Accounting, "business letters are kept for 6 years from the end of the calendar year",
			calendar.Period{Years: 6}, "activity_ended", "§ 147 Abs. 3 AO", "muchowitsch.de", seenOn},
		{ConsentProof, "the proof of a consent to telephone marketing is kept for 5 years from consent and from " +
			"each use of it", calendar.Period{Years: 5}, "event", "§ 7a UWG", "lexetius.com, § 7a UWG", seenOn},
		{Limitation, "ordinary claims lapse after 3 years from the end of the year in which they arose",
			calendar.Period{Years: 3}, "relation_ended", "§§ 195, 199 BGB", "rechtslupe.de, quoting both", seenNow},
	}},
	{Code: "ES", Name: "Spain", Authority: "Agencia Española de Protección de Datos (AEPD)", ChildConsentAge: 14,
		Blocking: calendar.Period{Years: 3}, Laws: []Law{
			{ChildAge, "from 14 years", calendar.Period{}, "", "Ley Orgánica 3/2018 (LOPDGDD), art. 7",
				tracker, seenOn},
			{BlockingRegime, "what is to be rectified or erased is blocked first, out of everybody's sight but " +
				"courts, prosecutors and authorities, until liabilities lapse, and then destroyed", calendar.Period{},
				"", "LOPDGDD, art. 32", "vademecumlegal.es, marginal 390, quoting art. 32", seenOn},
			{BlockingRegime, "3 years is the longest limitation of infringements of the regulation, and so the " +
				"blocking that is applied here", calendar.Period{Years: 3}, "event", "LOPDGDD, art. 72", "", ""},
			{BlockingRegime, "the right of access reaches blocked data", calendar.Period{}, "",
				"AEPD, R/00532/2020", "ramonycajalabogados.es, quoting the decision", seenNow},
			{Accounting, "books, letters and vouchers are kept for 6 years from the last entry",
				calendar.Period{Years: 6}, "activity_ended", "Código de Comercio, art. 30.1",
				"civil-mercantil.com", seenOn},
			{Limitation, "personal claims lapse after 5 years from when they can be demanded",
				calendar.Period{Years: 5}, "relation_ended", "Código Civil, art. 1964.2",
				"miguelabogado.es, quoting the article", seenNow},
		}},
	{Code: "FR", Name: "France", Authority: "Commission nationale de l'informatique et des libertés (CNIL)",
		ChildConsentAge: 15, Laws: []Law{
			{ChildAge, "from 15 years; below, child and holder of parental authority consent together",
				calendar.Period{}, "", "Loi n° 78-17 du 6 janvier 1978, art. 45",
				"rapport-congresdesnotaires.fr, 117e congrès (2021)", seenOn},
			{Prospects, "the CNIL recommends 3 years from the last contact that came from the person; opening a " +
				"mail is none", calendar.Period{Years: 3}, "inactivated", "CNIL, référentiel relatif à la gestion " +
				"des activités commerciales", "ewatchers.org, olympe.legal", seenOn},
			{Accounting, "accounting records are kept for 10 years from the end of the financial year",
				calendar.Period{Years: 10}, "activity_ended", "Code de commerce, art. L123-22",
				"modeles.biz (the period, not the article)", seenOn},
			{Limitation, "contractual claims lapse after 5 years", calendar.Period{Years: 5}, "relation_ended",
				"Code civil, art. 2224", "modeles.biz (the period, not the article)", seenOn},
		}},
	{Code: "IT", Name: "Italy", Authority: "Garante per la protezione dei dati personali", ChildConsentAge: 14,
		Laws: []Law{
			{ChildAge, "from 14 years", calendar.Period{}, "", "D.lgs. 196/2003, art. 2-quinquies", tracker, seenOn},
			{ConsentAge, "a consent to marketing that was well given holds until it is withdrawn, however old, " +
				"within the retention that the controller fixed and the notice states", calendar.Period{}, "",
				"Garante, provv. n. 181 of 15 October 2020", "legalink.it, quoting the decision", seenOn},
			{ConsentAge, "keeping data until consent is withdrawn conflicts with storage limitation",
				calendar.Period{}, "", "Garante, decisions of 2023", "", ""},
			{ConsentAge, "to profile or market to card holders for more than 12 months, the authority had to be asked",
				calendar.Period{Years: 1}, "",
				"Garante, provv. of 24 February 2005 (loyalty cards), as told in provv. n. 219 of 24 April 2013",
				"privacy.it",
				seenOn},
			{ConsentAge, "loyalty cards: 24 months for marketing, 12 for profiling", calendar.Period{Months: 24}, "",
				"Garante, provv. of 24 February 2005 (loyalty cards)", "studiocataldi.it", seenNow},
			{Accounting, "books, invoices and business letters are kept for 10 years from the last entry",
				calendar.Period{Years: 10}, "activity_ended", "Codice civile, art. 2220",
				"mondodiritto.it, quoting art. 2220", seenOn},
			{Limitation, "rights lapse after 10 years", calendar.Period{Years: 10}, "relation_ended",
				"Codice civile, art. 2946", "blog.cesaregallotti.it, quoting art. 2946", seenOn},
		}},
	{Code: "NL", Name: "Netherlands", Authority: "Autoriteit Persoonsgegevens (AP)", ChildConsentAge: 16, Laws: []Law{
		{ChildAge, "no lower age than the regulation's 16 years", calendar.Period{}, "",
			"Art. 8(1) GDPR; Uitvoeringswet AVG, art. 5", tracker, seenOn},
		{Accounting, "what may matter for taxes is kept for 7 years", calendar.Period{Years: 7}, "activity_ended",
			"Algemene wet inzake rijksbelastingen, art. 52(4)", "eytaxlaw.nl, Besluit Fiscaal Bestuursrecht, 20",
			seenOn},
		{Limitation, "claims for performance of a contract lapse after 5 years from the day after they are due",
			calendar.Period{Years: 5}, "relation_ended", "Burgerlijk Wetboek, art. 3:307",
			"wetboekplus.nl, art. 3:307", seenNow},
	}},
	{Code: "PL", Name: "Poland", Authority: "Prezes Urzędu Ochrony Danych Osobowych (UODO)", ChildConsentAge: 16,
		Laws: []Law{
			{ChildAge, "no lower age than the regulation's 16 years", calendar.Period{}, "",
				"Art. 8(1) GDPR, no national derogation", "rodoradar.pl", seenOn},
			{Limitation, "claims lapse after 6 years, at the end of the calendar year", calendar.Period{Years: 6},
				"relation_ended", "Kodeks cywilny, art. 118", "dmslegal.pl", seenOn},
			{Limitation, "claims of a business lapse after 3 years, at the end of the calendar year",
				calendar.Period{Years: 3}, "relation_ended", "Kodeks cywilny, art. 118", "dmslegal.pl", seenOn},
			{Accounting, "accounting vouchers are kept for 5 years from the year after", calendar.Period{Years: 5},
				"activity_ended", "Ustawa o rachunkowości, art. 74", "sip.lex.pl, art. 74", seenNow},
		}},
	{Code: "SE", Name: "Sweden", Authority: "Integritetsskyddsmyndigheten (IMY)", ChildConsentAge: 13, Laws: []Law{
		{ChildAge, "from 13 years", calendar.Period{}, "", "Lag (2018:218), 2 kap. 4 §",
			tracker + " (the age, not the paragraph)", seenOn},
		{Accounting, "accounting information is kept through the seventh year after the calendar year in which the " +
			"financial year ended", calendar.Period{Years: 7}, "activity_ended",
			"Bokföringslag (1999:1078), 7 kap. 2 §", "zentralen.se, skatteverket.se", seenOn},
		{Limitation, "claims lapse after 10 years, against consumers mostly after 3", calendar.Period{Years: 10},
			"relation_ended", "Preskriptionslag (1981:130), 2 §", "lagen.nu, 1981:130", seenNow},
	}},
}

// european are the laws and guidelines that hold in every member state.
var european = []Law{
	{ConsentAge, "the GDPR names no age at which a consent ends; the EDPB recommends to refresh it at appropriate " +
		"intervals", calendar.Period{}, "", "EDPB, Guidelines 05/2020 on consent, § 111",
		"hypothes.is, quoting the guidelines (not the paragraph)", seenOn},
	{ChildAge, "a consent that the parents gave stays valid when the child reaches the age, and the person has to " +
		"be told so", calendar.Period{}, "", "EDPB, Guidelines 05/2020 on consent, §§ 149-150", "", ""},
}

// European returns the laws and guidelines that hold in every member state.
func European() []Law { return slices.Clone(european) }

// All returns the countries whose law is in the table, sorted by code.
func All() []Jurisdiction { return slices.Clone(jurisdictions) }

// Of returns a country's entry; for a country that has none, the GDPR's own default (16 years,
// no blocking) and false.
func Of(code string) (Jurisdiction, bool) {
	for _, j := range jurisdictions {
		if j.Code == code {
			return j, true
		}
	}
	return Jurisdiction{Code: code, Name: code, ChildConsentAge: 16,
		Laws: []Law{{Topic: ChildAge, Says: "the regulation's 16 years, as long as nobody knows a lower one",
			Law: "Art. 8(1) GDPR"}}}, false
}

// About returns what the jurisdiction says on a topic, in order.
func (j Jurisdiction) About(topic Topic) []Law {
	var out []Law
	for _, l := range j.Laws {
		if l.Topic == topic {
			out = append(out, l)
		}
	}
	return out
}

// Sentence is what a law says, with its source.
func (l Law) Sentence() string {
	seen := "unverified"
	if l.Checked != "" {
		seen = "read on " + l.Checked + " at " + l.Seen
	}
	return fmt.Sprintf("On %s: %s (%s; %s).", l.Topic, l.Says, l.Law, seen)
}

// Cite names the law, and says when it is unverified.
func (l Law) Cite() string {
	if l.Checked == "" {
		return l.Law + "; unverified"
	}
	return l.Law
}
