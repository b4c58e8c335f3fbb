package sign

import (
	"cmp"
	"crypto/subtle"
	"math/bits"
	"slices"
	"time"
)

// A Diagnosis says why a signature is wrong.
type Diagnosis struct {
	// Valid reports whether the signature is right.
	Valid bool

	// Causes names what the client does otherwise than the rule (docs/signing.md lists
	// all names), most likely first. Several may be true together, or one of them
	// instead of another: Text says which. There is none for a right signature.
	Causes []string

	// Text says it for a person: what the client does, in which of the seven parts of
	// the string to sign and at which character that shows, and what to do. It contains
	// neither the secret nor values of parameters or headers.
	Text string

	// Tried is how many signatures were computed, counted as in Options.Limit.
	Tried int
}

// A Rewrite is another form of a text, such as its bytes in GBK. ok is false for a text
// that has no such form.
type Rewrite struct {
	Cause     string
	What, Fix string // as in "the client signs GBK" and "Sign UTF-8."
	Text      func(string) (text string, ok bool)
}

// DefaultLimit is how many signatures [Diagnose] computes at most, unless told. They take
// a second or two for a request that nothing explains.
const DefaultLimit = 200_000

// Requests beyond these bounds are verified, and no cause is looked for.
const (
	mostValues = 1000
	mostText   = 64 << 10 // bytes of the string to sign
)

// signatureSize is up to how many bytes a request counts as one in Options.Limit.
const signatureSize = 1 << 10

// Options are settings of [Diagnose] and [Check]. The zero value is right for a person who
// waits for the answer.
type Options struct {
	// Limit is how many signatures are computed at most; 0 is DefaultLimit. One of a
	// request of several KiB counts as several. Give a small limit where strangers send
	// the requests: 1,000 is enough for each habit that comes alone and is not rare,
	// 4,000 for most pairs of common ones.
	Limit int

	// Rewrites are tried in addition. Package sign itself has Latin-1, ASCII and UTF-16.
	Rewrites []Rewrite

	// Key is the key whose secret it is, or empty if it is not known.
	Key string

	// Now is the time with which Check compares sign_time, or zero for not at all.
	Now time.Time
}

// Diagnose finds out what a client did that signed r with signature. It tries what is
// known to be done wrong: alone, then two things together, then three, until it has
// computed as many signatures as it may.
func Diagnose(secret string, r Received, signature string, o Options) Diagnosis {
	if Verify(secret, r.Request, signature) {
		return Diagnosis{Valid: true, Text: "The signature is right.", Tried: 1}
	}
	c, ok := read(signature)
	if !ok {
		return Diagnosis{Causes: []string{"signature-malformed"}, Text: malformed, Tried: 1}
	}
	s := search{base: newPlan(secret, &r, signature), claim: c, limit: cmp.Or(o.Limit, DefaultLimit), tried: 1}
	s.base.key = o.Key
	size := max(len(s.base.text()), len(r.Body), len(r.RawQuery))
	s.cost = 1 + size/signatureSize
	if count(r.Query)+count(r.Form) > mostValues || size > mostText {
		return Diagnosis{Causes: []string{"unexplained"}, Text: tooLarge, Tried: 1}
	}
	if s.tried >= s.limit {
		return s.unexplained()
	}
	s.collect(o.Rewrites)
	return s.diagnosis()
}

// A choice is one variant of a habit.
type choice struct {
	habit
	variant
	index     int  // in the order of likelihood
	effective bool // changes what is signed, alone
	first     bool // of the variants of its habit
}

type search struct {
	base    plan
	claim   claim
	choices map[int][]choice // by rank
	limit   int
	tried   int
	cost    int // of one signature
}

// collect lists what can be tried.
func (s *search) collect(rewrites []Rewrite) {
	s.choices = make(map[int][]choice)
	index := 0
	for _, h := range append(habits(), rewriteHabits(rewrites)...) {
		if h.slot&slotDigest != 0 && s.claim.family[0].digest != nil {
			continue // the length has told which hash it is
		}
		for _, v := range h.variants(&s.base) {
			index++
			s.choices[h.rank] = append(s.choices[h.rank], choice{habit: h, variant: v, index: index})
		}
	}
}

// weigh finds out which choices of a rank have an effect. The rest is not tried.
func (s *search) weigh(rank int) {
	right := s.base.text()
	seen := ""
	for i := range s.choices[rank] {
		if s.tried >= s.limit {
			return
		}
		s.tried += s.cost
		c := &s.choices[rank][i]
		p := s.plan(s.claim.family[0], []choice{*c})
		c.effective = c.slot&slotDigest != 0 || p.text() != right
		if c.effective && c.cause != seen {
			c.first, seen = true, c.cause
		}
	}
}

func rewriteHabits(rewrites []Rewrite) []habit {
	var all []habit
	for _, r := range rewrites {
		change := func(s string) string {
			if text, ok := r.Text(s); ok {
				return text
			}
			return s
		}
		all = append(all, habit{cause: r.Cause, slot: slotCharset, rank: common, what: r.What, fix: r.Fix, variants: one(allTexts(change))})
	}
	return all
}

// A stage is a search for sets of habits with these ranks. With firsts it tries the first
// variant of each habit only, but all of rare ones.
type stage struct {
	ranks  []int
	firsts bool
}

// stages are in the order of likelihood.
var stages = []stage{
	{}, {ranks: []int{common}}, {ranks: []int{seldom}},
	{ranks: []int{common, common}, firsts: true}, {ranks: []int{common, common}},
	{ranks: []int{rare}}, {ranks: []int{common, seldom}, firsts: true},
	{ranks: []int{common, common, common}, firsts: true}, {ranks: []int{common, rare}, firsts: true},
	{ranks: []int{common, seldom}}, {ranks: []int{seldom, seldom}}, {ranks: []int{common, rare}},
}

// A finding is a set of choices that makes the signature.
type finding struct {
	family  family
	choices []choice
}

func (s *search) diagnosis() Diagnosis {
	for _, st := range stages {
		if found := s.stage(st); len(found) > 0 {
			d := s.explained(found)
			d.Tried = s.tried
			return d
		}
	}
	return s.unexplained()
}

// stage tries all sets of choices of a stage, and returns those that make the signature,
// the likeliest first.
func (s *search) stage(st stage) []finding {
	var found []finding
	if len(st.ranks) == 1 {
		s.weigh(st.ranks[0])
	}
	s.each(st, nil, func(set []choice) {
		for _, f := range s.claim.family {
			if s.makes(f, set) {
				found = append(found, finding{f, slices.Clone(set)})
			}
		}
	})
	slices.SortStableFunc(found, func(a, b finding) int { return cmp.Compare(a.likelihood(), b.likelihood()) })
	return found
}

func (f *finding) likelihood() (sum int) {
	for _, c := range f.choices {
		sum += c.index
	}
	return sum
}

// each calls try with each set of choices of a stage, until the limit.
func (s *search) each(st stage, set []choice, try func([]choice)) {
	if s.tried >= s.limit {
		return
	}
	if len(set) == len(st.ranks) {
		if worthwhile(set) {
			try(set)
		}
		return
	}
	for _, c := range s.choices[st.ranks[len(set)]] {
		if (c.first || !st.firsts || c.rank == rare) && fits(set, c) {
			s.each(st, append(slices.Clip(set), c), try)
		}
	}
}

// fits reports whether a choice can be added to others. Of two with the same rank, that
// with the smaller index comes first, so that no set is tried twice.
func fits(set []choice, c choice) bool {
	for _, other := range set {
		if other.slot&c.slot != 0 || other.rank == c.rank && other.index > c.index {
			return false
		}
	}
	return true
}

// worthwhile reports whether each choice of a set has an effect, as far as is known: one
// without an effect of its own may have one on what another brings in.
func worthwhile(set []choice) bool {
	wide := false
	for _, c := range set {
		wide = wide || c.wide && c.effective
	}
	for _, c := range set {
		if !c.effective && (!wide || len(set) > 2) {
			return false
		}
	}
	return true
}

func (s *search) makes(f family, set []choice) bool {
	if s.tried >= s.limit {
		return false
	}
	s.tried += s.cost
	p := s.plan(f, set)
	sum := p.digest(f.new, &p)
	if s.claim.middle {
		sum = sum[4:12]
	}
	return subtle.ConstantTimeCompare(sum, s.claim.sum) == 1
}

// plan applies a set of choices to the rule.
func (s *search) plan(f family, set []choice) plan {
	p := s.base
	if f.digest != nil {
		p.digest = f.digest
	}
	set = slices.Clone(set)
	slices.SortStableFunc(set, func(a, b choice) int {
		return cmp.Compare(bits.TrailingZeros32(uint32(a.slot)), bits.TrailingZeros32(uint32(b.slot)))
	})
	for _, c := range set {
		c.do(&p)
	}
	return p
}
