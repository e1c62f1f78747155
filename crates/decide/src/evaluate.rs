//! Conditions, evaluated over the flat tables of a program with Kleene's three values.
//!
//! INVARIANT bounded: references point backwards (the loader checked it), every step is counted, and
//! 100,000 of them end the evaluation as unknown, which no permit survives.

use std::borrow::Cow;
use std::cell::Cell;
use std::cmp::Ordering;

use faramesh_call::path::within;
use faramesh_call::value::same_text;
use faramesh_call::{Call, Timestamp, Value};
use faramesh_program::image::{Comparison, Expression, Operand, Root, Step};
use faramesh_program::program::{ConstantList, ConstantValue};
use faramesh_program::{Agent, Program};

use crate::address::{self, Address};
use crate::outcome::{Outcome, Unknown};
use crate::read::View;

/// Most steps that the conditions of one call may take.
pub const MAX_STEPS: u32 = 100_000;
/// How many bytes of a text count as one step.
const BYTES_PER_STEP: usize = 256;

/// Evaluates the conditions of one call.
#[derive(Debug)]
pub struct Evaluator<'a> {
    pub(crate) program: &'a Program,
    pub(crate) agent: &'a Agent,
    pub(crate) call: &'a Call,
    pub(crate) now: Timestamp,
    steps_left: Cell<u32>,
}

impl<'a> Evaluator<'a> {
    /// Evaluates conditions of `program` over `call` at `now`.
    #[must_use]
    pub fn new(program: &'a Program, agent: &'a Agent, call: &'a Call, now: Timestamp) -> Self {
        Self { program, agent, call, now, steps_left: Cell::new(MAX_STEPS) }
    }

    /// Whether the bound was reached.
    #[must_use]
    pub fn is_exhausted(&self) -> bool {
        self.steps_left.get() == 0
    }

    pub(crate) fn step(&self, cost: u32) -> Result<(), Unknown> {
        let left = self.steps_left.get().saturating_sub(cost);
        self.steps_left.set(left);
        if left == 0 { Err(Unknown::Limit) } else { Ok(()) }
    }

    /// The value of a condition.
    #[must_use]
    pub fn condition(&self, index: u32) -> Outcome {
        self.try_condition(index).unwrap_or_else(Outcome::Unknown)
    }

    fn try_condition(&self, index: u32) -> Result<Outcome, Unknown> {
        self.step(1)?;
        match self.program.expression(index).ok_or(Unknown::Limit)? {
            Expression::Constant(value) => Ok((*value).into()),
            Expression::Not(part) => Ok(self.condition(*part).negated()),
            Expression::All(parts) => Ok(self.fold(parts, Outcome::True, Outcome::False)),
            Expression::Any(parts) => Ok(self.fold(parts, Outcome::False, Outcome::True)),
            Expression::Compare { comparison, left, right } => self.compare(*comparison, *left, *right),
            Expression::In { item, list } => self.is_in(*item, *list),
            Expression::Contains { whole, part } => self.contains(*whole, *part),
            Expression::Matches { text, regex } => {
                let subject = self.text(*text)?;
                self.step(cost_of(&subject))?;
                let regex = self.program.regex(*regex).ok_or(Unknown::Limit)?;
                Ok(regex.is_match(&subject).into())
            }
            Expression::StartsWith { text, affix } => {
                Ok(self.text(*text)?.starts_with(&*self.text(*affix)?).into())
            }
            Expression::EndsWith { text, affix } => {
                Ok(self.text(*text)?.ends_with(&*self.text(*affix)?).into())
            }
            Expression::Has(path) => Ok(match self.path(*path) {
                Ok(_) => Outcome::True,
                Err(Unknown::Limit) => return Err(Unknown::Limit),
                Err(_) => Outcome::False,
            }),
            Expression::Within { path, folder } => {
                Ok(within(&self.text(*path)?, &self.text(*folder)?).into())
            }
            Expression::Truth(operand) => match self.operand(*operand)? {
                View::Bool(value) => Ok(value.into()),
                _ => Err(self.type_error(*operand)),
            },
        }
    }

    /// Kleene's `and` and `or`: a deciding part wins over unknown ones, wherever it stands.
    fn fold(&self, parts: &[u32], neutral: Outcome, deciding: Outcome) -> Outcome {
        let mut result = neutral;
        for part in parts {
            let outcome = self.condition(*part);
            if outcome == deciding || outcome == Outcome::Unknown(Unknown::Limit) {
                return outcome;
            }
            if outcome != neutral {
                result = result.stricter(outcome);
            }
        }
        result
    }

    fn text(&self, operand: u32) -> Result<Cow<'a, str>, Unknown> {
        match self.operand(operand)? {
            View::Text(text) => Ok(text),
            _ => Err(self.type_error(operand)),
        }
    }

    /// The operand to blame for a comparison that cannot be made: the one that is no constant.
    fn blame(&self, left: u32, right: u32) -> Unknown {
        match self.program.operand(left) {
            Some(Operand::Constant(_)) => self.type_error(right),
            _ => self.type_error(left),
        }
    }

    fn compare(&self, comparison: Comparison, left: u32, right: u32) -> Result<Outcome, Unknown> {
        if let Some(holds) = self.compare_argument(comparison, left, right) {
            self.step(2)?;
            return Ok(holds.into());
        }
        let (left_view, right_view) = (self.operand(left)?, self.operand(right)?);
        if matches!(comparison, Comparison::Equal | Comparison::NotEqual) {
            let equal = self.equal(left, &left_view, right, &right_view)?;
            return Ok((equal == (comparison == Comparison::Equal)).into());
        }
        let order = match (&left_view, &right_view) {
            (View::Number(left), View::Number(right)) => left.cmp(right),
            (View::Text(left), View::Text(right)) => left.cmp(right),
            _ => return Err(self.blame(left, right)),
        };
        Ok(holds(comparison, order).into())
    }

    /// One argument against a number or a plain text: most of the comparisons there are, without
    /// the detour over views. `None` leaves everything else, unknowns included, to the general way.
    fn compare_argument(&self, comparison: Comparison, left: u32, right: u32) -> Option<bool> {
        let Operand::Path(path) = self.program.operand(left)? else { return None };
        let Operand::Constant(constant) = self.program.operand(right)? else { return None };
        let ConstantValue::Scalar(constant) = self.program.constant(*constant)? else { return None };
        let path = self.program.path(*path)?;
        let ([Step::Key(key)], Root::Args) = (path.steps.as_slice(), path.root) else { return None };
        match (self.call.args.get(key)?, constant) {
            (Value::Number(found), Value::Number(constant)) => Some(holds(comparison, found.cmp(constant))),
            (Value::String(found), Value::String(constant)) if !constant.starts_with('@') => match comparison
            {
                Comparison::Equal => Some(same_text(found, constant)),
                Comparison::NotEqual => Some(!same_text(found, constant)),
                _ => None,
            },
            _ => None,
        }
    }

    /// Equality, where a constant that begins with `@` stands for a domain.
    fn equal(
        &self,
        left: u32,
        left_view: &View<'a>,
        right: u32,
        right_view: &View<'a>,
    ) -> Result<bool, Unknown> {
        if let (View::Text(left_text), View::Text(right_text)) = (left_view, right_view) {
            let domain = |operand: u32, text: &str| {
                text.starts_with('@') && matches!(self.program.operand(operand), Some(Operand::Constant(_)))
            };
            if domain(right, right_text) {
                return at_domain(left_text, right_text).ok_or_else(|| self.type_error(left));
            }
            if domain(left, left_text) {
                return at_domain(right_text, left_text).ok_or_else(|| self.type_error(right));
            }
        }
        self.equal_views(left_view, right_view).ok_or_else(|| self.blame(left, right))
    }

    /// Equality of two values; `None` when their types are unlike.
    pub(crate) fn equal_views(&self, left: &View<'_>, right: &View<'_>) -> Option<bool> {
        match (left, right) {
            (View::Null, View::Null) => Some(true),
            (View::Null, _) | (_, View::Null) => Some(false),
            (View::Bool(left), View::Bool(right)) => Some(left == right),
            (View::Number(left), View::Number(right)) => Some(left == right),
            (View::Text(left), View::Text(right)) => Some(same_text(left, right)),
            (View::List(left), View::List(right)) => Some(left == right),
            (View::Object(left), View::Object(right)) => Some(left == right),
            _ => None,
        }
    }

    fn is_in(&self, item: u32, list: u32) -> Result<Outcome, Unknown> {
        let item_view = self.operand(item)?;
        match self.operand(list)? {
            View::Constants(constants) => {
                in_constants(&item_view, constants).map(Outcome::from).ok_or_else(|| self.type_error(item))
            }
            View::List(items) => self.in_values(&item_view, items, item),
            View::Operands(operands) => {
                let mut result = Outcome::False;
                for operand in operands {
                    let equal = self
                        .operand(*operand)
                        .and_then(|view| self.equal(item, &item_view, *operand, &view))
                        .map_or_else(Outcome::Unknown, Outcome::from);
                    if equal == Outcome::True {
                        return Ok(equal);
                    }
                    result = result.stricter(equal);
                }
                Ok(result)
            }
            _ => Err(self.type_error(list)),
        }
    }

    fn in_values(&self, item: &View<'a>, items: &[Value], blame: u32) -> Result<Outcome, Unknown> {
        self.step(u32::try_from(items.len()).unwrap_or(u32::MAX))?;
        let mut comparable = items.is_empty();
        for value in items {
            match self.equal_views(item, &value.into()) {
                Some(true) => return Ok(Outcome::True),
                Some(false) => comparable = true,
                None => {}
            }
        }
        if comparable { Ok(Outcome::False) } else { Err(self.type_error(blame)) }
    }

    fn contains(&self, whole: u32, part: u32) -> Result<Outcome, Unknown> {
        let part_view = self.operand(part)?;
        match (self.operand(whole)?, &part_view) {
            (View::Text(whole), View::Text(part)) => {
                self.step(cost_of(&whole))?;
                // For short texts this is faster than `str::contains`, which prepares for long ones.
                Ok(memchr::memmem::find(whole.as_bytes(), part.as_bytes()).is_some().into())
            }
            (View::List(items), _) => self.in_values(&part_view, items, part),
            (View::Constants(constants), _) => {
                in_constants(&part_view, constants).map(Outcome::from).ok_or_else(|| self.type_error(part))
            }
            _ => Err(self.blame(whole, part)),
        }
    }
}

fn holds(comparison: Comparison, order: Ordering) -> bool {
    match comparison {
        Comparison::Equal => order == Ordering::Equal,
        Comparison::NotEqual => order != Ordering::Equal,
        Comparison::Less => order == Ordering::Less,
        Comparison::LessEqual => order != Ordering::Greater,
        Comparison::Greater => order == Ordering::Greater,
        Comparison::GreaterEqual => order != Ordering::Less,
    }
}

fn cost_of(text: &str) -> u32 {
    u32::try_from(text.len() / BYTES_PER_STEP).unwrap_or(u32::MAX).saturating_add(1)
}

/// Whether a text is `@domain` itself or an address there; `None` for a malformed address.
fn at_domain(text: &str, domain: &str) -> Option<bool> {
    if text.eq_ignore_ascii_case(domain) {
        return Some(true);
    }
    let domain = domain.strip_prefix('@').unwrap_or(domain);
    if let Some(found) = address::bare_domain(text) {
        return Some(found.eq_ignore_ascii_case(domain));
    }
    match address::parse(text) {
        Address::Domain(found) => Some(found.eq_ignore_ascii_case(domain)),
        Address::None => Some(false),
        Address::Malformed => None,
    }
}

/// Whether a value is among constants; `None` when none of them has its type.
fn in_constants(item: &View<'_>, list: &ConstantList) -> Option<bool> {
    match item {
        View::Text(text) => {
            if has_text(&list.texts, text) {
                return Some(true);
            }
            if list.domains.is_empty() {
                let comparable = !list.texts.is_empty() || is_empty(list);
                return comparable.then_some(false);
            }
            in_domains(text, &list.domains)
        }
        View::Number(number) if !list.numbers.is_empty() => Some(list.numbers.binary_search(number).is_ok()),
        View::Bool(value) if !list.bools.is_empty() => Some(list.bools.contains(value)),
        View::Null => Some(list.null),
        _ => is_empty(list).then_some(false),
    }
}

/// A few texts are looked through faster than they are searched.
fn has_text(texts: &[Box<str>], text: &str) -> bool {
    if texts.len() <= 8 {
        return texts.iter().any(|other| same_text(other, text));
    }
    texts.binary_search_by(|other| (**other).cmp(text)).is_ok()
}

fn is_empty(list: &ConstantList) -> bool {
    list.texts.is_empty()
        && list.domains.is_empty()
        && list.numbers.is_empty()
        && list.bools.is_empty()
        && !list.null
}

fn in_domains(text: &str, domains: &[Box<str>]) -> Option<bool> {
    let known = |domain: String| domains.binary_search_by(|other| (**other).cmp(&domain)).is_ok();
    if let Some(domain) = address::bare_domain(text) {
        return Some(known(format!("@{}", domain.to_ascii_lowercase())));
    }
    match address::parse(text) {
        Address::Domain(domain) => Some(known(format!("@{}", domain.to_ascii_lowercase()))),
        Address::None => Some(false),
        Address::Malformed if known(text.to_ascii_lowercase()) => Some(true),
        Address::Malformed => None,
    }
}
