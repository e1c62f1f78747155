//! Values for the places of one tree such that every atom comes to what a search has assumed of it.
//! Types are tried in turn; below a value that is no object, everything is a misfit, and below an absent
//! one, everything is absent.

use std::cell::RefCell;
use std::rc::Rc;

use faramesh_call::{Number, Object, Value};
use faramesh_program::image::Step;
use rustc_hash::FxHashMap;

use crate::atom::{Method, Plain, Question, Reading, Test};
use crate::domain::{self, Domain, Start};
use crate::ground::{Atom, Ground};
use crate::language::Language;
use crate::outcomes::{FALSE, MISFIT, Outcomes, TRUE};
use crate::place::Base;
use crate::strings::{Found, Literal, Strings};
use crate::{list, numbers};

/// Deepest place that is looked into.
const MAX_DEPTH: u32 = 64;

const TWO_FORMS: &str = "a path is compared both as written and normalised";
const BY_PLACE_AND_VALUE: &str = "elements of a list are named both by place and by value";
const TOO_DEEP: &str = "a field is too deep";
const TWO_PLACES: &str = "a field may be written in two places";
const TOO_LARGE: &str = "a regular expression or a set is too large to be decided";

/// Assumed outcomes and the text found for them.
type Texts = FxHashMap<Vec<(usize, Outcomes)>, Found>;

/// Solves trees.
pub(crate) struct Theory<'g, 'w> {
    ground: &'g Ground<'w>,
    strings: &'g Strings,
    texts: RefCell<Texts>,
    /// Why something was not found that might be there.
    pub doubt: RefCell<Option<String>>,
}

/// What was assumed of each atom, so far.
pub(crate) type Assumed = [Option<Outcomes>];

/// A value for the start of a tree, and places that are written twice and differ.
pub(crate) type Solution = (Reading, Vec<Vec<Step>>);

struct Attempt<'t, 'g, 'w> {
    theory: &'t Theory<'g, 'w>,
    assumed: &'t Assumed,
    differing: Vec<Vec<Step>>,
    /// The steps to the place at hand.
    steps: Vec<Step>,
}

impl<'g, 'w> Theory<'g, 'w> {
    pub fn new(ground: &'g Ground<'w>, strings: &'g Strings) -> Self {
        Self { ground, strings, texts: RefCell::default(), doubt: RefCell::new(None) }
    }

    pub fn doubt(&self, why: &str) {
        self.doubt.borrow_mut().get_or_insert_with(|| why.to_owned());
    }

    /// Values under which all that is assumed comes true.
    pub fn solve(&self, base: Base, assumed: &Assumed) -> Option<Solution> {
        let root = self.ground.tree.root(base)?;
        let mut attempt = Attempt { theory: self, assumed, differing: Vec::new(), steps: Vec::new() };
        let reading = attempt.value(root, domain::start(base))?;
        Some((reading, attempt.differing))
    }
}

impl Attempt<'_, '_, '_> {
    /// What is assumed of the place itself.
    fn asked(&self, node: usize) -> Vec<(usize, &Question, Outcomes)> {
        let atoms = self.theory.ground.tree.nodes.get(node).map_or(&[][..], |node| &node.atoms);
        let of_atom = |atom: &usize| match self.theory.ground.atoms.get(*atom)? {
            Atom::Asked { question, .. } => Some((*atom, question, (*self.assumed.get(*atom)?)?)),
            Atom::Outside { .. } => None,
        };
        atoms.iter().filter_map(of_atom).collect()
    }

    fn children(&self, node: usize) -> &[usize] {
        self.theory.ground.tree.nodes.get(node).map_or(&[][..], |node| &node.children)
    }

    fn is_busy(&self, node: usize) -> bool {
        !self.asked(node).is_empty() || self.children(node).iter().any(|child| self.is_busy(*child))
    }

    /// Whether what is assumed of a place comes true there.
    fn holds(&self, node: usize, reading: &Reading) -> bool {
        self.asked(node).iter().all(|(_, question, assumed)| {
            let outcome = question.outcome(reading, &self.theory.ground.languages.tables);
            if outcome.is_none() {
                self.theory.doubt(TOO_LARGE);
            }
            outcome == Some(*assumed)
        })
    }

    /// The same for a place and all below it.
    fn all_hold(&self, node: usize, reading: &Reading) -> bool {
        self.holds(node, reading) && self.all_below_hold(node, reading)
    }

    fn all_below_hold(&self, node: usize, reading: &Reading) -> bool {
        self.children(node).iter().all(|child| self.all_hold(*child, reading))
    }

    fn value(&mut self, node: usize, start: Start) -> Option<Reading> {
        let (base, is_root) =
            self.theory.ground.tree.nodes.get(node).map(|node| (node.base, node.step.is_none()))?;
        let absent = || start.may_be_absent.then_some(Reading::Absent);
        if !self.is_busy(node) {
            let usual = if is_root { domain::usual(base) } else { Some(Value::Null) };
            return absent().or_else(|| usual.map(Reading::Value));
        }
        if self.steps.len() > usize::try_from(MAX_DEPTH).unwrap_or(usize::MAX) {
            self.theory.doubt(TOO_DEEP);
            return None;
        }
        let has_busy_children = self.children(node).iter().any(|child| self.is_busy(*child));
        if (has_busy_children || base == Base::Args && is_root)
            && let Some(found) = self.with_members(node, start.domain)
        {
            return Some(found);
        }
        let below = if base == Base::Args && is_root { Reading::Rootless } else { Reading::Broken };
        if self.all_below_hold(node, &below)
            && let Some(found) = self.plain(node, base, start.domain)
        {
            return Some(Reading::Value(found));
        }
        if !has_busy_children && let Some(found) = self.with_members(node, start.domain) {
            return Some(found);
        }
        if matches!(start.domain, Domain::Any)
            && self.all_below_hold(node, &below)
            && self.holds(node, &Reading::Value(Value::Null))
        {
            return Some(Reading::Value(Value::Null));
        }
        absent().filter(|reading| self.all_hold(node, reading))
    }

    fn with_members(&mut self, node: usize, domain: Domain) -> Option<Reading> {
        let found = match domain {
            Domain::Any => self.object(node).or_else(|| self.list(node)),
            Domain::Object => self.object(node),
            _ => None,
        };
        found.map(Reading::Value)
    }

    /// A text, a number or a truth value.
    fn plain(&self, node: usize, base: Base, domain: Domain) -> Option<Value> {
        let fits = |value: &Value| self.holds(node, &Reading::Value(value.clone()));
        match domain {
            Domain::Any => self
                .text(node, base)
                .or_else(|| self.numbers(node).into_iter().map(Value::Number).find(fits))
                .or_else(|| [Value::Bool(true), Value::Bool(false)].into_iter().find(fits)),
            Domain::Text => self.text(node, base),
            Domain::Word(words) => words.iter().map(|word| Value::from(*word)).find(fits),
            Domain::Whole(lowest, highest, usual) => {
                let asked = self.asked(node);
                let bounds = asked.iter().flat_map(|(_, question, _)| numbers::constants(&question.test));
                numbers::whole(bounds, lowest, highest, usual).into_iter().map(Value::from).find(fits)
            }
            Domain::Object => None,
        }
    }

    fn numbers(&self, node: usize) -> Vec<Number> {
        let asked = self.asked(node);
        let plain = asked.iter().filter(|(_, question, _)| question.method == Method::None);
        numbers::candidates(plain.flat_map(|(_, question, _)| numbers::constants(&question.test)))
    }

    fn object(&mut self, node: usize) -> Option<Value> {
        if !self.holds(node, &Reading::Value(Value::Object(Object::new()))) {
            return None;
        }
        let mut object = Object::new();
        for child in self.children(node).to_vec() {
            match self.theory.ground.tree.nodes.get(child)?.step.clone()? {
                Step::Index(_) => {
                    if !self.all_hold(child, &Reading::Broken) {
                        return None;
                    }
                }
                Step::Key(key) => {
                    self.steps.push(Step::Key(key.clone()));
                    let value = self.member(child);
                    self.steps.pop();
                    if let Reading::Value(value) = value? {
                        object.insert(key, value);
                    }
                }
            }
        }
        Some(Value::Object(object))
    }

    fn member(&mut self, node: usize) -> Option<Reading> {
        let found = self.value(node, Start { domain: Domain::Any, may_be_absent: true });
        let is_twice = self.theory.ground.tree.nodes.get(node).is_some_and(|node| node.base == Base::Twice);
        if found.is_some() || !is_twice {
            return found;
        }
        // Written in two places with different values, a field is a misfit, and so is all below it.
        if self.all_hold(node, &Reading::Broken) {
            self.differing.push(self.steps.clone());
            return Some(Reading::Absent);
        }
        if self.children(node).iter().any(|child| self.is_busy(*child)) {
            self.theory.doubt(TWO_PLACES);
        }
        None
    }

    fn list(&mut self, node: usize) -> Option<Value> {
        let asked: Vec<(Question, Outcomes)> =
            self.asked(node).into_iter().map(|(_, question, outcome)| (question.clone(), outcome)).collect();
        let mut by_place = Vec::new();
        for child in self.children(node).to_vec() {
            match self.theory.ground.tree.nodes.get(child)?.step.clone()? {
                Step::Key(_) if !self.all_hold(child, &Reading::Broken) => return None,
                Step::Index(index) if self.is_busy(child) => {
                    by_place.push((usize::try_from(index).ok()?, child));
                }
                _ => {}
            }
        }
        if !by_place.is_empty() {
            return self.list_by_place(node, &asked, &by_place);
        }
        let asked: Vec<(&Question, Outcomes)> =
            asked.iter().map(|(question, outcome)| (question, *outcome)).collect();
        list::candidates(&asked).into_iter().find(|list| self.holds(node, &Reading::Value(list.clone())))
    }

    fn list_by_place(
        &mut self,
        node: usize,
        asked: &[(Question, Outcomes)],
        by_place: &[(usize, usize)],
    ) -> Option<Value> {
        if asked.iter().any(|(question, _)| list::element(question).is_some()) {
            self.theory.doubt(BY_PLACE_AND_VALUE);
            return None;
        }
        let mut lengths = list::lengths(asked.iter().map(|(question, _)| question));
        lengths.push(0);
        lengths.extend(by_place.iter().map(|(index, _)| index.saturating_add(1)));
        lengths.sort_unstable();
        lengths.dedup();
        'lengths: for length in lengths {
            if length > 1_000 {
                self.theory.doubt(BY_PLACE_AND_VALUE);
                break;
            }
            let mut items = vec![Value::Null; length];
            for (index, child) in by_place {
                let Some(item) = items.get_mut(*index) else {
                    if self.all_hold(*child, &Reading::Absent) {
                        continue;
                    }
                    continue 'lengths;
                };
                self.steps.push(Step::Index(u32::try_from(*index).unwrap_or(u32::MAX)));
                let value = self.value(*child, Start { domain: Domain::Any, may_be_absent: false });
                self.steps.pop();
                let Some(Reading::Value(value)) = value else { continue 'lengths };
                *item = value;
            }
            let list = Value::List(items);
            if self.holds(node, &Reading::Value(list.clone())) {
                return Some(list);
            }
        }
        None
    }

    /// A text for which everything asked comes to what is assumed.
    fn text(&self, node: usize, base: Base) -> Option<Value> {
        let asked = self.asked(node);
        let key: Vec<(usize, Outcomes)> = asked.iter().map(|(atom, _, outcome)| (*atom, *outcome)).collect();
        let known = self.theory.texts.borrow().get(&key).cloned();
        let found = known.unwrap_or_else(|| {
            let found = self.search_text(&asked, base);
            self.theory.texts.borrow_mut().insert(key, found.clone());
            found
        });
        match found {
            Found::Text(text) => Some(Value::from(text)),
            Found::Nothing => None,
            Found::Unknown(why) => {
                self.theory.doubt(why);
                None
            }
        }
    }

    fn search_text(&self, asked: &[(usize, &Question, Outcomes)], base: Base) -> Found {
        let languages = self.theory.ground.languages;
        let (mut written, mut normalised) = (Vec::new(), Vec::new());
        for (_, question, outcome) in asked {
            let literals = if question.normalised { &mut normalised } else { &mut written };
            let (valid, matched) = match languages.of(question) {
                Language::Always(always) if always == *outcome => continue,
                Language::Always(_) => return Found::Nothing,
                Language::TooLarge => return Found::Unknown(TOO_LARGE),
                Language::Texts { valid, matched } => (valid, matched),
            };
            if *outcome == TRUE || *outcome == FALSE {
                literals.extend(valid.into_iter().map(|automaton| Literal::one(automaton, true)));
                literals.push(Literal::one(matched, *outcome == TRUE));
            } else if *outcome == MISFIT && !valid.is_empty() {
                literals.push(Literal { automata: valid, holds: false });
            } else {
                return Found::Nothing;
            }
        }
        let mut usual = named(asked);
        usual.extend(domain::usual_texts(base));
        let usual = usual.as_slice();
        if normalised.is_empty() {
            return self.theory.strings.find(&written, usual);
        }
        let Some(shape) = languages.normalised() else { return Found::Unknown(TOO_LARGE) };
        normalised.push(Literal::one(Rc::clone(&shape), true));
        if written.is_empty() {
            return self.theory.strings.find(&normalised, usual);
        }
        // Any text has one normalised form, so each side by itself must be possible.
        for side in [&written, &normalised] {
            let found = self.theory.strings.find(side, usual);
            if !matches!(found, Found::Text(_)) {
                return found;
            }
        }
        normalised.extend(written);
        match self.theory.strings.find(&normalised, usual) {
            Found::Nothing => Found::Unknown(TWO_FORMS),
            found => found,
        }
    }
}

/// Texts that what is assumed names: people find their own words again in an example.
fn named<'q>(asked: &[(usize, &'q Question, Outcomes)]) -> Vec<&'q str> {
    let mut named = Vec::new();
    for (_, question, _) in asked.iter().filter(|(_, _, outcome)| *outcome == TRUE) {
        let constants = match &question.test {
            Test::Equal(constant) => std::slice::from_ref(constant),
            Test::Among(constants) => constants.as_slice(),
            _ => &[],
        };
        named.extend(constants.iter().filter_map(|constant| match constant {
            Plain::Text(text) => Some(&**text),
            _ => None,
        }));
        if let Test::StartsWith(text) | Test::EndsWith(text) | Test::Within(text) = &question.test {
            named.push(text);
        }
    }
    named
}
