//! Characters that a reader does not see, or that change the order in which others are seen. Outside of
//! escapes they are errors: what a reader sees must be what is decided.

use crate::ast::Span;
use crate::codes;
use crate::diagnostic::Diagnostic;

/// Whether a character shows nothing or reorders what is shown. Joiners, which emoji need, do not count.
pub fn is_invisible(character: char) -> bool {
    matches!(character,
        '\0'..='\u{8}' | '\u{b}' | '\u{c}' | '\u{e}'..='\u{1f}' | '\u{7f}'..='\u{9f}'
        | '\u{61c}' | '\u{200b}' | '\u{200e}' | '\u{200f}' | '\u{2028}'..='\u{202e}'
        | '\u{2060}'..='\u{2069}' | '\u{feff}')
}

/// The message about one of them.
pub(crate) fn invisible(character: char, span: Span) -> Diagnostic {
    let number = u32::from(character);
    // What breaks a line elsewhere keeps two words apart.
    let breaks = matches!(character, '\r' | '\u{b}' | '\u{c}' | '\u{85}' | '\u{2028}' | '\u{2029}');
    let (replacement, title) =
        if breaks { (" ", "write a space instead") } else { ("", "remove the invisible character") };
    Diagnostic::error(
        codes::INVISIBLE_CHARACTER,
        span,
        format!("there is an invisible character here, U+{number:04X}"),
    )
    .with_help(format!("remove it; inside a string it can be written as `\\u{{{number:X}}}`"))
    .with_fix(span, replacement, title)
}
