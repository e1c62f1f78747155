//! What keys are called in YAML and JSON: as in FPL, but that what may stand several times is a list or
//! map under a plural. Everything else is known from the definitions of the language.

use faramesh_check::definitions::{self, AGENT, Definition, FILE, Kind, Shape};

/// How blocks of one kind stand under their key.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Form {
    /// By name: `provider: {vault: {…}}`.
    Map,
    /// One after the other: `agent: [{id: …}]`.
    List,
}

/// What is called otherwise than in FPL: the keyword, the key, further keys that are accepted, the form.
const NAMES: &[(&str, &str, &[&str], Form)] = &[
    ("agent", "agent", &["agents"], Form::List),
    ("alert", "alerts", &["alert"], Form::List),
    ("budget", "budgets", &["budget"], Form::List),
    ("credential", "credentials", &["credential"], Form::Map),
    ("delegate", "delegates", &["delegate"], Form::List),
    ("identity", "identity", &["identities"], Form::Map),
    ("import", "import", &["imports"], Form::List),
    ("pack", "packs", &["pack"], Form::List),
    ("phase", "phases", &["phase"], Form::List),
    ("provider", "provider", &["providers"], Form::Map),
    ("rate_limit", "rate_limits", &["rate_limit"], Form::List),
    ("redact", "redactions", &["redact", "redaction"], Form::List),
    ("rules", "rules", &["rule"], Form::List),
    ("selector", "selectors", &["selector"], Form::Map),
    ("use", "use", &["uses"], Form::List),
    ("var", "vars", &["var"], Form::Map),
];

/// The block at hand: what may stand in it.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Owner {
    /// Its keyword; empty for the file.
    pub keyword: &'static str,
    members: &'static [Definition],
    /// Statements of agents may stand in the file as well.
    more: &'static [Definition],
    /// Whether further keys are for somebody else to know.
    pub open: bool,
}

impl Owner {
    /// The file itself.
    pub const FILE: Self = Self { keyword: "", members: FILE, more: AGENT, open: false };

    /// A block that the language does not have.
    pub const UNKNOWN: Self = Self { keyword: "", members: &[], more: &[], open: true };

    /// A block, by its definition.
    pub fn of(definition: &'static Definition) -> Self {
        match definition.shape {
            Shape::Block { members, open, .. } => {
                Self { keyword: definition.keyword, members, more: &[], open }
            }
            _ => Self { keyword: definition.keyword, members: &[], more: &[], open: true },
        }
    }

    /// What is defined in it, each keyword once.
    pub fn definitions(self) -> impl Iterator<Item = &'static Definition> + Clone {
        let more =
            self.more.iter().filter(move |more| definitions::find(self.members, more.keyword).is_none());
        self.members.iter().chain(more)
    }

    /// The definition of a keyword.
    pub fn find(self, keyword: &str) -> Option<&'static Definition> {
        self.definitions().find(|definition| definition.keyword == keyword)
    }

    /// The definition that a key means.
    pub fn find_key(self, key: &str) -> Option<&'static Definition> {
        if let Some(definition) = self.find(key) {
            return Some(definition);
        }
        let (keyword, ..) =
            NAMES.iter().find(|(_, name, others, _)| *name == key || others.contains(&key))?;
        self.find(keyword)
    }

    /// Every key, as it is written.
    pub fn keys(self) -> impl Iterator<Item = &'static str> + Clone {
        self.definitions().map(|definition| key(definition.keyword))
    }
}

/// The key of a keyword.
pub(crate) fn key(keyword: &str) -> &str {
    NAMES.iter().find(|(name, ..)| *name == keyword).map_or(keyword, |&(_, key, ..)| key)
}

/// Further keys that are accepted for a keyword.
pub(crate) fn other_keys(keyword: &str) -> &'static [&'static str] {
    NAMES.iter().find(|(name, ..)| *name == keyword).map_or(&[], |&(_, _, others, _)| others)
}

/// How blocks of a keyword stand under their key.
pub(crate) fn form(keyword: &str) -> Form {
    NAMES.iter().find(|(name, ..)| *name == keyword).map_or(Form::List, |&(.., form)| form)
}

/// How a text is read as the value of a key.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Mode {
    /// As itself; `env("NAME")` is the variable.
    Text,
    /// The same, and nothing else is meant: reasons, patterns.
    Words,
    /// `$500`, `15m` and `10mb` as what they look like, other texts as themselves.
    Literal,
    /// The same, where a text in quotes means no other thing than one without.
    Measure,
    /// As FPL: `amount`, `args.amount`.
    Expression,
}

/// How texts under a key are read.
pub(crate) fn mode(kind: Kind) -> Mode {
    match kind {
        Kind::Duration | Kind::DurationOr(_) => Mode::Measure,
        Kind::Operand => Mode::Expression,
        Kind::Bool
        | Kind::Number
        | Kind::Whole
        | Kind::Share
        | Kind::Port
        | Kind::Money
        | Kind::Size
        | Kind::Any => Mode::Literal,
        _ => Mode::Text,
    }
}

/// How texts of a clause are read.
pub(crate) fn clause_mode(keyword: &str) -> Mode {
    if matches!(keyword, "reason" | "notify") { Mode::Words } else { Mode::Text }
}

/// Whether FPL takes a text as the name of a key, variable or block.
pub(crate) fn is_identifier(text: &str) -> bool {
    let mut bytes = text.bytes();
    bytes.next().is_some_and(|first| first.is_ascii_alphabetic() || first == b'_')
        && bytes.all(|byte| byte.is_ascii_alphanumeric() || b"_-".contains(&byte))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_name_is_of_a_construct_of_the_language() {
        for (keyword, ..) in NAMES {
            assert!(definitions::home(keyword).is_some(), "{keyword}");
        }
    }

    #[test]
    fn keys_are_found_by_all_of_their_names() {
        for (key, expected) in [
            ("rate_limits", Some("rate_limit")),
            ("rate_limit", Some("rate_limit")),
            ("redactions", Some("redact")),
            ("agents", Some("agent")),
            ("egress", Some("egress")),
            ("vars", Some("var")),
            ("budgts", None),
        ] {
            assert_eq!(Owner::FILE.find_key(key).map(|found| found.keyword), expected, "{key}");
        }
    }
}
