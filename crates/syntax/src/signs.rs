//! Signs of one to three characters, those of other languages included.

use crate::kind::SyntaxKind;

/// Length and kind of the sign that `first` begins.
pub(crate) fn sign(first: u8, second: Option<u8>, third: Option<u8>) -> (usize, SyntaxKind) {
    use SyntaxKind as K;
    match (first, second, third) {
        (b'=', Some(b'='), Some(b'=')) | (b'!', Some(b'='), Some(b'=')) => (3, K::FOREIGN_OPERATOR),
        (b'=', Some(b'>' | b'<'), _) | (b'<', Some(b'>'), _) | (b':', Some(b'='), _) => {
            (2, K::FOREIGN_OPERATOR)
        }
        (b'=', Some(b'='), _) => (2, K::EQUAL_EQUAL),
        (b'!', Some(b'='), _) => (2, K::BANG_EQUAL),
        (b'<', Some(b'='), _) => (2, K::LESS_EQUAL),
        (b'>', Some(b'='), _) => (2, K::GREATER_EQUAL),
        (b'&', Some(b'&'), _) => (2, K::AND_AND),
        (b'|', Some(b'|'), _) => (2, K::OR_OR),
        (b'&' | b'|', _, _) => (1, K::FOREIGN_OPERATOR),
        (b'=', _, _) => (1, K::EQUAL),
        (b'!', _, _) => (1, K::BANG),
        (b'<', _, _) => (1, K::LESS),
        (b'>', _, _) => (1, K::GREATER),
        (b'{', _, _) => (1, K::LEFT_BRACE),
        (b'}', _, _) => (1, K::RIGHT_BRACE),
        (b'(', _, _) => (1, K::LEFT_PAREN),
        (b')', _, _) => (1, K::RIGHT_PAREN),
        (b'[', _, _) => (1, K::LEFT_BRACKET),
        (b']', _, _) => (1, K::RIGHT_BRACKET),
        (b',', _, _) => (1, K::COMMA),
        (b'.', _, _) => (1, K::DOT),
        (b';', _, _) => (1, K::SEMICOLON),
        (b':', _, _) => (1, K::COLON),
        (b'+', _, _) => (1, K::PLUS),
        (b'-', _, _) => (1, K::MINUS),
        (b'*', _, _) => (1, K::STAR),
        (b'/', _, _) => (1, K::SLASH),
        (b'%', _, _) => (1, K::PERCENT),
        (b'@', _, _) => (1, K::AT),
        _ => (1, K::UNKNOWN),
    }
}
