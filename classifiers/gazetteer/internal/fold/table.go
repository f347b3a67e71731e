package fold

// The tables below hold the base letters of one Unicode block in slots of equal
// width, padded with spaces. An empty slot keeps the rune as it is; '-' drops it.
//
// Latin and Greek follow the canonical decompositions of the Unicode Character
// Database without their marks (strokes, ligatures and eth as one would type
// them); Cyrillic is written as on passports of Russia, Ukraine, Bulgaria and
// Serbia, soft and hard signs dropped.

// latin covers U+00C0 to U+024F, two bytes a slot.
const latin = "" +
	"a a a a a a aec e e e e i i i i d n o o o o o   o u u u u y thssa a a a a a aec e e e e i i i i " +
	"d n o o o o o   o u u u u y thy a a a a a a c c c c c c c c d d d d e e e e e e e e e e g g g g " +
	"g g g g h h h h i i i i i i i i i i ijijj j k k k l l l l l l l l l l n n n n n n n n n o o o o " +
	"o o oeoer r r r r r s s s s s s s s t t t t t t u u u u u u u u u u u u w w y y y z z z z z z s " +
	"  b               d d         a   f f   g     i k k             o o                           u " +
	"u                                       dzdzdzljljljnjnjnja a i i o o u u u u u u u u u u   a a " +
	"a a         g g k k o o o o     j dzdzdzg g     n n a a         a a a a e e e e i i i i o o o o " +
	"r r r r u u u u s s t t     h h             a a e e o o o o o o o o y y       j                 " +
	"                                "

// latinAdditional covers U+1E00 to U+1EFF (Vietnamese among others), two bytes a slot.
const latinAdditional = "" +
	"a a b b b b b b c c d d d d d d d d d d e e e e e e e e e e f f g g h h h h h h h h h h i i i i " +
	"k k k k k k l l l l l l l l m m m m m m n n n n n n n n o o o o o o o o p p p p r r r r r r r r " +
	"s s s s s s s s s s t t t t t t t t u u u u u u u u u u v v v v w w w w w w w w w w x x x x y y " +
	"z z z z z z h t w y   s     ss  a a a a a a a a a a a a a a a a a a a a a a a a e e e e e e e e " +
	"e e e e e e e e i i i i o o o o o o o o o o o o o o o o o o o o o o o o u u u u u u u u u u u u " +
	"u u y y y y y y y y             "

// greek covers U+0370 to U+03FF, two bytes a slot.
const greek = "" +
	"                                            a   e i i   o   y o i a v g d e z i thi k l m n x o " +
	"p r   s t y f chpso i y a e i i y a v g d e z i thi k l m n x o p r s s t y f chpso i y o y o   " +
	"                                                                        th                      "

// greekExtended covers U+1F00 to U+1FFF (polytonic), two bytes a slot.
const greekExtended = "" +
	"a a a a a a a a a a a a a a a a e e e e e e     e e e e e e     i i i i i i i i i i i i i i i i " +
	"i i i i i i i i i i i i i i i i o o o o o o     o o o o o o     y y y y y y y y   y   y   y   y " +
	"o o o o o o o o o o o o o o o o a a e e i i i i o o y y o o     a a a a a a a a a a a a a a a a " +
	"i i i i i i i i i i i i i i i i o o o o o o o o o o o o o o o o a a a a a   a a a a a a a   i   " +
	"    i i i   i i e e i i i       i i i i     i i i i i i         y y y y r r y y y y y y r       " +
	"    o o o   o o o o o o o       "

// cyrillic covers U+0400 to U+0491, four bytes a slot.
const cyrillic = "" +
	"e   e   dj  gj  ye  dz  i   yi  j   lj  nj  c   kj  i   u   dz  a   b   v   g   d   e   zh  z   " +
	"i   y   k   l   m   n   o   p   r   s   t   u   f   kh  ts  ch  sh  shch-   y   -   e   yu  ya  " +
	"a   b   v   g   d   e   zh  z   i   y   k   l   m   n   o   p   r   s   t   u   f   kh  ts  ch  " +
	"sh  shch-   y   -   e   yu  ya  e   e   dj  gj  ye  dz  i   yi  j   lj  nj  c   kj  i   u   dz  " +
	"                                                                                                " +
	"                                                                                                " +
	"g   g   "
