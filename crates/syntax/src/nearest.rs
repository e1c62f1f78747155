//! "Did you mean": the candidate that a misspelt word is closest to.

const LONGEST: usize = 48;

/// The candidate nearest to `word`, if one is near enough that the word was plausibly meant as it:
/// one slip in a short word, one in three letters otherwise. Case counts for nothing.
/// Words beyond 48 characters have no neighbour.
pub fn nearest<'a>(word: &str, candidates: impl IntoIterator<Item = &'a str>) -> Option<&'a str> {
    let word: Vec<char> = word.chars().take(LONGEST + 1).flat_map(char::to_lowercase).collect();
    if word.len() > LONGEST {
        return None;
    }
    let allowed = (word.len() / 3).max(1);
    let mut best: Option<(usize, &str)> = None;
    for candidate in candidates {
        let letters: Vec<char> = candidate.chars().take(LONGEST).flat_map(char::to_lowercase).collect();
        if letters.len().abs_diff(word.len()) > allowed {
            continue;
        }
        let distance = distance(&word, &letters);
        // A slip in every letter leaves nothing in common.
        if distance <= allowed
            && distance < letters.len().min(word.len())
            && best.is_none_or(|(known, _)| distance < known)
        {
            best = Some((distance, candidate));
        }
    }
    best.map(|(_, candidate)| candidate)
}

/// Insertions, removals, replacements and swaps of neighbours that turn `a` into `b`.
fn distance(a: &[char], b: &[char]) -> usize {
    let mut before: Vec<usize> = Vec::new();
    let mut above: Vec<usize> = (0..=b.len()).collect();
    let mut last_a = None;
    for (row, &letter_a) in a.iter().enumerate() {
        let mut current = vec![row + 1];
        let mut left = row + 1;
        let mut last_b = None;
        for (column, &letter_b) in b.iter().enumerate() {
            let at = |line: &[usize], column: usize| line.get(column).copied().unwrap_or(usize::MAX / 2);
            let mut cost = (at(&above, column) + usize::from(letter_a != letter_b))
                .min(at(&above, column + 1) + 1)
                .min(left + 1);
            if last_a == Some(letter_b) && last_b == Some(letter_a) && column > 0 {
                cost = cost.min(at(&before, column - 1) + 1);
            }
            current.push(cost);
            left = cost;
            last_b = Some(letter_b);
        }
        before = above;
        above = current;
        last_a = Some(letter_a);
    }
    above.last().copied().unwrap_or(a.len())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn finds_what_was_meant() {
        let effects = ["permit", "allow", "deny", "defer"];
        for (word, meant) in [
            ("alow", Some("allow")),
            ("permitt", Some("permit")),
            ("dney", Some("deny")),
            ("DENY", Some("deny")),
            ("difer", Some("defer")),
            ("budget", None),
            ("x", None),
            ("", None),
        ] {
            assert_eq!(nearest(word, effects), meant, "{word}");
        }
        assert_eq!(nearest("iff", ["if", "when"]), Some("if"));
        assert_eq!(nearest("a", ["if", "in"]), None);
        assert_eq!(nearest(&"a".repeat(1 << 20), ["aaaa"]), None);
    }
}
