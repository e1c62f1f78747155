//! Automata over the bytes of one text: tables, tables behind `.lower` and `.domain`, sets of words,
//! the order of texts, and numbers of characters. All step byte by byte and know when nothing, or
//! everything, is accepted from where they are.

use std::rc::Rc;

use rustc_hash::FxHashMap;

use crate::lowercase;
use crate::table::{DEAD, FULL, LOST, Table};

/// Where an automaton stands; the three highest values are [`DEAD`], [`FULL`] and [`LOST`].
pub(crate) type State = u64;

pub(crate) const NOTHING: State = State::MAX;
pub(crate) const EVERYTHING: State = State::MAX - 1;
pub(crate) const UNKNOWN: State = State::MAX - 2;

/// An automaton.
#[derive(Debug)]
pub(crate) enum Automaton {
    /// The text itself.
    Table(Rc<Table>),
    /// The text in small letters.
    Lowered(Rc<Automaton>),
    /// The text with its ASCII letters small.
    Folded(Rc<Automaton>),
    /// `@` and the domain of an address in small letters. What it says of other texts means nothing.
    Domain(Rc<Automaton>),
    /// One of these words, or, when `open`, a text that begins with one.
    Words { nodes: Vec<Node>, used: Box<[bool; 256]>, open: bool },
    /// A text before this one, or this one itself when `or_equal`.
    Before { bound: Box<[u8]>, or_equal: bool },
    /// What one of the two accepts. Both must have small states: tables, words, or domains of words.
    Either(Rc<Automaton>, Rc<Automaton>),
    /// Whether a text of so many characters is accepted; the last entry is for all that are longer.
    Count(Vec<bool>),
}

/// A node of a tree of words.
#[derive(Debug, Default)]
pub(crate) struct Node {
    next: FxHashMap<u8, u32>,
    is_end: bool,
}

/// Where [`Automaton::Domain`] stands before the `@`.
const BEFORE_AT: State = 0;
/// Bits of a state of one of two automata.
const HALF_BITS: u32 = 31;
const HALF: State = (1 << HALF_BITS) - 1;
/// From here on, classes of single bytes.
const OWN: u64 = 1_024;
const PENDING_BITS: u32 = 24;

fn widened(state: u32) -> State {
    match state {
        DEAD => NOTHING,
        FULL => EVERYTHING,
        LOST => UNKNOWN,
        other => other.into(),
    }
}

fn index(state: State) -> usize {
    usize::try_from(state).unwrap_or(usize::MAX)
}

fn narrow(state: State) -> u32 {
    u32::try_from(state).unwrap_or(LOST)
}

impl Automaton {
    /// A set of words.
    pub fn words<'w>(words: impl Iterator<Item = &'w str>, open: bool) -> Self {
        let mut nodes = vec![Node::default()];
        let mut used = Box::new([false; 256]);
        for word in words {
            let mut at = 0;
            for byte in word.bytes() {
                if let Some(used) = used.get_mut(usize::from(byte)) {
                    *used = true;
                }
                let fresh = u32::try_from(nodes.len()).unwrap_or(u32::MAX);
                let Some(node) = nodes.get_mut(at) else { break };
                let next = *node.next.entry(byte).or_insert(fresh);
                if next == fresh {
                    nodes.push(Node::default());
                }
                at = usize::try_from(next).unwrap_or(usize::MAX);
            }
            if let Some(node) = nodes.get_mut(at) {
                node.is_end = true;
            }
        }
        Self::Words { nodes, used, open }
    }

    pub fn start(&self) -> State {
        match self {
            Self::Domain(_) => BEFORE_AT,
            Self::Lowered(inner) if inner.start() >= UNKNOWN => inner.start(),
            Self::Folded(inner) => inner.start(),
            Self::Either(one, other) => joined(one.start(), other.start()),
            Self::Words { nodes, open: true, .. } if nodes.first().is_some_and(|root| root.is_end) => {
                EVERYTHING
            }
            _ => 0,
        }
    }

    pub fn step(&self, state: State, byte: u8) -> State {
        if state >= UNKNOWN {
            return state;
        }
        match self {
            Self::Table(table) => widened(table.step(narrow(state), byte)),
            Self::Lowered(inner) => lowered(inner, state, byte),
            Self::Folded(inner) => inner.step(state, byte.to_ascii_lowercase()),
            Self::Domain(inner) => domain(inner, state, byte),
            Self::Either(one, other) => {
                let (left, right) = parted(state);
                joined(one.step(left, byte), other.step(right, byte))
            }
            Self::Words { nodes, open, .. } => {
                let Some(next) = nodes.get(index(state)).and_then(|node| node.next.get(&byte)) else {
                    return NOTHING;
                };
                let next = State::from(*next);
                let ends = *open && nodes.get(index(next)).is_some_and(|node| node.is_end);
                if ends { EVERYTHING } else { next }
            }
            Self::Before { bound, .. } => match bound.get(index(state)) {
                Some(expected) if byte == *expected => state + 1,
                Some(expected) if byte < *expected => EVERYTHING,
                _ => NOTHING,
            },
            Self::Count(accepted) => {
                // Bytes that continue a character do not begin one.
                let last = accepted.len().saturating_sub(1);
                if byte & 0xC0 == 0x80 || index(state) >= last { state } else { state + 1 }
            }
        }
    }

    pub fn is_accepting(&self, state: State) -> bool {
        if state >= UNKNOWN {
            return state == EVERYTHING;
        }
        match self {
            Self::Table(table) => table.is_accepting(narrow(state)),
            Self::Lowered(inner) => {
                state & ((1 << PENDING_BITS) - 1) == 0 && inner.is_accepting(state >> PENDING_BITS)
            }
            Self::Folded(inner) => inner.is_accepting(state),
            Self::Domain(inner) => state != BEFORE_AT && inner.is_accepting((state - 1) >> 1),
            Self::Either(one, other) => {
                let (left, right) = parted(state);
                one.is_accepting(left) || other.is_accepting(right)
            }
            Self::Words { nodes, .. } => nodes.get(index(state)).is_some_and(|node| node.is_end),
            Self::Before { bound, or_equal } => index(state) < bound.len() || *or_equal,
            Self::Count(accepted) => accepted.get(index(state)) == Some(&true),
        }
    }

    /// Bytes of one class do the same everywhere.
    pub fn class(&self, byte: u8) -> u64 {
        match self {
            Self::Table(table) => table.class(byte).into(),
            // The bytes of a character beyond ASCII count together, so each is by itself.
            Self::Lowered(_) if byte >= 0x80 => OWN + u64::from(byte),
            Self::Domain(_) if byte == b'@' || byte == b'.' => OWN + u64::from(byte),
            Self::Lowered(inner) | Self::Folded(inner) | Self::Domain(inner) => {
                inner.class(byte.to_ascii_lowercase())
            }
            Self::Either(one, other) => one.class(byte) << 32 | other.class(byte),
            Self::Words { used, .. } => {
                if used.get(usize::from(byte)) == Some(&true) {
                    1 + u64::from(byte)
                } else {
                    0
                }
            }
            Self::Before { bound, .. } => {
                // The position among the bytes of the bound says how it compares with each of them.
                let below = bound.iter().filter(|other| **other < byte).count();
                let equal = bound.contains(&byte);
                u64::try_from(below * 2 + usize::from(equal)).unwrap_or(u64::MAX)
            }
            Self::Count(_) => (byte & 0xC0 == 0x80).into(),
        }
    }

    /// Whether a whole text is accepted; `None` when that cannot be told.
    pub fn accepts(&self, text: &str) -> Option<bool> {
        let end = text.bytes().fold(self.start(), |state, byte| self.step(state, byte));
        (end != UNKNOWN).then(|| self.is_accepting(end))
    }
}

/// The state inside, and up to three bytes of a character that is not complete.
fn lowered(inner: &Automaton, state: State, byte: u8) -> State {
    let pending = state & ((1 << PENDING_BITS) - 1);
    let at = state >> PENDING_BITS;
    let packed = |state: State, pending: u64| {
        if state >= UNKNOWN { state } else { state << PENDING_BITS | pending }
    };
    let through = |bytes: &mut dyn Iterator<Item = u8>| bytes.fold(at, |at, byte| inner.step(at, byte));
    if byte < 0x80 {
        // After an incomplete character no text is valid, whatever is answered here.
        return packed(inner.step(at, byte.to_ascii_lowercase()), 0);
    }
    let so_far = pending << 8 | u64::from(byte);
    match lowercase::lookup(so_far) {
        lowercase::Found::Part => packed(at, so_far),
        lowercase::Found::Itself => packed(through(&mut lowercase::bytes(so_far)), 0),
        lowercase::Found::Becomes(text) => packed(through(&mut text.bytes()), 0),
        lowercase::Found::Sigma => {
            let (inside, last) = (through(&mut "σ".bytes()), through(&mut "ς".bytes()));
            packed(if inside == last { inside } else { UNKNOWN }, 0)
        }
    }
}

/// The state inside, and whether a dot was read that counts only when something follows it.
fn domain(inner: &Automaton, state: State, byte: u8) -> State {
    let packed = |state: State, dot: bool| {
        if state >= UNKNOWN { state } else { (state << 1 | State::from(dot)) + 1 }
    };
    if state == BEFORE_AT {
        return if byte == b'@' { packed(inner.step(inner.start(), b'@'), false) } else { state };
    }
    let (at, dot) = ((state - 1) >> 1, (state - 1) & 1 == 1);
    let at = if dot { inner.step(at, b'.') } else { at };
    if byte == b'.' { packed(at, true) } else { packed(inner.step(at, byte.to_ascii_lowercase()), false) }
}

/// Two states as one.
fn joined(one: State, other: State) -> State {
    match (one, other) {
        (EVERYTHING, _) | (_, EVERYTHING) => EVERYTHING,
        (UNKNOWN, _) | (_, UNKNOWN) => UNKNOWN,
        (NOTHING, NOTHING) => NOTHING,
        _ => {
            let half = |state: State| if state == NOTHING { HALF } else { state.min(HALF - 1) };
            half(one) << HALF_BITS | half(other)
        }
    }
}

fn parted(state: State) -> (State, State) {
    let whole = |half: State| if half == HALF { NOTHING } else { half };
    (whole(state >> HALF_BITS & HALF), whole(state & HALF))
}
