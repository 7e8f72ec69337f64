/*
 * fold.c — names that some file systems take for one: without case (VFAT, APFS,
 * ext4 with casefold), or after decomposition (HFS+).
 *
 * Known are the letters of the Latin, Greek (one accent) and Cyrillic scripts:
 * simple case pairs and canonical decompositions, U+0041 to U+052F and U+1E00 to
 * U+1EFF.  Not known: Hangul, kana, full case folding (sharp s).  The C library's
 * towlower() knows more, but nothing at all in the C locale a daemon has.
 */
#include "maildir/fold.h"

#include <stddef.h>
#include <stdint.h>

#include "base/attr.h"
#include "base/mem.h"

/* Capitals in [lo, hi], each ${step}th, are ${delta} away from their small
 * letter. */
static const struct {
	uint32_t	lo, hi, step;
	int32_t		delta;
} capitals[] = {
	{ 0x041, 0x05a, 1, 32 },	/* ASCII */
	{ 0x0c0, 0x0d6, 1, 32 },	/* Latin-1 */
	{ 0x0d8, 0x0de, 1, 32 },
	{ 0x100, 0x12e, 2, 1 },		/* Latin Extended-A */
	{ 0x132, 0x136, 2, 1 },
	{ 0x139, 0x147, 2, 1 },
	{ 0x14a, 0x176, 2, 1 },
	{ 0x178, 0x178, 1, -121 },
	{ 0x179, 0x17d, 2, 1 },
	{ 0x1a0, 0x1a4, 2, 1 },		/* Latin Extended-B, with marks */
	{ 0x1af, 0x1af, 1, 1 },
	{ 0x1cd, 0x1db, 2, 1 },
	{ 0x1de, 0x1ee, 2, 1 },
	{ 0x1f4, 0x1f4, 1, 1 },
	{ 0x1f8, 0x21e, 2, 1 },
	{ 0x222, 0x232, 2, 1 },
	{ 0x386, 0x386, 1, 38 },	/* Greek */
	{ 0x388, 0x38a, 1, 37 },
	{ 0x38c, 0x38c, 1, 64 },
	{ 0x38e, 0x38f, 1, 63 },
	{ 0x391, 0x3ab, 1, 32 },
	{ 0x400, 0x40f, 1, 80 },	/* Cyrillic */
	{ 0x410, 0x42f, 1, 32 },
	{ 0x460, 0x480, 2, 1 },
	{ 0x48a, 0x4be, 2, 1 },
	{ 0x4c1, 0x4cd, 2, 1 },
	{ 0x4d0, 0x52e, 2, 1 },
	{ 0x1e00, 0x1e94, 2, 1 },	/* Latin Extended Additional */
	{ 0x1ea0, 0x1efe, 2, 1 },
};

/* Small letters that are another letter and a combining mark, as pairs of the
 * bare and the marked letter. */
static const struct {
	uint32_t	 mark;
	const char	*pairs;
} marked[] = {
	{ 0x300, "aàeèiìoòuùüǜnǹеѐиѝēḕōṑwẁâầăằêềôồơờưừyỳ" },
	{ 0x301, "aáeéiíoóuúyýcćlĺnńrŕsśzźüǘgǵåǻæǽøǿϊΐαάεέηήιίϋΰοόυύωώ"
	    "гѓкќçḉēḗïḯkḱmḿõṍōṓpṕũṹwẃâấăắêếôốơớưứ" },
	{ 0x302, "aâeêiîoôuûcĉgĝhĥjĵsŝwŵyŷzẑạậẹệọộ" },
	{ 0x303, "aãnñoõiĩuũvṽâẫăẵeẽêễôỗơỡưữyỹ" },
	{ 0x304, "aāeēiīoōuūüǖäǟȧǡæǣǫǭöȫõȭȯȱyȳиӣуӯgḡḷḹṛṝ" },
	{ 0x306, "aăeĕgğiĭoŏuŭийуўжӂаӑеӗȩḝạặ" },
	{ 0x307, "cċeėgġzżaȧoȯbḃdḋfḟhḣmṁnṅpṗrṙsṡśṥšṧṣṩtṫwẇxẋyẏ" },
	{ 0x308, "aäeëiïoöuüyÿιϊυϋеёіїаӓәӛжӝзӟиӥоӧөӫэӭуӱчӵыӹhḧõṏūṻwẅxẍ"
	    "tẗ" },
	{ 0x309, "aảâẩăẳeẻêểiỉoỏôổơởuủưửyỷ" },
	{ 0x30a, "aåuůwẘyẙ" },
	{ 0x30b, "oőuűуӳ" },
	{ 0x30c, "cčdďeělľnňrřsštťzžaǎiǐoǒuǔüǚgǧkǩʒǯjǰhȟ" },
	{ 0x30f, "aȁeȅiȉoȍrȑuȕѵѷ" },
	{ 0x311, "aȃeȇiȋoȏrȓuȗ" },
	{ 0x31b, "oơuư" },
	{ 0x323, "bḅdḍhḥkḳlḷmṃnṇrṛsṣtṭvṿwẉzẓaạeẹiịoọơợuụưựyỵ" },
	{ 0x324, "uṳ" },
	{ 0x325, "aḁ" },
	{ 0x326, "sștț" },
	{ 0x327, "cçgģkķlļnņrŗsştţeȩdḑhḩ" },
	{ 0x328, "aąeęiįuųoǫ" },
	{ 0x32d, "dḓeḙlḽnṋtṱuṷ" },
	{ 0x32e, "hḫ" },
	{ 0x330, "eḛiḭuṵ" },
	{ 0x331, "bḇdḏkḵlḻnṉrṟtṯzẕhẖ" },
};

/* The next code point; a byte that is not UTF-8 stands for itself, beyond all
 * code points. */
static uint32_t
next(struct str *s)
{
	const unsigned char *p = (const unsigned char *)s->p;
	size_t n = p[0] < 0xc2 ? 1 : p[0] < 0xe0 ? 2 : p[0] < 0xf0 ? 3 : 4;
	uint32_t c = p[0];

	if (n > 1 && p[0] < 0xf5 && n <= s->n) {
		c &= 0xffu >> (n + 1);
		for (size_t i = 1; i < n; i++) {
			if ((p[i] & 0xc0) != 0x80) {
				n = 1;
				break;
			}
			c = c << 6 | (p[i] & 0x3fu);
		}
	} else
		n = 1;
	if (n == 1 && p[0] >= 0x80)
		c = 0x110000u + p[0];
	*s = str_from(*s, n);
	return c;
}

static uint32_t
small(uint32_t c)
{
	for (size_t i = 0; i < ARRAY_LEN(capitals); i++)
		if (c >= capitals[i].lo && c <= capitals[i].hi &&
		    (c - capitals[i].lo) % capitals[i].step == 0)
			return (uint32_t)((int32_t)c + capitals[i].delta);
	return c;
}

/* Split ${c} into a letter and a mark; false when it is bare. */
static bool
split(uint32_t c, uint32_t *letter, uint32_t *mark)
{
	if (c < 0xe0)
		return false;
	for (size_t i = 0; i < ARRAY_LEN(marked); i++) {
		struct str s = str_z(marked[i].pairs);

		while (s.n > 0) {
			*letter = next(&s);
			*mark = marked[i].mark;
			if (next(&s) == c)
				return true;
		}
	}
	return false;
}

/* A string as folded code points, one after the other. */
struct folded {
	struct str	s;
	uint32_t	marks[4];	/* still to come, the last one first */
	size_t		n;
};

static uint32_t
folded_next(struct folded *f)
{
	uint32_t c, letter, mark;

	if (f->n > 0)
		return f->marks[--f->n];
	if (f->s.n == 0)
		return UINT32_MAX;
	c = small(next(&f->s));
	while (f->n < ARRAY_LEN(f->marks) && split(c, &letter, &mark)) {
		f->marks[f->n++] = mark;
		c = letter;
	}
	return c;
}

bool
fold_same(struct str a, struct str b)
{
	struct folded x = { .s = a }, y = { .s = b };
	uint32_t c;

	do {
		c = folded_next(&x);
		if (c != folded_next(&y))
			return false;
	} while (c != UINT32_MAX);
	return true;
}

struct str
fold_key(struct str s)
{
	struct folded x = { .s = s };
	uint32_t *key = NULL;
	size_t n = 0, cap = 0;

	do
		key = array_room(key, n, &cap, sizeof(*key));
	while ((key[n++] = folded_next(&x)) != UINT32_MAX);
	return (struct str){ (const char *)key, (n - 1) * sizeof(*key) };
}
