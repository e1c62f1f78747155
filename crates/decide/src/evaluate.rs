//! Conditions, evaluated over the flat tables of a program with Kleene's three values.
//!
//! Length: one function for each kind of comparison, all over the same tables.
//!
//! INVARIANT bounded: references point backwards (the loader checked it), every step is counted, and
//! 100,000 of them end the evaluation as unknown, which no permit survives.

use std::borrow::Cow;
use std::cell::{Cell, RefCell};
use std::cmp::Ordering;

use faramesh_call::path::within;
use faramesh_call::value::same_text;
use faramesh_call::{Call, Timestamp, Value};
use faramesh_program::constants::{ConstantList, ConstantValue};
use faramesh_program::image::{Comparison, Expression, Operand, Root, Step};
use faramesh_program::{Agent, Program};
use faramesh_state::State;

use crate::address::{at_domain, in_domains};
use crate::input::Input;
use crate::outcome::{Outcome, Unknown, both};
use crate::read::View;
use crate::selected::{NOTHING_SELECTED, Noted, Selected};

/// Most steps that the conditions of one call may take.
pub const MAX_STEPS: u32 = 100_000;
/// How many bytes of a text count as one step.
const BYTES_PER_STEP: usize = 256;

/// Evaluates the conditions of one call.
#[derive(Debug)]
pub struct Evaluator<'a> {
    pub(crate) program: &'a Program,
    pub(crate) agent: &'a Agent,
    /// The agent whose policy the conditions are from.
    pub(crate) owner: &'a Agent,
    pub(crate) call: &'a Call,
    pub(crate) now: Timestamp,
    /// What happened before; nothing when `None`.
    pub(crate) state: Option<&'a State>,
    /// The sums and counts that were looked at, by their operand.
    pub(crate) facts_read: RefCell<Vec<u32>>,
    pub(crate) purpose_was_read: Cell<bool>,
    /// The places beside the arguments that were looked at.
    pub(crate) outside_read: RefCell<Vec<u32>>,
    /// What was fetched from outside, and what of it was looked at.
    pub(crate) selected: &'a Selected,
    pub(crate) selectors_read: RefCell<Vec<Noted>>,
    steps_left: Cell<u32>,
}

impl<'a> Evaluator<'a> {
    /// Evaluates conditions of `program` over `call` at `now`.
    #[must_use]
    pub fn new(program: &'a Program, agent: &'a Agent, call: &'a Call, now: Timestamp) -> Self {
        Self {
            program,
            agent,
            owner: agent,
            call,
            now,
            state: None,
            facts_read: RefCell::default(),
            purpose_was_read: Cell::new(false),
            outside_read: RefCell::default(),
            selected: &NOTHING_SELECTED,
            selectors_read: RefCell::default(),
            steps_left: Cell::new(MAX_STEPS),
        }
    }

    /// The same for the call of a decision, over what happened before it.
    pub(crate) fn of(input: &Input<'a>) -> Self {
        let new = Self::new(input.program, input.agent, input.call, input.moment.now);
        Self { state: Some(input.state), selected: input.selected, ..new }
    }

    /// The same for conditions from another agent's policy, over the call of this one.
    pub(crate) fn owned_by(self, owner: &'a Agent) -> Self {
        Self { owner, ..self }
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
                let regex = self.program.regex(*regex).ok_or(Unknown::Limit)?;
                if let Some(Value::String(subject)) = self.argument(*text) {
                    self.step(cost_of(subject) + 1)?;
                    return Ok(regex.is_match(subject).into());
                }
                let subject = self.text(*text)?;
                self.step(cost_of(&subject))?;
                Ok(regex.is_match(&subject).into())
            }
            Expression::StartsWith { text, affix } => {
                let (text, affix) = both(self.text(*text), self.text(*affix))?;
                Ok(text.starts_with(&*affix).into())
            }
            Expression::EndsWith { text, affix } => {
                let (text, affix) = both(self.text(*text), self.text(*affix))?;
                Ok(text.ends_with(&*affix).into())
            }
            Expression::Has(path) => self.is_present(*path).map(Outcome::from),
            Expression::Within { path, folder } => self.within(*path, *folder),
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
                result = result.stricter(outcome, deciding == Outcome::True);
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
        if matches!(comparison, Comparison::Equal | Comparison::NotEqual) {
            let (left_view, right_view) = both(self.operand(left), self.operand(right))?;
            let equal = self.equal(left, &left_view, right, &right_view)?;
            return Ok((equal == (comparison == Comparison::Equal)).into());
        }
        let order = match both(self.orderable(left), self.orderable(right))? {
            (View::Number(left), View::Number(right)) => left.cmp(&right),
            (View::Text(left), View::Text(right)) => left.cmp(&right),
            _ => return Err(self.blame(left, right)),
        };
        Ok(holds(comparison, order).into())
    }

    /// A number or a text; anything else has no order.
    fn orderable(&self, operand: u32) -> Result<View<'a>, Unknown> {
        match self.operand(operand)? {
            view @ (View::Number(_) | View::Text(_)) => Ok(view),
            _ => Err(self.type_error(operand)),
        }
    }

    fn within(&self, path: u32, folder: u32) -> Result<Outcome, Unknown> {
        let (path_text, folder_text) = both(self.text(path), self.text(folder))?;
        // Where a path with a NUL ends is for each program to say, so it lies in no folder and outside of none.
        match [(path, &path_text), (folder, &folder_text)].into_iter().find(|(_, text)| text.contains('\0')) {
            Some((odd, _)) => Err(self.type_error(odd)),
            None => Ok(within(&path_text, &folder_text).into()),
        }
    }

    /// One argument against a number or a plain text: most of the comparisons there are, without
    /// the detour over views. `None` leaves everything else, unknowns included, to the general way.
    fn compare_argument(&self, comparison: Comparison, left: u32, right: u32) -> Option<bool> {
        let ConstantValue::Scalar(constant) = self.constant(right)? else { return None };
        match (self.argument(left)?, constant) {
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

    /// The value of an operand that is an argument by its name, when the call has it: most operands are,
    /// and need no detour over views.
    fn argument(&self, operand: u32) -> Option<&'a Value> {
        let Operand::Path(path) = self.program.operand(operand)? else { return None };
        let path = self.program.path(*path)?;
        let ([Step::Key(key)], Root::Args) = (path.steps.as_slice(), path.root) else { return None };
        self.call.args.get(key)
    }

    /// The value of an operand that is a constant.
    fn constant(&self, operand: u32) -> Option<&'a ConstantValue> {
        let Operand::Constant(constant) = self.program.operand(operand)? else { return None };
        self.program.constant(*constant)
    }

    /// A text argument among constants; `None` as in [`Self::compare_argument`].
    fn argument_is_in(&self, item: u32, list: u32) -> Option<bool> {
        let ConstantValue::List(list) = self.constant(list)? else { return None };
        let Value::String(text) = self.argument(item)? else { return None };
        (list.domains.is_empty() && !list.texts.is_empty()).then(|| has_text(&list.texts, text))
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
            if self.is_domain(right, right_text) {
                return at_domain(left_text, right_text).ok_or_else(|| self.type_error(left));
            }
            if self.is_domain(left, left_text) {
                return at_domain(right_text, left_text).ok_or_else(|| self.type_error(right));
            }
        }
        self.equal_views(left_view, right_view).ok_or_else(|| self.blame(left, right))
    }

    fn is_domain(&self, operand: u32, text: &str) -> bool {
        text.starts_with('@') && self.is_constant(operand)
    }

    fn is_constant(&self, operand: u32) -> bool {
        matches!(self.program.operand(operand), Some(Operand::Constant(_)))
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
        if let Some(holds) = self.argument_is_in(item, list) {
            self.step(2)?;
            return Ok(holds.into());
        }
        let list_view = self.operand(list).and_then(|view| match view {
            View::Constants(_) | View::List(_) | View::Operands(_) => Ok(view),
            _ => Err(self.type_error(list)),
        });
        let (item_view, list_view) = match (self.operand(item), list_view) {
            (Err(why), Ok(View::Operands(operands))) => {
                let elements = operands.iter().filter_map(|operand| self.operand(*operand).err());
                return Err(elements.fold(why, Unknown::stricter));
            }
            (item_view, list_view) => both(item_view, list_view)?,
        };
        match list_view {
            View::Constants(constants) => {
                in_constants(&item_view, constants).map(Outcome::from).ok_or_else(|| self.type_error(item))
            }
            View::List(items) => self.in_values(&item_view, items, item),
            View::Operands(operands) => Ok(self.in_operands(&item_view, operands, item)),
            _ => Err(self.type_error(list)),
        }
    }

    /// Among elements of which some are read from the call: those must be comparable, while an author
    /// may write constants of several types side by side.
    fn in_operands(&self, item_view: &View<'a>, operands: &[u32], item: u32) -> Outcome {
        let mut result = Outcome::False;
        for operand in operands {
            let equal = match self.operand(*operand) {
                Ok(view) if self.is_constant(*operand) && self.equal_views(item_view, &view).is_none() => {
                    continue;
                }
                Ok(view) => self.equal(item, item_view, *operand, &view),
                Err(why) => Err(why),
            };
            let equal = equal.map_or_else(Outcome::Unknown, Outcome::from);
            if equal == Outcome::True {
                return equal;
            }
            result = result.stricter(equal, true);
        }
        result
    }

    fn in_values(&self, item_view: &View<'a>, items: &[Value], item: u32) -> Result<Outcome, Unknown> {
        self.step(u32::try_from(items.len()).unwrap_or(u32::MAX))?;
        let domain = match item_view {
            View::Text(text) if self.is_domain(item, text) => Some(text),
            _ => None,
        };
        let (mut comparable, mut malformed) = (items.is_empty(), false);
        for value in items {
            let equal = match (domain, value) {
                (Some(domain), Value::String(text)) => {
                    let at = at_domain(text, domain);
                    malformed |= at.is_none();
                    at
                }
                _ => self.equal_views(item_view, &value.into()),
            };
            if equal == Some(true) {
                return Ok(Outcome::True);
            }
            comparable |= equal == Some(false);
        }
        if comparable && !malformed { Ok(Outcome::False) } else { Err(self.type_error(item)) }
    }

    fn contains(&self, whole: u32, part: u32) -> Result<Outcome, Unknown> {
        if let (Some(Value::String(whole)), Some(ConstantValue::Scalar(Value::String(part)))) =
            (self.argument(whole), self.constant(part))
        {
            self.step(cost_of(whole) + 2)?;
            // For short texts this is faster than `str::contains`, which prepares for long ones.
            return Ok(memchr::memmem::find(whole.as_bytes(), part.as_bytes()).is_some().into());
        }
        let whole_view = self.operand(whole).and_then(|view| match view {
            View::Constants(_) | View::List(_) | View::Text(_) => Ok(view),
            _ => Err(self.type_error(whole)),
        });
        let (whole_view, part_view) = both(whole_view, self.operand(part))?;
        match (whole_view, &part_view) {
            (View::Text(whole), View::Text(part)) => {
                self.step(cost_of(&whole))?;
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

/// Whether a value is among constants; `None` when none of them has its type. `null` is like every type.
fn in_constants(item: &View<'_>, list: &ConstantList) -> Option<bool> {
    match item {
        View::Text(text) => {
            if has_text(&list.texts, text) {
                return Some(true);
            }
            if list.domains.is_empty() {
                let comparable = !list.texts.is_empty() || list.null || list.is_empty();
                return comparable.then_some(false);
            }
            in_domains(text, &list.domains)
        }
        View::Number(number) if !list.numbers.is_empty() => Some(list.numbers.binary_search(number).is_ok()),
        View::Bool(value) if !list.bools.is_empty() => Some(list.bools.contains(value)),
        View::Null => Some(list.null),
        _ => (list.null || list.is_empty()).then_some(false),
    }
}

/// A few texts are looked through faster than they are searched.
fn has_text(texts: &[Box<str>], text: &str) -> bool {
    if texts.len() <= 8 {
        return texts.iter().any(|other| same_text(other, text));
    }
    texts.binary_search_by(|other| (**other).cmp(text)).is_ok()
}
