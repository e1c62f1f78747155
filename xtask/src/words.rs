//! Words that must not be in the repository: they name places or trackers that a reader cannot reach.
//!
//! The list is a file of its own, so that a new word is a line in a review and this code holds none of them.

use crate::finding::Finding;
use crate::tree::File;

/// Where the list is; the only file that may hold the words.
pub const LIST: &str = "xtask/words.txt";

/// One line of the list.
struct Banned {
    needle: Vec<char>,
    remedy: String,
}

/// Every banned word in these files, by the list among them.
pub fn check(files: &[File]) -> Vec<Finding> {
    let Some(list) = files.iter().find(|file| file.path == LIST) else {
        let what = "the list of banned words is missing".to_owned();
        return vec![Finding::error(LIST, None, what, "restore it from the history")];
    };
    let (banned, mut findings) = read(list);
    for file in files.iter().filter(|file| file.path != LIST) {
        for (index, line) in file.text.lines().enumerate() {
            let letters: Vec<char> = line.to_lowercase().chars().collect();
            for word in banned.iter().filter(|word| occurs(&letters, &word.needle)) {
                let spelled: String = word.needle.iter().collect();
                let what = format!("`{spelled}` is on the list of banned words");
                findings.push(Finding::error(&file.path, Some(index + 1), what, &word.remedy));
            }
        }
    }
    findings
}

/// Reads lines of `needle | remedy`; `#` opens a comment line.
fn read(list: &File) -> (Vec<Banned>, Vec<Finding>) {
    let mut banned = Vec::new();
    let mut findings = Vec::new();
    for (index, line) in list.text.lines().enumerate() {
        if line.trim().is_empty() || line.starts_with('#') {
            continue;
        }
        match line.split_once('|') {
            Some((needle, remedy)) if !needle.trim().is_empty() && !remedy.trim().is_empty() => {
                let needle = needle.trim().to_lowercase().chars().collect();
                banned.push(Banned { needle, remedy: remedy.trim().to_owned() });
            }
            _ => {
                let what = "this line is not `word | remedy`".to_owned();
                findings.push(Finding::error(
                    &list.path,
                    Some(index + 1),
                    what,
                    "write both, with a bar between",
                ));
            }
        }
    }
    (banned, findings)
}

/// Whether the needle stands in the line as words of its own. `0` in a needle is any run of digits.
fn occurs(line: &[char], needle: &[char]) -> bool {
    let joins = |letter: &char| letter.is_alphanumeric() || *letter == '_';
    (0..line.len()).any(|start| {
        let before = start.checked_sub(1).and_then(|index| line.get(index));
        let opens_path = needle.first() == Some(&'/');
        let joined = before.is_some_and(|letter| joins(letter) || (opens_path && "~.-})*".contains(*letter)));
        if joined {
            return false;
        }
        let Some(after) = matched(line.get(start..).unwrap_or_default(), needle) else { return false };
        let closes_word = needle.last().is_some_and(joins);
        !(closes_word && line.get(start + after).is_some_and(joins))
    })
}

/// How many letters of the line the needle takes, if the line starts with it.
fn matched(line: &[char], needle: &[char]) -> Option<usize> {
    let mut taken = 0;
    for wanted in needle {
        if *wanted == '0' {
            let digits = line.iter().skip(taken).take_while(|letter| letter.is_ascii_digit()).count();
            if digits == 0 {
                return None;
            }
            taken += digits;
        } else {
            if line.get(taken) != Some(wanted) {
                return None;
            }
            taken += 1;
        }
    }
    Some(taken)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn told(text: &str) -> Vec<String> {
        let list = File::new(
            LIST,
            "# a comment\n/bench/ | say it relative to the root\nticket 0 | say what it is about\n",
        );
        check(&[list, File::new("docs/a.md", text)]).iter().map(ToString::to_string).collect()
    }

    #[test]
    fn banned_words_are_told_with_place_and_remedy() {
        for text in
            ["first\nsee /bench/src here", "first\n(Ticket 12)", "first\nx=\"/bench/\"", "first\nticket 3, 4"]
        {
            let found = told(text);
            assert_eq!(found.len(), 1, "{text}");
            assert!(
                found[0].starts_with("error: docs/a.md:2: ") && found[0].contains("help: say "),
                "{found:?}"
            );
        }
    }

    #[test]
    fn near_misses_pass() {
        for text in [
            "~/bench/x",
            "home/bench/x",
            "./bench/x",
            "ticket",
            "ticket x",
            "tickets 3",
            "biticket 3",
            "ticket 3rd",
        ] {
            assert_eq!(told(text), Vec::<String>::new(), "{text}");
        }
    }

    #[test]
    fn a_broken_or_missing_list_is_told() {
        assert_eq!(check(&[File::new(LIST, "only a word\n")]).len(), 1);
        assert_eq!(check(&[]).len(), 1);
    }
}
