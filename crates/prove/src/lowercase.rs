//! Which characters beyond ASCII change when a text is put in small letters, by their UTF-8 bytes.

use std::sync::OnceLock;

use rustc_hash::FxHashMap;

/// What bytes of a character mean for `.lower`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Found {
    /// They begin a character that may change.
    Part,
    /// They stand for themselves.
    Itself,
    /// A whole character that becomes this.
    Becomes(&'static str),
    /// Capital sigma, which becomes one of two letters, by what is around it.
    Sigma,
}

#[derive(Debug, Default)]
struct Changes {
    whole: FxHashMap<u64, Box<str>>,
    parts: FxHashMap<u64, ()>,
}

fn changes() -> &'static Changes {
    static CHANGES: OnceLock<Changes> = OnceLock::new();
    CHANGES.get_or_init(|| {
        let mut changes = Changes::default();
        for character in '\u{80}'..=char::MAX {
            let mut lower = character.to_lowercase();
            if lower.len() == 1 && lower.next() == Some(character) {
                continue;
            }
            let mut so_far = 0;
            for byte in character.encode_utf8(&mut [0; 4]).bytes() {
                if so_far != 0 {
                    changes.parts.insert(so_far, ());
                }
                so_far = so_far << 8 | u64::from(byte);
            }
            changes.whole.insert(so_far, character.to_lowercase().collect::<String>().into());
        }
        changes
    })
}

/// What these bytes mean, the first one highest.
pub(crate) fn lookup(so_far: u64) -> Found {
    const SIGMA: u64 = 0xCEA3;
    let changes = changes();
    if so_far == SIGMA {
        Found::Sigma
    } else if let Some(text) = changes.whole.get(&so_far) {
        Found::Becomes(text)
    } else if changes.parts.contains_key(&so_far) {
        Found::Part
    } else {
        Found::Itself
    }
}

/// The bytes again, the first one first.
pub(crate) fn bytes(so_far: u64) -> impl Iterator<Item = u8> {
    so_far.to_be_bytes().into_iter().skip_while(|byte| *byte == 0)
}
