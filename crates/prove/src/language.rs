//! What a question comes to for a text, as languages: the texts that it can be asked of, and among them
//! those for which the answer is yes.

use std::cell::RefCell;
use std::rc::Rc;

use faramesh_call::Value;
use regex_syntax::escape;
use rustc_hash::FxHashMap;

use crate::address;
use crate::atom::{Method, Plain, Question, Test};
use crate::automaton::Automaton;
use crate::folders;
use crate::outcomes::{FALSE, MISFIT, Outcomes, TRUE};
use crate::table::Tables;

/// Most words of a set.
const MAX_WORDS: usize = 10_000;
/// Longest number of characters that is counted.
const MAX_COUNT: usize = 2_000;

/// What a question comes to for texts.
#[derive(Debug, Clone)]
pub(crate) enum Language {
    /// The same for every text.
    Always(Outcomes),
    /// A misfit unless all of `valid` accept; then what `matched` says.
    Texts { valid: Vec<Rc<Automaton>>, matched: Rc<Automaton> },
    /// Too large to be told.
    TooLarge,
}

/// Every language that a search has needed.
#[derive(Debug)]
pub(crate) struct Languages {
    pub tables: Tables,
    made: RefCell<FxHashMap<Question, Language>>,
    patterns: RefCell<FxHashMap<String, Option<Rc<Automaton>>>>,
}

/// Regular expressions, or sets of words, that say what is valid and what matches.
enum Told {
    Always(Outcomes),
    Words {
        words: Vec<String>,
        open: bool,
    },
    Regex(String),
    /// A misfit for a text with a NUL.
    Within(String),
    /// Addresses at domains, `@` and a domain itself, and words.
    Addresses {
        domains: Vec<String>,
        words: Vec<String>,
    },
    Before {
        bound: String,
        or_equal: bool,
    },
    TooLarge,
}

impl Languages {
    /// None yet, with at most so many tables.
    pub fn new(tables: u32) -> Self {
        Self { tables: Tables::new(tables), made: RefCell::default(), patterns: RefCell::default() }
    }

    pub fn of(&self, question: &Question) -> Language {
        if let Some(made) = self.made.borrow().get(question) {
            return made.clone();
        }
        let made = self.make(question).unwrap_or(Language::TooLarge);
        self.made.borrow_mut().insert(question.clone(), made.clone());
        made
    }

    fn make(&self, question: &Question) -> Option<Language> {
        if question.test == Test::Present {
            return Some(Language::Always(TRUE));
        }
        if question.method == Method::Length {
            return counted(question);
        }
        let through = |automaton: Automaton| {
            let inner = Rc::new(automaton);
            match question.method {
                Method::Lower => Rc::new(Automaton::Lowered(inner)),
                Method::Domain => Rc::new(Automaton::Domain(inner)),
                _ => inner,
            }
        };
        let regex = |regex: &str| Some(through(Automaton::Table(self.tables.regex(regex)?)));
        let has_domain = question.method == Method::Domain;
        let mut valid = Vec::new();
        if has_domain {
            valid.push(Rc::new(Automaton::Table(self.tables.regex(&address::plain())?)));
        }
        let matched = match told(&question.test) {
            Told::TooLarge => return None,
            // A method that not every text has is a misfit on the others.
            Told::Always(outcome) if !has_domain || outcome == MISFIT => {
                return Some(Language::Always(outcome));
            }
            Told::Always(outcome) => regex(if outcome == TRUE { "" } else { r"[^\s\S]" })?,
            Told::Words { words, open } => through(Automaton::words(words.iter().map(String::as_str), open)),
            Told::Before { bound, or_equal } => {
                through(Automaton::Before { bound: bound.into_bytes().into(), or_equal })
            }
            // Two automata side by side behind a third have more states than one number tells apart.
            Told::Addresses { .. } if question.method == Method::Lower => return None,
            Told::Addresses { domains, words } => {
                let domains = domains.iter().map(String::as_str);
                let bare = Rc::new(Automaton::words(domains.clone(), false));
                let bare = Rc::new(Automaton::Folded(bare));
                let sound = Rc::new(Automaton::Table(self.tables.regex(&address::comparable())?));
                valid.push(through(Automaton::Either(sound, bare)));
                // The final dot of a domain counts for nothing.
                let plain = domains.map(|domain| domain.strip_suffix('.').unwrap_or(domain));
                let at = Rc::new(Automaton::Domain(Rc::new(Automaton::words(plain, false))));
                let words = Rc::new(Automaton::words(words.iter().map(String::as_str), false));
                through(Automaton::Either(at, words))
            }
            Told::Within(matched) => {
                valid.push(regex(r"\A[^\x00]*\z")?);
                regex(&matched)?
            }
            Told::Regex(matched) => regex(&matched)?,
        };
        Some(Language::Texts { valid, matched })
    }

    /// The normalised paths.
    pub fn normalised(&self) -> Option<Rc<Automaton>> {
        self.tables.regex(folders::NORMALISED).map(|table| Rc::new(Automaton::Table(table)))
    }

    /// The tools that a pattern matches.
    pub fn tools(&self, pattern: &str) -> Option<Rc<Automaton>> {
        if let Some(made) = self.patterns.borrow().get(pattern) {
            return made.clone();
        }
        let made = if pattern.contains('*') {
            self.tables.bytes(&crate::tools::regex(pattern)).map(|table| Rc::new(Automaton::Table(table)))
        } else {
            Some(Rc::new(Automaton::words(std::iter::once(pattern), false)))
        };
        self.patterns.borrow_mut().insert(pattern.to_owned(), made.clone());
        made
    }
}

fn told(test: &Test) -> Told {
    let word = |word: &str, open: bool| Told::Words { words: vec![word.to_owned()], open };
    let regex = Told::Regex;
    match test {
        Test::Equal(constant) if constant.is_domain() => among(std::slice::from_ref(constant)),
        Test::Equal(Plain::Text(text)) => word(text, false),
        Test::Equal(Plain::Null) => Told::Always(FALSE),
        Test::Less(Plain::Text(text)) => Told::Before { bound: text.to_string(), or_equal: false },
        Test::LessEqual(Plain::Text(text)) => Told::Before { bound: text.to_string(), or_equal: true },
        Test::Among(constants) => among(constants),
        Test::Contains(Plain::Text(part)) => regex(escape(part)),
        Test::Matches(pattern) => regex(pattern.clone()),
        Test::StartsWith(affix) => word(affix, true),
        Test::EndsWith(affix) => regex(format!(r"{}\z", escape(affix))),
        Test::Within(folder) if folder.contains('\0') => Told::Always(MISFIT),
        Test::Within(folder) => Told::Within(folders::within(folder)),
        _ => Told::Always(MISFIT),
    }
}

fn among(constants: &[Plain]) -> Told {
    let texts = constants.iter().filter_map(|constant| match constant {
        Plain::Text(text) => Some(&**text),
        _ => None,
    });
    let (domains, words): (Vec<&str>, Vec<&str>) = texts.partition(|text| text.starts_with('@'));
    if domains.is_empty() {
        return match (words.is_empty(), constants.is_empty()) {
            (true, true) => Told::Always(FALSE),
            (true, false) if constants.contains(&Plain::Null) => Told::Always(FALSE),
            (true, false) => Told::Always(MISFIT),
            _ if words.len() > MAX_WORDS => Told::TooLarge,
            _ => Told::Words { words: words.into_iter().map(str::to_owned).collect(), open: false },
        };
    }
    if domains.len() + words.len() > MAX_WORDS {
        return Told::TooLarge;
    }
    let domains = domains.into_iter().map(str::to_ascii_lowercase).collect();
    Told::Addresses { domains, words: words.into_iter().map(str::to_owned).collect() }
}

/// A question about the number of characters.
fn counted(question: &Question) -> Option<Language> {
    let bounds = crate::numbers::constants(&question.test);
    let highest = bounds.iter().filter_map(|bound| bound.to_i64_floor()).max().unwrap_or(0);
    let highest = usize::try_from(highest.max(0)).ok().filter(|highest| *highest <= MAX_COUNT)?;
    let outcomes: Vec<Outcomes> =
        (0..=highest + 2).filter_map(|count| question.of_number(&Value::from(count))).collect();
    let first = outcomes.first().copied()?;
    if outcomes.iter().all(|outcome| *outcome == first) {
        return Some(Language::Always(first));
    }
    let accepted = outcomes.into_iter().map(|outcome| outcome == TRUE).collect();
    Some(Language::Texts { valid: Vec::new(), matched: Rc::new(Automaton::Count(accepted)) })
}
