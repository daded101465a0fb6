//! Chance for the tests of searching, here and in the server's stories (`app/tests/it/search/alike.rs`): numbers
//! that are the same each time, and texts from words of several scripts, some of which are parts of others.

/// Words that are said, the most frequent ones first.
pub const WORDS: &[&str] = &[
    "garden",
    "Gärten",
    "l'été",
    "été",
    "the",
    "THE",
    "weather",
    "weatherman",
    "Straße",
    "strasse",
    "東京",
    "東",
    "京都",
    "大東京工作",
    "كتاب",
    "كِتَاب",
    "한국어",
    "한국",
    "🎉",
    "👍🏽",
    "https://example.com/a_b",
    "ann@example.com",
    "std::vec",
    "3.14",
    "C++",
    "AND",
    "NOT",
    "OR",
    "NEAR",
    "x'y",
    "\"",
    "*",
    "(",
    ")",
    ":",
    "&",
    "|",
    "!",
    "<->",
    "\\",
    "naïve",
    "ﬁne",
    "สวัสดี",
    "हिन्दी",
    "שָׁלוֹם",
    "Ёлка",
    "kit\u{200B}chen",
];
/// So many of them make up half of what is said.
const FREQUENT: usize = 10;

/// Numbers that look like chance and depend on the seed alone, which must not be 0 (xorshift).
pub struct Chance(pub u64);

impl Chance {
    /// A number below `end`.
    pub fn below(&mut self, end: usize) -> usize {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        usize::try_from(self.0 >> 11).expect("a 64-bit machine") % end
    }

    /// A text of at most so many words, some of them without spaces between.
    pub fn text(&mut self, most: usize) -> String {
        let count = 1 + self.below(most);
        let mut word = || {
            let end = if self.below(2) == 0 { FREQUENT } else { WORDS.len() };
            WORDS[self.below(end)]
        };
        let words: Vec<&str> = (0..count).map(|_| word()).collect();
        words.join(if self.below(4) == 0 { "" } else { " " })
    }
}
