//! The canonical form of a source. One way to write everything; comments stay where they are.
//!
//! INVARIANT same meaning: the result is parsed again and compared; a difference is refused, not written.
//! INVARIANT idempotent: every choice of layout depends on the tokens and on what the result keeps
//! (line breaks in lists and blocks, blank lines), never on anything that formatting changes.

use crate::ast::Span;
use crate::codes;
use crate::diagnostic::Diagnostic;
use crate::strip::without_spans;

mod atoms;
mod layout;
mod printer;

/// Widest line that is written if it can be broken, in characters.
pub(crate) const WIDTH: usize = 100;

/// The canonical form of `source`: `format(format(x)) == format(x)`, and both mean the same.
///
/// # Errors
/// The diagnostics of a source with syntax errors, which is not touched.
pub fn format(source: &str) -> Result<String, Vec<Diagnostic>> {
    let parse = crate::parse(source);
    if parse.has_errors() {
        return Err(parse.diagnostics().to_vec());
    }
    let text = layout::file(&parse.tree());
    let again = crate::parse(&text);
    if again.has_errors() || without_spans(again.ast()) != without_spans(parse.ast()) {
        let message = "this file cannot be formatted without changing what it means";
        return Err(vec![
            Diagnostic::error(codes::FORMAT_CHANGES_MEANING, Span::default(), message)
                .with_help("leave it as it is and report it: this is a fault of the formatter"),
        ]);
    }
    Ok(text)
}
