//! A text that is in some languages and not in others: their automata are walked together, breadth first,
//! so the first text found is a shortest one, and letters and digits are tried first.

use std::cell::{Cell, OnceCell};
use std::rc::Rc;

use rustc_hash::{FxHashMap, FxHashSet};

use crate::automaton::{Automaton, EVERYTHING, NOTHING, State, UNKNOWN};
use crate::table::{Table, Tables};

/// Texts that all of the automata accept, or, when not `holds`, texts that one of them does not accept.
#[derive(Debug, Clone)]
pub(crate) struct Literal {
    pub automata: Vec<Rc<Automaton>>,
    pub holds: bool,
}

impl Literal {
    pub fn one(automaton: Rc<Automaton>, holds: bool) -> Self {
        Self { automata: vec![automaton], holds }
    }

    /// Whether a text is one of them; `None` when that cannot be told.
    fn admits(&self, text: &str) -> Option<bool> {
        let mut all = true;
        for automaton in &self.automata {
            all &= automaton.accepts(text)?;
        }
        Some(all == self.holds)
    }
}

/// What a search for a text found.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Found {
    Text(String),
    /// There is none.
    Nothing,
    /// The search ended before it was done.
    Unknown(&'static str),
}

/// Searches for texts, within a number of steps for all of them together.
#[derive(Debug)]
pub(crate) struct Strings {
    steps_left: Cell<u64>,
    states: usize,
    utf8: Option<Rc<Automaton>>,
    tool_shape: OnceCell<Option<Rc<Automaton>>>,
}

/// Valid UTF-8, over bytes.
const UTF8: &str = r"(?s-u)\A(?:[\x00-\x7F]|[\xC2-\xDF][\x80-\xBF]|\xE0[\xA0-\xBF][\x80-\xBF]|[\xE1-\xEC\xEE\xEF][\x80-\xBF]{2}|\xED[\x80-\x9F][\x80-\xBF]|\xF0[\x90-\xBF][\x80-\xBF]{2}|[\xF1-\xF3][\x80-\xBF]{3}|\xF4[\x80-\x8F][\x80-\xBF]{2})*\z";
/// Names of tools as people give them.
const TOOL_SHAPE: &str = r"(?-u)\A[A-Za-z0-9_.-]+(?:/[A-Za-z0-9_.-]+)*\z";
/// Texts that people know, tried before any other.
const USUAL: [&str; 3] = ["example", "a", "1"];

pub(crate) const TOO_LONG: &str = "its texts are too many to be searched";
pub(crate) const LOST_BOUNDARY: &str =
    "a regular expression with `\\b`, or a capital sigma, is open beyond ASCII";

impl Strings {
    pub fn new(tables: &Tables, steps: u64, states: usize) -> Self {
        Self {
            steps_left: Cell::new(steps),
            states,
            utf8: tables.bytes(UTF8).map(|table| Rc::new(Automaton::Table(table))),
            tool_shape: OnceCell::new(),
        }
    }

    pub fn tool_shape(&self) -> Option<&Rc<Automaton>> {
        let made = self.tool_shape.get_or_init(|| {
            Tables::default().bytes(TOOL_SHAPE).map(|table: Rc<Table>| Rc::new(Automaton::Table(table)))
        });
        made.as_ref()
    }

    /// A text that every literal admits; one of `usual` if possible.
    pub fn find(&self, literals: &[Literal], usual: &[&str]) -> Found {
        let admitted = |text: &&&str| literals.iter().all(|literal| literal.admits(text) == Some(true));
        if let Some(text) = usual.iter().chain(&USUAL).find(admitted) {
            return Found::Text((*text).to_owned());
        }
        let Some(utf8) = &self.utf8 else { return Found::Unknown(TOO_LONG) };
        let mut walk = Walk::new(literals, utf8, self);
        let found = walk.run();
        // The empty text is the last that anybody would think of.
        if found == Found::Nothing && admitted(&&"") {
            return Found::Text(String::new());
        }
        found
    }
}

/// One walk over the product of the automata.
struct Walk<'s> {
    automata: Vec<Rc<Automaton>>,
    /// For each literal, its automata by number, and whether all of them must accept.
    literals: Vec<(Vec<usize>, bool)>,
    bytes: Vec<u8>,
    /// States that were reached, each with the one before it and the byte that led to it.
    reached: Vec<(Box<[State]>, usize, u8)>,
    seen: FxHashSet<Box<[State]>>,
    is_lost: bool,
    strings: &'s Strings,
}

impl<'s> Walk<'s> {
    fn new(literals: &[Literal], utf8: &Rc<Automaton>, strings: &'s Strings) -> Self {
        let mut automata: Vec<Rc<Automaton>> = Vec::new();
        let mut numbered = Vec::with_capacity(literals.len() + 1);
        let valid = Literal::one(Rc::clone(utf8), true);
        for literal in literals.iter().chain(std::iter::once(&valid)) {
            let numbers = literal.automata.iter().map(|automaton| {
                let known = automata.iter().position(|other| Rc::ptr_eq(other, automaton));
                known.unwrap_or_else(|| {
                    automata.push(Rc::clone(automaton));
                    automata.len() - 1
                })
            });
            numbered.push((numbers.collect(), literal.holds));
        }
        let bytes = representatives(&automata);
        Self {
            automata,
            literals: numbered,
            bytes,
            reached: Vec::new(),
            seen: FxHashSet::default(),
            is_lost: false,
            strings,
        }
    }

    fn run(&mut self) -> Found {
        let start: Box<[State]> = self.automata.iter().map(|automaton| automaton.start()).collect();
        if !self.may_end(&start) {
            return Found::Nothing;
        }
        self.seen.insert(start.clone());
        self.reached.push((start, usize::MAX, 0));
        let mut at = 0;
        while let Some((state, ..)) = self.reached.get(at) {
            let state = state.clone();
            let cost = u64::try_from(self.bytes.len() * self.automata.len()).unwrap_or(u64::MAX);
            let Some(left) = self.strings.steps_left.get().checked_sub(cost) else {
                return Found::Unknown(TOO_LONG);
            };
            self.strings.steps_left.set(left);
            for index in 0..self.bytes.len() {
                let Some(byte) = self.bytes.get(index).copied() else { break };
                let next: Box<[State]> = self
                    .automata
                    .iter()
                    .zip(&state)
                    .map(|(automaton, state)| automaton.step(*state, byte))
                    .collect();
                if next.contains(&UNKNOWN) {
                    self.is_lost = true;
                    continue;
                }
                if !self.may_end(&next) || !self.seen.insert(next.clone()) {
                    continue;
                }
                let ends = self.ends(&next);
                self.reached.push((next, at, byte));
                if ends {
                    return self.text();
                }
            }
            if self.reached.len() > self.strings.states {
                return Found::Unknown(TOO_LONG);
            }
            at += 1;
        }
        if self.is_lost { Found::Unknown(LOST_BOUNDARY) } else { Found::Nothing }
    }

    /// Whether a text that goes on from here may be admitted by every literal.
    fn may_end(&self, state: &[State]) -> bool {
        self.literals.iter().all(|(numbers, holds)| {
            let at = |number: &usize| state.get(*number).copied().unwrap_or(NOTHING);
            if *holds {
                numbers.iter().all(|number| at(number) != NOTHING)
            } else {
                !numbers.iter().all(|number| at(number) == EVERYTHING)
            }
        })
    }

    fn ends(&self, state: &[State]) -> bool {
        let accepts = |number: &usize| {
            let automaton = self.automata.get(*number);
            automaton.is_some_and(|automaton| {
                automaton.is_accepting(state.get(*number).copied().unwrap_or(NOTHING))
            })
        };
        self.literals.iter().all(|(numbers, holds)| numbers.iter().all(accepts) == *holds)
    }

    /// The text that leads to the last state reached.
    fn text(&self) -> Found {
        let mut bytes = Vec::new();
        let mut at = self.reached.len().saturating_sub(1);
        while let Some((_, before, byte)) = self.reached.get(at)
            && *before != usize::MAX
        {
            bytes.push(*byte);
            at = *before;
        }
        bytes.reverse();
        String::from_utf8(bytes).map_or(Found::Unknown(TOO_LONG), Found::Text)
    }
}

/// One byte of every class, the most readable one, the most readable classes first.
fn representatives(automata: &[Rc<Automaton>]) -> Vec<u8> {
    let letters = (b'a'..=b'z').chain(b'0'..=b'9').chain(b'A'..=b'Z');
    let others = b"-_./@ ".iter().copied().chain(b'!'..=b'~').chain(0x80..=u8::MAX).chain(0..=u8::MAX);
    let mut seen: FxHashMap<Vec<u64>, ()> = FxHashMap::default();
    let mut taken = [false; 256];
    let mut bytes = Vec::new();
    for byte in letters.chain(others) {
        let Some(taken) = taken.get_mut(usize::from(byte)).filter(|taken| !**taken) else { continue };
        *taken = true;
        let class: Vec<u64> = automata.iter().map(|automaton| automaton.class(byte)).collect();
        if seen.insert(class, ()).is_none() {
            bytes.push(byte);
        }
    }
    bytes
}

#[cfg(test)]
mod tests {
    use super::*;

    fn find(positive: &[&str], negative: &[&str]) -> Found {
        let tables = Tables::default();
        let literal = |regex: &&str, holds| {
            Literal::one(Rc::new(Automaton::Table(tables.regex(regex).unwrap())), holds)
        };
        let literals: Vec<Literal> = positive
            .iter()
            .map(|regex| literal(regex, true))
            .chain(negative.iter().map(|regex| literal(regex, false)))
            .collect();
        Strings::new(&tables, 10_000_000, 20_000).find(&literals, &[])
    }

    #[test]
    fn texts_are_found_or_proved_absent() {
        for (positive, negative, expected) in [
            (&["^ab"][..], &["^a"][..], None),
            (&["^a"], &["^ab"], Some("a")),
            (&["^[a-z]+@corp\\.example$"], &[], Some("a@corp.example")),
            (&["x", "y", "z"], &[], Some("xyz")),
            (&["^.$", "[^a-zA-Z0-9]"], &["[[:ascii:]]", "^[é-ü]$"], Some("\u{80}")),
            (&["^(?:aa)+$", "^(?:aaa)+$"], &[], Some("aaaaaa")),
            (&["^\\d{3}$"], &["^[0-8]"], Some("900")),
            (&[], &["(?s)."], Some("")),
            (&["(?i)^k$"], &["^[kK]$"], Some("\u{212A}")),
            (&["^/srv/", "^/etc/"], &[], None),
        ] {
            let expected = expected.map_or(Found::Nothing, |text| Found::Text(text.to_owned()));
            assert_eq!(find(positive, negative), expected, "{positive:?} {negative:?}");
        }
    }

    #[test]
    fn what_is_open_beyond_ascii_is_said() {
        assert_eq!(find(&[r"^\brm\b"], &[]), Found::Text("rm".to_owned()));
        assert_eq!(find(&[r"^rm\b[^[:ascii:]]$"], &[]), Found::Unknown(LOST_BOUNDARY));
    }
}
