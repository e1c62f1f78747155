//! Tool patterns against each other: whether one covers all that another matches.

use faramesh_program::tools::pattern_matches;

/// Whether every tool that `narrow` matches is matched by `wide`. Answers `true` only when that is
/// certain.
pub(super) fn covers(wide: &str, narrow: &str) -> bool {
    if wide == "*" || wide == narrow {
        return true;
    }
    if !narrow.contains('*') {
        return pattern_matches(wide, narrow);
    }
    if !wide.contains('*') || narrow == "*" {
        return false;
    }
    let (wide_path, wide_below) = split(wide);
    let (narrow_path, narrow_below) = split(narrow);
    let mut wide_segments = wide_path.split('/');
    let mut narrow_segments = narrow_path.split('/');
    loop {
        match (wide_segments.next(), narrow_segments.next()) {
            (Some(wide), Some(narrow)) => {
                if !segment_covers(wide, narrow) {
                    return false;
                }
            }
            // What is left of the narrow one lies below the wide one.
            (None, Some(_)) => return wide_below,
            (None, None) => return wide_below == narrow_below,
            (Some(_), None) => return false,
        }
    }
}

/// The pattern without a final `/*`, and whether it has one.
fn split(pattern: &str) -> (&str, bool) {
    match pattern.strip_suffix("/*") {
        Some(path) => (path, true),
        None => (pattern, false),
    }
}

fn segment_covers(wide: &str, narrow: &str) -> bool {
    wide == "*"
        || wide == narrow
        || !narrow.contains('*') && wide.contains('*') && pattern_matches(wide, narrow)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn certain_cases_only() {
        for (wide, narrow, expected) in [
            ("*", "a/b", true),
            ("*", "*", true),
            ("a/*", "*", false),
            ("a/*", "a/b", true),
            ("a/*", "a/b/c", true),
            ("a/*", "a/*", true),
            ("a/*", "a/b/*", true),
            ("a/b/*", "a/*", false),
            ("a/*", "a", false),
            ("a/*", "a/*/c", true),
            ("a/*/c", "a/b/c", true),
            ("a/*/c", "a/*", false),
            ("*/c", "b/c", true),
            ("a/*", "ab/*", false),
            ("get_*", "get_user", true),
            ("get_*", "get_user_*", false),
            ("get_*/*", "get_user/*", true),
            ("get_*", "get_user/x", false),
            ("a/b", "a/*", false),
        ] {
            assert_eq!(covers(wide, narrow), expected, "{wide} over {narrow}");
        }
    }

    #[test]
    fn a_cover_matches_whatever_the_covered_matches() {
        let segments = ["a", "b", "*", "a*", "*b", "ab"];
        let mut patterns: Vec<String> = segments.iter().map(|first| (*first).to_owned()).collect();
        for first in segments {
            for second in segments {
                patterns.push(format!("{first}/{second}"));
            }
        }
        let tools = ["a", "b", "ab", "a/a", "a/b", "ab/b", "b/ab", "a/b/ab", "b/a/a/a", "axb", "axb/b"];
        for wide in &patterns {
            for narrow in patterns.iter().filter(|narrow| covers(wide, narrow)) {
                for tool in tools.iter().filter(|tool| pattern_matches(narrow, tool)) {
                    assert!(pattern_matches(wide, tool), "{wide} over {narrow}: {tool}");
                }
            }
        }
    }
}
