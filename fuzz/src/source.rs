//! Any text as a policy: the tree holds every byte, formatting is settled at once and changes no meaning,
//! and what is accepted compiles, loads, and has the hash of its formatted form.

use faramesh_program::load;
use faramesh_syntax::{format, parse, without_spans};

use crate::engine::{checked, compiled};

/// The longest text: what is longer only takes longer.
const MOST: usize = 16 << 10;

/// Runs one input.
pub fn run(bytes: &[u8]) {
    let Ok(source) = std::str::from_utf8(bytes.get(..MOST).unwrap_or(bytes)) else { return };
    let parsed = parse(source);
    assert_eq!(parsed.tree().to_string(), source, "the tree lost a byte");
    if parsed.has_errors() {
        // Whatever is wrong with it, the checks that follow take it.
        assert!(checked(source).stack.is_none(), "what does not parse was accepted");
        return;
    }
    let formatted = format(source).expect("what parses can be formatted");
    let again = parse(&formatted);
    assert!(!again.has_errors(), "the formatted text does not parse:\n{formatted}");
    assert_eq!(
        without_spans(parsed.ast()),
        without_spans(again.ast()),
        "formatting changed the meaning:\n{formatted}"
    );
    assert_eq!(format(&formatted).expect("as before"), formatted, "formatting twice differs");
    let Some(bytes) = compiled(source) else { return };
    let program = load(&bytes).expect("what was compiled loads");
    let again = compiled(&formatted).expect("the formatted text is accepted as well");
    assert_eq!(program.hash(), load(&again).expect("as before").hash(), "formatting changed the program");
}
