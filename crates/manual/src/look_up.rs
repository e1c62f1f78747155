//! Which page is meant: `FPL0012`, `fpl12`, `12`, or the name of the message.

use faramesh_syntax::{Code, nearest};

use crate::{Entry, entries};

/// What a word that a person typed stands for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Answer {
    /// A kind of message.
    Found(Entry),
    /// Written like a code or nearly like a name, and neither; what was probably meant.
    Unknown(Option<String>),
    /// Nothing that looks like a code or a name.
    Other,
}

/// Finds the kind of message that a word names.
#[must_use]
pub fn look_up(word: &str) -> Answer {
    let lower = word.to_ascii_lowercase();
    let digits = lower.strip_prefix("fpl").unwrap_or(&lower);
    let is_number =
        !digits.is_empty() && digits.len() <= 6 && digits.bytes().all(|byte| byte.is_ascii_digit());
    if is_number {
        let number: Option<u16> = digits.parse().ok();
        let found = number.and_then(|number| entries().find(|entry| entry.code == Code(number)));
        return found.map_or_else(|| Answer::Unknown(neighbour(number)), Answer::Found);
    }
    let name = lower.replace(['_', ' '], "-");
    if let Some(found) = entries().find(|entry| entry.name == name) {
        return Answer::Found(found);
    }
    let names: Vec<&str> = entries().map(|entry| entry.name).collect();
    let part = || names.iter().copied().find(|known| name.len() > 3 && known.contains(&name));
    match nearest(&name, names.iter().copied()).or_else(part) {
        Some(near) => Answer::Unknown(Some(near.to_owned())),
        None if lower.starts_with("fpl") => Answer::Unknown(None),
        None => Answer::Other,
    }
}

/// The code nearest to a number that is none.
fn neighbour(number: Option<u16>) -> Option<String> {
    let number = number?;
    entries().map(|entry| entry.code).min_by_key(|code| code.0.abs_diff(number)).map(|code| code.to_string())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_and_what_they_stand_for() {
        for word in ["FPL0012", "fpl12", "12", "0012", "nothing-to-close", "Nothing_To_Close"] {
            let Answer::Found(entry) = look_up(word) else { panic!("{word}") };
            assert_eq!(entry.code, Code(12), "{word}");
        }
        for (word, near) in [
            ("unreachable-rul", Some("unreachable-rule")),
            ("unreachable", Some("unreachable-rule")),
            ("FPL0009", Some("FPL0008")),
            ("FPL999999", None),
            ("fplx", None),
        ] {
            assert_eq!(look_up(word), Answer::Unknown(near.map(str::to_owned)), "{word}");
        }
        for word in ["dpr-01M7WHR6YHRBZX7CZD7GCK6MH4", "apr-1", "dpr-12", "", "1234567"] {
            assert_eq!(look_up(word), Answer::Other, "{word}");
        }
    }

    #[test]
    fn names_and_numbers_are_unique() {
        let mut names: Vec<&str> = entries().map(|entry| entry.name).collect();
        names.sort_unstable();
        let count = names.len();
        names.dedup();
        assert_eq!(names.len(), count);
        let codes: Vec<Code> = entries().map(|entry| entry.code).collect();
        assert!(codes.is_sorted_by(|left, right| left < right));
    }
}
