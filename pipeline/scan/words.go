package scan

import (
	"strings"
	"unicode"
)

// endWords mean that a row has ended, in the languages of the classifiers' lexicon, without accents.
var endWords = wordSet(`deleted deletion removed trashed archived archive inactive inactivated deactivated
	disabled erased purged
	geloescht geloscht loeschung archiviert inaktiv deaktiviert entfernt
	eliminato eliminata cancellato cancellata archiviato archiviata inattivo inattiva disattivato
		disattivata cessato dismesso
	supprime supprimee archivee inactif inactive desactive desactivee
	eliminado eliminada borrado borrada archivado archivada inactivo inactiva desactivado desactivada baja
	excluido excluida apagado arquivado arquivada inativo inativa desativado desativada
	verwijderd gearchiveerd inactief gedeactiveerd
	usuniety usunieto usunieta zarchiwizowany nieaktywny nieaktywna skasowany
	borttagen raderad arkiverad inaktiverad slettet arkivert arkiveret deaktiveret
	poistettu arkistoitu passiivinen
	smazano smazany smazan vymazano archivovano archivovany neaktivni zmazany zmazane neaktivny
	torolt archivalt inaktivalt sters stearsa arhivat inactivat dezactivat`)

// activeWords mean that a row is in use; statusWords name a column that says in which state a row is.
var (
	activeWords = wordSet(`active enabled aktiv aktiviert attivo attiva actif activo activa ativo ativa
		actief aktywny aktywna aktivni aktivny aktiivinen activ`)
	statusWords = wordSet(`status state zustand stato etat estado situacao toestand stan tilstand tila stav
		allapot stare`)
)

// besideWords are in names of what is told of an end beside it: who, why, how often (deleted_by).
var besideWords = wordSet(`by von da par por reason count`)

// bornWords name the date at which a row was made; dayWords and deedWords do so together (order_date);
// otherDates name the dates that do not.
var (
	bornWords = wordSet(`created creation inserted insertion added registered registration signup signed
		subscribed joined collected opened
		angelegt erstellt erfasst anlage registriert creato creata creazione inserito inserita inserimento
		registrazione iscrizione
		cree creee inscription creado creada creacion alta registro criado criada criacao cadastro
		aangemaakt geregistreerd utworzono utworzenia dodano
		skapad registrerad oprettet opprettet luotu vytvoreno vytvorene vytvorenia letrehozva letrehozas
		creat creata inregistrare`)
	dayWords  = wordSet(`date datum data fecha dato dag paiva pvm datetime timestamp day at on time`)
	deedWords = wordSet(`order ordered invoice payment paid purchase purchased sale event log entry rental
		visit posted sent bestell rechnung ordine fattura commande facture pedido factura bestelling`)
	otherDates = wordSet(`birth born dob updated modified changed last expires expiry until due end deleted
		geburt geburtsdatum nascita naissance nacimiento nascimento geboorte urodzenia`)
)

// wordSet is the words of a text, separated by white space.
func wordSet(text string) map[string]bool {
	set := map[string]bool{}
	for _, w := range strings.Fields(text) {
		set[w] = true
	}
	return set
}

// nameTokens splits a column's name into lower-case words without accents: deletedAt and DELETED_AT are
// deleted, at.
func nameTokens(name string) []string {
	var tokens []string
	var b strings.Builder
	end := func() {
		if b.Len() > 0 {
			tokens = append(tokens, b.String())
			b.Reset()
		}
	}
	lower := false
	for _, r := range name {
		if !unicode.IsLetter(r) {
			end()
			lower = false
			continue
		}
		if unicode.IsUpper(r) && lower {
			end()
		}
		lower = unicode.IsLower(r)
		b.WriteString(plainLetter(unicode.ToLower(r)))
	}
	end()
	return tokens
}

// accents are the accented forms of plain letters in the languages of the words above.
var accents = map[string]string{
	"a": "àáâãäåăą", "c": "çćč", "d": "ďđ", "e": "èéêëěę", "i": "ìíîï", "l": "łľ", "n": "ñńň", "o": "òóôõöőø",
	"r": "řŕ", "s": "śšșş", "t": "ťțţ", "u": "ùúûüűů", "y": "ýÿ", "z": "źżž",
}

// plainLetter drops the accent of a letter that the words above may have.
func plainLetter(r rune) string {
	if r < 0x80 {
		return string(r)
	}
	if r == 'ß' {
		return "ss"
	}
	for plain, accented := range accents {
		if strings.ContainsRune(accented, r) {
			return plain
		}
	}
	return string(r)
}
