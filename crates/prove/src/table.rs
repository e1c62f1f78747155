//! Regular expressions as tables of states over bytes, each built once. A table says of a whole text
//! whether the expression matches somewhere in it.

use std::cell::{Cell, RefCell};
use std::rc::Rc;

use regex_automata::dfa::{Automaton, StartKind, dense};
use regex_automata::util::primitives::StateID;
use regex_automata::util::syntax;
use regex_automata::{Input, MatchKind, nfa::thompson};
use rustc_hash::FxHashMap;

/// No text from here on is accepted.
pub(crate) const DEAD: u32 = u32::MAX;
/// Every text from here on is accepted.
pub(crate) const FULL: u32 = u32::MAX - 1;
/// What happens from here on is not known.
pub(crate) const LOST: u32 = u32::MAX - 2;

/// Most bytes of an automaton while it is made.
const MAX_BYTES: usize = 1 << 20;
/// Most states of a table.
const MAX_STATES: usize = 8_000;

/// A deterministic automaton over bytes.
#[derive(Debug)]
pub(crate) struct Table {
    classes: Box<[u8; 256]>,
    class_count: usize,
    /// One row of `class_count` states for each state.
    next: Vec<u32>,
    accepting: Vec<bool>,
}

impl Table {
    pub const START: u32 = 0;

    pub fn class(&self, byte: u8) -> u8 {
        self.classes.get(usize::from(byte)).copied().unwrap_or_default()
    }

    pub fn step(&self, state: u32, byte: u8) -> u32 {
        if state >= LOST {
            return state;
        }
        let row = usize::try_from(state).unwrap_or(usize::MAX).saturating_mul(self.class_count);
        self.next.get(row.saturating_add(usize::from(self.class(byte)))).copied().unwrap_or(LOST)
    }

    pub fn is_accepting(&self, state: u32) -> bool {
        state == FULL || usize::try_from(state).ok().and_then(|at| self.accepting.get(at)) == Some(&true)
    }

    /// Whether a whole text is accepted; `None` when that cannot be told.
    pub fn accepts(&self, text: &[u8]) -> Option<bool> {
        let end = text.iter().fold(Self::START, |state, byte| self.step(state, *byte));
        (end != LOST).then(|| self.is_accepting(end))
    }
}

/// Tables by their expression and whether it is about characters; `None` for one that is too large.
type Made = FxHashMap<(String, bool), Option<Rc<Table>>>;

/// Every table that a search has needed.
#[derive(Debug)]
pub(crate) struct Tables {
    /// How many more are made.
    left: Cell<u32>,
    made: RefCell<Made>,
}

impl Default for Tables {
    fn default() -> Self {
        Self::new(u32::MAX)
    }
}

impl Tables {
    /// No tables, and at most so many.
    pub fn new(most: u32) -> Self {
        Self { left: Cell::new(most), made: RefCell::default() }
    }

    /// Whether no more are made.
    pub fn is_exhausted(&self) -> bool {
        self.left.get() == 0
    }

    /// The table of an expression of a policy; `None` when it is too large.
    pub fn regex(&self, regex: &str) -> Option<Rc<Table>> {
        self.get(regex, true)
    }

    /// The table of an expression over single bytes.
    pub fn bytes(&self, regex: &str) -> Option<Rc<Table>> {
        self.get(regex, false)
    }

    fn get(&self, regex: &str, unicode: bool) -> Option<Rc<Table>> {
        let key = (regex.to_owned(), unicode);
        if let Some(made) = self.made.borrow().get(&key) {
            return made.clone();
        }
        let left = self.left.get().checked_sub(1)?;
        self.left.set(left);
        let table = build(regex, unicode).map(Rc::new);
        self.made.borrow_mut().insert(key, table.clone());
        table
    }
}

fn build(regex: &str, unicode: bool) -> Option<Table> {
    let config = dense::Config::new()
        .match_kind(MatchKind::All)
        .start_kind(StartKind::Unanchored)
        // A word boundary is then known between ASCII characters, and lost at any other.
        .unicode_word_boundary(true)
        .dfa_size_limit(Some(MAX_BYTES))
        .determinize_size_limit(Some(MAX_BYTES));
    let automaton = dense::Builder::new()
        .configure(config)
        .syntax(syntax::Config::new().unicode(unicode).utf8(unicode))
        .thompson(thompson::Config::new().utf8(unicode).nfa_size_limit(Some(MAX_BYTES)))
        .build(regex)
        .ok()?;
    tabulate(&automaton)
}

/// Walks the automaton from its start. A match is final: the rest of the text makes no difference.
fn tabulate(automaton: &dense::DFA<Vec<u32>>) -> Option<Table> {
    let mut classes = Box::new([0_u8; 256]);
    for (byte, class) in (0..=u8::MAX).zip(classes.iter_mut()) {
        *class = automaton.byte_classes().get(byte);
    }
    let samples: Vec<u8> =
        automaton.byte_classes().representatives(0..=u8::MAX).filter_map(|unit| unit.as_u8()).collect();
    let start = automaton.start_state_forward(&Input::new("")).ok()?;
    let mut numbers: FxHashMap<StateID, u32> = FxHashMap::default();
    let mut waiting = vec![start];
    numbers.insert(start, Table::START);
    let (mut next, mut accepting) = (Vec::new(), Vec::new());
    let mut at = 0;
    while let Some(state) = waiting.get(at).copied() {
        at += 1;
        accepting.push(automaton.is_match_state(automaton.next_eoi_state(state)));
        for sample in &samples {
            let to = automaton.next_state(state, *sample);
            next.push(if automaton.is_match_state(to) {
                FULL
            } else if automaton.is_dead_state(to) {
                DEAD
            } else if automaton.is_quit_state(to) {
                LOST
            } else {
                let fresh = u32::try_from(waiting.len()).ok()?;
                let number = *numbers.entry(to).or_insert(fresh);
                if number == fresh {
                    waiting.push(to);
                }
                number
            });
        }
        if waiting.len() > MAX_STATES {
            return None;
        }
    }
    let table = Table { classes, class_count: samples.len(), next, accepting };
    Some(settled(table))
}

/// The table with states from which nothing, or everything, is accepted as such.
fn settled(mut table: Table) -> Table {
    for (sink, wanted) in [(DEAD, true), (FULL, false)] {
        let lives = reaching(&table, wanted);
        let is_sink =
            |to: u32| to < LOST && usize::try_from(to).ok().and_then(|at| lives.get(at)) == Some(&false);
        for to in &mut table.next {
            if is_sink(*to) {
                *to = sink;
            }
        }
    }
    table
}

/// For each state, whether a state whose acceptance is `wanted` can be reached from it, or one that is lost.
fn reaching(table: &Table, wanted: bool) -> Vec<bool> {
    let mut before: Vec<Vec<usize>> = vec![Vec::new(); table.accepting.len()];
    let mut found: Vec<bool> = table.accepting.iter().map(|accepts| *accepts == wanted).collect();
    for (state, row) in table.next.chunks(table.class_count.max(1)).enumerate() {
        for to in row {
            let ends = *to == LOST || *to == if wanted { FULL } else { DEAD };
            if ends && let Some(found) = found.get_mut(state) {
                *found = true;
            } else if let Some(list) = usize::try_from(*to).ok().and_then(|to| before.get_mut(to)) {
                list.push(state);
            }
        }
    }
    let mut waiting: Vec<usize> = (0..found.len()).filter(|state| found.get(*state) == Some(&true)).collect();
    while let Some(state) = waiting.pop() {
        for earlier in before.get(state).into_iter().flatten() {
            if let Some(found) = found.get_mut(*earlier)
                && !*found
            {
                *found = true;
                waiting.push(*earlier);
            }
        }
    }
    found
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_table_says_what_the_expression_says() {
        let regexes = [
            "^a.c$",
            "b",
            r"\.example\.com$",
            "(?i)admin",
            "^$",
            "",
            r"^\w+@corp\.example$",
            "a|b|^cd",
            "^é+$",
            "(?s)^.{2,3}$",
            "[^a]",
            "^(?:ab)*$",
            r"^\d{3}-\d{4}$",
        ];
        let texts = [
            "",
            "a",
            "abc",
            "a\nc",
            "b",
            "x.example.com",
            "ADMIN",
            "é",
            "éé",
            "ab",
            "abab",
            "555-1234",
            "w@corp.example",
            "cd",
            "xcd",
            "日本",
        ];
        let tables = Tables::default();
        for regex in regexes {
            let compiled = faramesh_program::pattern::Pattern::new(regex).unwrap();
            let table = tables.regex(regex).unwrap();
            for text in texts {
                assert_eq!(table.accepts(text.as_bytes()), Some(compiled.is_match(text)), "{regex} {text:?}");
            }
        }
    }

    #[test]
    fn word_boundaries_are_lost_beyond_ascii() {
        let tables = Tables::default();
        let table = tables.regex(r"\brm\b").unwrap();
        assert_eq!(table.accepts(b"rm -rf"), Some(true));
        assert_eq!(table.accepts(b"farm"), Some(false));
        assert_eq!(table.accepts("é".as_bytes()), None);
    }

    #[test]
    fn what_is_too_large_has_no_table() {
        assert!(Tables::default().regex(r"(?:a|b)*a(?:a|b){18}$").is_none());
    }
}
