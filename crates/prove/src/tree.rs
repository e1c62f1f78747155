//! The places that a search asks about, as trees: what stands at one decides what can stand below it.

use faramesh_call::Value;
use faramesh_program::image::Step;
use rustc_hash::FxHashMap;

use crate::atom::Reading;
use crate::domain;
use crate::place::{Base, Slot};

/// One place.
#[derive(Debug)]
pub(crate) struct Node {
    pub base: Base,
    /// The last step to it; `None` where a tree starts.
    pub step: Option<Step>,
    pub children: Vec<usize>,
    /// Atoms that ask about it.
    pub atoms: Vec<usize>,
}

/// The places of one search.
#[derive(Debug, Default)]
pub(crate) struct Tree {
    pub nodes: Vec<Node>,
    numbers: FxHashMap<Slot, usize>,
}

impl Tree {
    /// The number of a place; places above it are made as well.
    pub fn add(&mut self, slot: &Slot) -> usize {
        if let Some(number) = self.numbers.get(slot) {
            return *number;
        }
        let parent = slot
            .steps
            .split_last()
            .map(|(_, above)| self.add(&Slot { base: slot.base, steps: above.to_vec() }));
        let number = self.nodes.len();
        let step = slot.steps.last().cloned();
        self.nodes.push(Node { base: slot.base, step, children: Vec::new(), atoms: Vec::new() });
        self.numbers.insert(slot.clone(), number);
        if let Some(parent) = parent.and_then(|parent| self.nodes.get_mut(parent)) {
            parent.children.push(number);
        }
        number
    }

    pub fn root(&self, base: Base) -> Option<usize> {
        self.numbers.get(&Slot { base, steps: Vec::new() }).copied()
    }
}

/// Values for the starts of trees, as far as a search has chosen them.
#[derive(Debug, Clone, Default)]
pub(crate) struct Model {
    starts: Vec<(Base, Reading)>,
    /// Places of [`Base::Twice`] that are written twice and differ.
    pub differing: Vec<Vec<Step>>,
}

impl Model {
    pub fn set(&mut self, base: Base, reading: Reading) {
        match self.starts.iter_mut().find(|(other, _)| *other == base) {
            Some((_, old)) => *old = reading,
            None => self.starts.push((base, reading)),
        }
    }

    pub fn start(&self, base: Base) -> Reading {
        match self.starts.iter().find(|(other, _)| *other == base) {
            Some((_, reading)) => reading.clone(),
            None => domain::usual(base).map_or(Reading::Absent, Reading::Value),
        }
    }

    /// What stands at a place.
    pub fn read(&self, slot: &Slot) -> Reading {
        if slot.base == Base::Twice && self.differing.iter().any(|steps| slot.steps.starts_with(steps)) {
            return Reading::Broken;
        }
        let start = match self.starts.iter().find(|(other, _)| *other == slot.base) {
            Some((_, Reading::Value(value))) => return follow(value, slot),
            Some((_, other)) => return other.clone(),
            None => domain::usual(slot.base),
        };
        start.map_or(Reading::Absent, |value| follow(&value, slot))
    }
}

fn follow(start: &Value, slot: &Slot) -> Reading {
    let mut at = start;
    if slot.base == Base::Args && !slot.steps.is_empty() && at.as_object().is_none() {
        return Reading::Rootless;
    }
    for step in &slot.steps {
        let next = match (step, at) {
            (Step::Key(key), Value::Object(object)) => object.get(key),
            (Step::Index(number), Value::List(items)) => {
                usize::try_from(*number).ok().and_then(|number| items.get(number))
            }
            _ => return Reading::Broken,
        };
        match next {
            Some(next) => at = next,
            None => return Reading::Absent,
        }
    }
    Reading::Value(at.clone())
}
