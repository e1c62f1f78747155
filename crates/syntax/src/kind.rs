//! The kinds of tokens and nodes of the lossless tree, and its `rowan` language.

use rowan::Language;

/// A kind of token or node. Nodes come after [`SyntaxKind::FILE`].
#[expect(
    non_camel_case_types,
    missing_docs,
    reason = "the names are the documentation, in the usual spelling of rowan trees"
)]
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[repr(u16)]
pub enum SyntaxKind {
    // Trivia: never significant.
    WHITESPACE,
    COMMENT,
    /// A `\` before the end of a line.
    CONTINUATION,
    /// `// …` or `/* … */`, which the language has not.
    FOREIGN_COMMENT,
    // Tokens the lexer makes.
    WORD,
    NUMBER,
    MONEY,
    DURATION,
    SIZE,
    /// Digits with letters that are no unit: `10MB`, `1e`, or the start of the pattern `2fa/send`.
    ODD_NUMBER,
    STRING,
    UNCLOSED_STRING,
    /// `'a'` or `“a”`.
    FOREIGN_STRING,
    LEFT_BRACE,
    RIGHT_BRACE,
    LEFT_PAREN,
    RIGHT_PAREN,
    LEFT_BRACKET,
    RIGHT_BRACKET,
    COMMA,
    DOT,
    SEMICOLON,
    COLON,
    EQUAL,
    EQUAL_EQUAL,
    BANG,
    BANG_EQUAL,
    LESS,
    LESS_EQUAL,
    GREATER,
    GREATER_EQUAL,
    AND_AND,
    OR_OR,
    PLUS,
    MINUS,
    STAR,
    SLASH,
    PERCENT,
    AT,
    /// `=>`, `<>` and other spellings of an operator from elsewhere.
    FOREIGN_OPERATOR,
    UNKNOWN,
    END,
    // Tokens the parser joins from neighbours.
    EFFECT,
    PATTERN,
    KEY_MATERIAL,
    /// Bare text that needs quotes.
    ODD_TEXT,
    // Nodes.
    FILE,
    BODY,
    BLOCK,
    RULES,
    RULE,
    CONDITION,
    CLAUSE,
    SETTING,
    IMPORT,
    USE,
    VAR,
    RATE_LIMIT,
    REDACT,
    TRUST_KEY,
    REQUIRE,
    MANIFEST,
    LIST,
    GROUP,
    ARGUMENTS,
    INDEX,
    ENV,
    ERROR,
}

/// Every kind in order, so that a raw number finds its kind without a cast.
const KINDS: &[SyntaxKind] = {
    use SyntaxKind as K;
    &[
        K::WHITESPACE,
        K::COMMENT,
        K::CONTINUATION,
        K::FOREIGN_COMMENT,
        K::WORD,
        K::NUMBER,
        K::MONEY,
        K::DURATION,
        K::SIZE,
        K::ODD_NUMBER,
        K::STRING,
        K::UNCLOSED_STRING,
        K::FOREIGN_STRING,
        K::LEFT_BRACE,
        K::RIGHT_BRACE,
        K::LEFT_PAREN,
        K::RIGHT_PAREN,
        K::LEFT_BRACKET,
        K::RIGHT_BRACKET,
        K::COMMA,
        K::DOT,
        K::SEMICOLON,
        K::COLON,
        K::EQUAL,
        K::EQUAL_EQUAL,
        K::BANG,
        K::BANG_EQUAL,
        K::LESS,
        K::LESS_EQUAL,
        K::GREATER,
        K::GREATER_EQUAL,
        K::AND_AND,
        K::OR_OR,
        K::PLUS,
        K::MINUS,
        K::STAR,
        K::SLASH,
        K::PERCENT,
        K::AT,
        K::FOREIGN_OPERATOR,
        K::UNKNOWN,
        K::END,
        K::EFFECT,
        K::PATTERN,
        K::KEY_MATERIAL,
        K::ODD_TEXT,
        K::FILE,
        K::BODY,
        K::BLOCK,
        K::RULES,
        K::RULE,
        K::CONDITION,
        K::CLAUSE,
        K::SETTING,
        K::IMPORT,
        K::USE,
        K::VAR,
        K::RATE_LIMIT,
        K::REDACT,
        K::TRUST_KEY,
        K::REQUIRE,
        K::MANIFEST,
        K::LIST,
        K::GROUP,
        K::ARGUMENTS,
        K::INDEX,
        K::ENV,
        K::ERROR,
    ]
};

impl SyntaxKind {
    /// Whitespace, comments and line continuations.
    pub fn is_trivia(self) -> bool {
        matches!(self, Self::WHITESPACE | Self::COMMENT | Self::CONTINUATION | Self::FOREIGN_COMMENT)
    }

    /// A string, well written or not.
    pub fn is_string(self) -> bool {
        matches!(self, Self::STRING | Self::UNCLOSED_STRING | Self::FOREIGN_STRING)
    }

    /// A number of any kind, money included.
    pub fn is_number(self) -> bool {
        matches!(self, Self::NUMBER | Self::MONEY | Self::DURATION | Self::SIZE | Self::ODD_NUMBER)
    }
}

/// The `rowan` language of FPL.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Fpl {}

impl Language for Fpl {
    type Kind = SyntaxKind;

    fn kind_from_raw(raw: rowan::SyntaxKind) -> SyntaxKind {
        KINDS.get(usize::from(raw.0)).copied().unwrap_or(SyntaxKind::ERROR)
    }

    fn kind_to_raw(kind: SyntaxKind) -> rowan::SyntaxKind {
        #[expect(clippy::as_conversions, reason = "the discriminant of a fieldless u16 enum")]
        rowan::SyntaxKind(kind as u16)
    }
}

/// A node of the lossless tree.
pub type SyntaxNode = rowan::SyntaxNode<Fpl>;
/// A token of the lossless tree.
pub type SyntaxToken = rowan::SyntaxToken<Fpl>;
/// A node or a token of the lossless tree.
pub type SyntaxElement = rowan::SyntaxElement<Fpl>;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_kind_survives_its_number() {
        for (number, &kind) in KINDS.iter().enumerate() {
            let raw = Fpl::kind_to_raw(kind);
            assert_eq!(usize::from(raw.0), number, "{kind:?}");
            assert_eq!(Fpl::kind_from_raw(raw), kind);
        }
        assert_eq!(KINDS.last(), Some(&SyntaxKind::ERROR));
    }
}
