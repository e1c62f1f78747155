//! What exists in the language: blocks, keys, statements, clauses and the names of conditions, as data.
//! Spelling is checked against it and the reference is generated from it. What a construct means is
//! in the module that reads it.

mod agent;
mod file;
mod kind;
mod language;
mod operators;

pub use agent::{AGENT, PHASE};
pub use file::{FILE, PACK};
pub use kind::Kind;
pub use language::{CLAUSES, FUNCTIONS, METHODS, NAMES};
pub use operators::{EFFECTS, LITERALS, OPERATORS, PATTERNS};

/// Whether this version does what a construct says.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Status {
    /// It is enforced.
    Enforced,
    /// It is known and refused: nothing that is written may be silently without effect.
    NotYet,
}

/// One block, key or statement.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Definition {
    /// The word that it begins with.
    pub keyword: &'static str,
    /// How it is written.
    pub shape: Shape,
    /// Whether it is enforced.
    pub status: Status,
    /// What it does, in one line.
    pub summary: &'static str,
}

/// How a construct is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Shape {
    /// `key = value` or `key value`.
    Setting {
        /// What the value may be.
        kind: Kind,
        /// The value when the key is absent, as it would be written.
        default: Option<&'static str>,
    },
    /// `keyword label { … }`
    Block {
        /// Whether it has a name.
        label: Label,
        /// What stands inside.
        members: &'static [Definition],
        /// Whether keys beyond `members` are for somebody else to know.
        open: bool,
    },
    /// A form of its own, shown as an example.
    Statement(&'static str),
}

/// Whether a block has a name after its keyword.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Label {
    /// It has none.
    None,
    /// It may have one.
    Optional,
    /// It must have one.
    Required,
}

/// `` `a`, `b` or `c` ``
pub fn one_of(words: &[&str]) -> String {
    match words {
        [] => String::new(),
        [only] => format!("`{only}`"),
        [before @ .., last] => {
            let before: Vec<String> = before.iter().map(|word| format!("`{word}`")).collect();
            format!("{} or `{last}`", before.join(", "))
        }
    }
}

/// A name, function, method or clause of rules.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Word {
    /// The word.
    pub name: &'static str,
    /// How it is used.
    pub form: &'static str,
    /// Whether it is enforced.
    pub status: Status,
    /// What it is, in one line.
    pub summary: &'static str,
}

/// The construct of that name among `members`.
pub fn find(members: &'static [Definition], keyword: &str) -> Option<&'static Definition> {
    members.iter().find(|definition| definition.keyword == keyword)
}

/// The word of that name.
pub fn word(words: &'static [Word], name: &str) -> Option<&'static Word> {
    words.iter().find(|word| word.name == name)
}

/// Where a construct of that name belongs: the keyword of the block, or nothing for the file itself.
pub fn home(keyword: &str) -> Option<Option<&'static str>> {
    if find(FILE, keyword).is_some() {
        return Some(None);
    }
    if find(AGENT, keyword).is_some() {
        return Some(Some("agent"));
    }
    FILE.iter().chain(AGENT).find_map(|definition| match definition.shape {
        Shape::Block { members, .. } => find(members, keyword).map(|_| Some(definition.keyword)),
        _ => None,
    })
}

const fn setting(keyword: &'static str, kind: Kind, summary: &'static str) -> Definition {
    Definition { keyword, shape: Shape::Setting { kind, default: None }, status: Status::Enforced, summary }
}

const fn with_default(
    keyword: &'static str,
    kind: Kind,
    default: &'static str,
    summary: &'static str,
) -> Definition {
    let shape = Shape::Setting { kind, default: Some(default) };
    Definition { keyword, shape, status: Status::Enforced, summary }
}

const fn block(
    keyword: &'static str,
    label: Label,
    members: &'static [Definition],
    summary: &'static str,
) -> Definition {
    let shape = Shape::Block { label, members, open: false };
    Definition { keyword, shape, status: Status::Enforced, summary }
}

const fn statement(keyword: &'static str, form: &'static str, summary: &'static str) -> Definition {
    Definition { keyword, shape: Shape::Statement(form), status: Status::Enforced, summary }
}

/// The same, known and not enforced.
const fn not_yet(definition: Definition) -> Definition {
    Definition { status: Status::NotYet, ..definition }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn each(members: &'static [Definition], visit: &mut impl FnMut(&'static Definition)) {
        for definition in members {
            visit(definition);
            // A phase holds rules, and nothing refers back to what contains it.
            if let Shape::Block { members, .. } = definition.shape {
                each(members, visit);
            }
        }
    }

    #[test]
    fn keywords_are_unique_in_their_block_and_documented() {
        let mut blocks = vec![FILE, AGENT];
        each(FILE, &mut |definition| {
            if let Shape::Block { members, .. } = definition.shape {
                blocks.push(members);
            }
        });
        for members in blocks {
            for (index, definition) in members.iter().enumerate() {
                assert!(!definition.summary.is_empty(), "{}", definition.keyword);
                let before = members.iter().take(index);
                assert!(
                    before.clone().all(|other| other.keyword != definition.keyword),
                    "{}",
                    definition.keyword
                );
            }
        }
    }

    #[test]
    fn everything_has_a_home() {
        assert_eq!(home("runtime"), Some(None));
        assert_eq!(home("budget"), Some(Some("agent")));
        assert_eq!(home("wal_dir"), Some(Some("runtime")));
        assert_eq!(home("budgett"), None);
    }

    #[test]
    fn words_read_well() {
        assert_eq!(one_of(&["a"]), "`a`");
        assert_eq!(one_of(&["a", "b", "c"]), "`a`, `b` or `c`");
    }
}
