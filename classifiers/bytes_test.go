package classifiers_test

import (
	"fmt"
	"testing"

	"github.com/stretchr/testify/require"

	"lethe/classifiers"
)

// TestBytesHoldWhatTheirHeaderSays reads fields of bytes: text in them is judged as text, what is encrypted by its header, and
// pictures stay pictures.
func TestBytesHoldWhatTheirHeaderSays(t *testing.T) {
	c := catalogue(t)
	var names, cards, cipher, pictures []string
	for i := range 40 {
		names = append(names, [...]string{"Adam Black", "Mary O'Brien", "William Smith", "Anna Rossi"}[i%4])
		cards = append(cards, luhn(fmt.Sprintf("45390%010d", i*7919)))
		cipher = append(cipher, fmt.Sprintf("\x01%c\xfe%c\x80\x92%c\xff\x03\x9c\xe1\xb7\x04\xda\x8f", rune(200+i), rune(300+i), rune(700-i)))
		pictures = append(pictures, fmt.Sprintf("\x89PNG\r\n\x1a\n\x00\x00%d", i))
	}
	v := classify(c, "payer_details", []classifiers.Field{{Name: "payer_id", Kind: "integer", Key: true},
		{Name: "name_on_card", Kind: "binary"}, {Name: "card_number", Kind: "binary"}, {Name: "passport_number", Kind: "binary"},
		{Name: "signature_scan", Kind: "binary"}, {Name: "blob_data", Kind: "binary"},
		{Name: "city", Kind: "binary"}}, cycle(40, "1", "2", "3"), names, cards, cipher, pictures, cipher,
		cycle(40, "London", "Bristol", "Leeds"))
	want := []classifiers.Category{classifiers.None, classifiers.PersonName, classifiers.CreditCard, classifiers.Passport,
		classifiers.Signature, classifiers.None, classifiers.City}
	for i, f := range v.Fields {
		require.Equal(t, want[i], f.Primary, "%s: %v", f.Field, f.Terms)
	}
}
