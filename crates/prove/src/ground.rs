//! Conditions in one world: places are settled, constants are folded, and what is left is a formula over
//! atoms that are each about one place. An atom that cannot be modelled may have any outcome.

use faramesh_call::Value;
use faramesh_program::image::{Comparison, Constant, Path, Root, Step};
use rustc_hash::FxHashMap;

use crate::atom::{Method, Plain, Question, Reading, Test};
use crate::condition::{Condition, Operand};
use crate::language::Languages;
use crate::outcomes::{ANY, FALSE, Outcomes, TRUE};
use crate::place::{Base, Meaning, Slot, World, is_of_request};
use crate::tree::Tree;

/// A formula; parts are numbers of formulas.
#[derive(Debug)]
pub(crate) enum Formula {
    Known(Outcomes),
    Not(usize),
    All(Vec<usize>),
    Any(Vec<usize>),
    Atom(usize),
}

/// A question about a place, or something that cannot be modelled.
#[derive(Debug)]
pub(crate) enum Atom {
    Asked { slot: Slot, question: Question },
    Outside { why: String, possible: Outcomes },
}

/// Who asks, and whether the time of day is outside of what can be decided for it.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Asker<'a> {
    pub agent: &'a str,
    pub time_is_outside: bool,
}

/// Formulas, atoms and places of one world.
pub(crate) struct Ground<'w> {
    world: World<'w>,
    pub languages: &'w Languages,
    pub formulas: Vec<Formula>,
    pub atoms: Vec<Atom>,
    pub tree: Tree,
    asked: FxHashMap<(Slot, Question), usize>,
    outside: FxHashMap<String, usize>,
}

/// What a test is about.
enum Subject {
    Known(Value, Method),
    Place { slot: Slot, normalised: bool, of_request: bool, method: Method },
}

impl<'w> Ground<'w> {
    pub fn new(world: World<'w>, languages: &'w Languages) -> Self {
        Self {
            world,
            languages,
            formulas: Vec::new(),
            atoms: Vec::new(),
            tree: Tree::default(),
            asked: FxHashMap::default(),
            outside: FxHashMap::default(),
        }
    }

    fn push(&mut self, formula: Formula) -> usize {
        self.formulas.push(formula);
        self.formulas.len() - 1
    }

    /// A condition as a formula; checking bounds the recursion.
    pub fn condition(&mut self, condition: &Condition, asker: Asker<'_>) -> usize {
        let formula = match condition {
            Condition::Constant(value) => Some(Formula::Known((*value).into())),
            Condition::Not(inner) => Some(Formula::Not(self.condition(inner, asker))),
            Condition::All(parts) => Some(Formula::All(self.parts(parts, asker))),
            Condition::Any(parts) => Some(Formula::Any(self.parts(parts, asker))),
            Condition::Compare(comparison, left, right) => self.comparison(*comparison, left, right, asker),
            // Constants of another type than the item's count for nothing there.
            Condition::In(_, Operand::List(_)) => None,
            Condition::In(item, list) => match (plain(item), plains(list)) {
                (_, Some(constants)) => self.test(item, Test::Among(constants), asker),
                (Some(constant), None) => self.test(list, Test::Holds(constant), asker),
                _ => None,
            },
            Condition::Contains(whole, part) => {
                plain(part).and_then(|part| self.test(whole, Test::Contains(part), asker))
            }
            Condition::Matches(text, regex) => self.test(text, Test::Matches(regex.clone()), asker),
            Condition::StartsWith(text, affix) => {
                text_of(affix).and_then(|affix| self.test(text, Test::StartsWith(affix), asker))
            }
            Condition::EndsWith(text, affix) => {
                text_of(affix).and_then(|affix| self.test(text, Test::EndsWith(affix), asker))
            }
            Condition::Within(path, folder) => {
                text_of(folder).and_then(|folder| self.within(path, folder, asker))
            }
            Condition::Has(path) => self.has(path),
            Condition::Truth(operand) => self.test(operand, Test::True, asker),
            Condition::Outside(_) => None,
        };
        let formula = formula.unwrap_or_else(|| self.outside(condition, asker));
        self.push(formula)
    }

    /// Whether the arguments have a member of a name.
    pub fn has_member(&mut self, name: &str) -> usize {
        let slot = Slot { base: Base::Args, steps: vec![Step::Key(name.to_owned())] };
        let question =
            Question { normalised: false, of_request: false, method: Method::None, test: Test::Present };
        let atom = self.atom(slot, question);
        self.push(Formula::Atom(atom))
    }

    fn parts(&mut self, parts: &[Condition], asker: Asker<'_>) -> Vec<usize> {
        parts.iter().map(|part| self.condition(part, asker)).collect()
    }

    fn comparison(
        &mut self,
        comparison: Comparison,
        left: &Operand,
        right: &Operand,
        asker: Asker<'_>,
    ) -> Option<Formula> {
        let (operand, constant, comparison) = match (plain(left), plain(right)) {
            (Some(first), Some(second)) if first.is_domain() && !second.is_domain() => {
                (right, first, mirrored(comparison))
            }
            (_, Some(constant)) => (left, constant, comparison),
            (Some(constant), None) => (right, constant, mirrored(comparison)),
            (None, None) => return None,
        };
        let (test, is_negated) = match comparison {
            Comparison::Equal => (Test::Equal(constant), false),
            Comparison::NotEqual => (Test::Equal(constant), true),
            Comparison::Less => (Test::Less(constant), false),
            Comparison::GreaterEqual => (Test::Less(constant), true),
            Comparison::LessEqual => (Test::LessEqual(constant), false),
            Comparison::Greater => (Test::LessEqual(constant), true),
        };
        let formula = self.test(operand, test, asker)?;
        Some(if is_negated { Formula::Not(self.push(formula)) } else { formula })
    }

    fn within(&mut self, path: &Operand, folder: String, asker: Asker<'_>) -> Option<Formula> {
        let subject = self.subject(path, asker)?;
        match &subject {
            // Of another place, a NUL that normalising takes away would count.
            Subject::Place { normalised: true, method: Method::None, .. } => {}
            Subject::Place { .. } => return None,
            Subject::Known(..) => {}
        }
        self.ask(subject, Test::Within(folder))
    }

    fn test(&mut self, operand: &Operand, test: Test, asker: Asker<'_>) -> Option<Formula> {
        let subject = self.subject(operand, asker)?;
        self.ask(subject, test)
    }

    fn has(&mut self, path: &Path) -> Option<Formula> {
        let slot = match self.world.meaning(path) {
            // Two spellings that differ have no value, and are there.
            Meaning::Slot(slot) if slot.base == Base::Twice => return None,
            Meaning::Slot(slot) | Meaning::Normalised(slot) => slot,
            // The tool, the agent and the time are always there.
            Meaning::Tool | Meaning::Agent => return Some(Formula::Known(TRUE)),
            Meaning::Outside if path.root == Root::TimeNow => return Some(Formula::Known(TRUE)),
            Meaning::Outside => return None,
        };
        let of_request = is_of_request(path.root);
        self.ask(Subject::Place { slot, normalised: false, of_request, method: Method::None }, Test::Present)
    }

    fn ask(&mut self, subject: Subject, test: Test) -> Option<Formula> {
        match subject {
            Subject::Known(value, method) => {
                let question = Question { normalised: false, of_request: false, method, test };
                let outcome = question.outcome(&Reading::Value(value), &self.languages.tables)?;
                Some(Formula::Known(outcome))
            }
            Subject::Place { slot, normalised, of_request, method } => {
                let question = Question { normalised, of_request, method, test };
                Some(Formula::Atom(self.atom(slot, question)))
            }
        }
    }

    fn atom(&mut self, slot: Slot, question: Question) -> usize {
        let key = (slot, question);
        if let Some(number) = self.asked.get(&key) {
            return *number;
        }
        let number = self.atoms.len();
        let node = self.tree.add(&key.0);
        if let Some(node) = self.tree.nodes.get_mut(node) {
            node.atoms.push(number);
        }
        self.atoms.push(Atom::Asked { slot: key.0.clone(), question: key.1.clone() });
        self.asked.insert(key, number);
        number
    }

    fn outside(&mut self, condition: &Condition, asker: Asker<'_>) -> Formula {
        let key = format!("{asker:?} {condition:?}");
        if let Some(number) = self.outside.get(&key) {
            return Formula::Atom(*number);
        }
        let number = self.atoms.len();
        self.atoms.push(Atom::Outside { why: why(condition), possible: ANY });
        self.outside.insert(key, number);
        Formula::Atom(number)
    }

    /// What an operand stands for; `None` when that is outside of what can be decided.
    fn subject(&self, operand: &Operand, asker: Asker<'_>) -> Option<Subject> {
        let (inner, method) = match operand {
            Operand::Lower(of) => (of.as_ref(), Method::Lower),
            Operand::Length(of) => (of.as_ref(), Method::Length),
            Operand::Domain(of) => (of.as_ref(), Method::Domain),
            other => (other, Method::None),
        };
        let path = match inner {
            Operand::Path(path) => path,
            Operand::Constant(Constant::Scalar(scalar)) => {
                return Some(Subject::Known(Plain::of(scalar)?.value(), method));
            }
            _ => return None,
        };
        if asker.time_is_outside && matches!(path.root, Root::TimeHour | Root::TimeWeekday) {
            return None;
        }
        let of_request = is_of_request(path.root);
        match self.world.meaning(path) {
            Meaning::Slot(slot) => Some(Subject::Place { slot, normalised: false, of_request, method }),
            Meaning::Normalised(slot) => Some(Subject::Place { slot, normalised: true, of_request, method }),
            Meaning::Tool => Some(Subject::Known(Value::from(self.world.tool?), method)),
            Meaning::Agent => Some(Subject::Known(Value::from(asker.agent), method)),
            Meaning::Outside => None,
        }
    }

    /// What an atom may come to when nothing is known about its place.
    pub fn possible(&self, atom: usize) -> Outcomes {
        match self.atoms.get(atom) {
            Some(Atom::Asked { question: Question { test: Test::Present, .. }, .. }) => TRUE.with(FALSE),
            Some(Atom::Outside { possible, .. }) => *possible,
            _ => ANY,
        }
    }
}

fn mirrored(comparison: Comparison) -> Comparison {
    match comparison {
        Comparison::Less => Comparison::Greater,
        Comparison::LessEqual => Comparison::GreaterEqual,
        Comparison::Greater => Comparison::Less,
        Comparison::GreaterEqual => Comparison::LessEqual,
        same => same,
    }
}

fn plain(operand: &Operand) -> Option<Plain> {
    if let Operand::Constant(Constant::Scalar(scalar)) = operand { Plain::of(scalar) } else { None }
}

fn plains(operand: &Operand) -> Option<Vec<Plain>> {
    if let Operand::Constant(Constant::List(scalars)) = operand {
        scalars.iter().map(Plain::of).collect()
    } else {
        None
    }
}

fn text_of(operand: &Operand) -> Option<String> {
    match plain(operand) {
        Some(Plain::Text(text)) => Some(text.into()),
        _ => None,
    }
}

/// What cannot be decided about a condition, in words.
fn why(condition: &Condition) -> String {
    match condition {
        Condition::Outside(what) => format!("{what} is outside of what can be decided"),
        Condition::Compare(_, left, right)
            if matches!((left, right), (Operand::Constant(_), _) | (_, Operand::Constant(_))) =>
        {
            format!("the comparison of `{}` is outside of what can be decided", longer(left, right))
        }
        Condition::Compare(_, left, right) => {
            format!("comparing `{}` with `{}` is outside of what can be decided", left.text(), right.text())
        }
        Condition::In(left, right)
        | Condition::Contains(left, right)
        | Condition::StartsWith(left, right)
        | Condition::EndsWith(left, right)
        | Condition::Within(left, right) => {
            format!("the test of `{}` is outside of what can be decided", longer(left, right))
        }
        Condition::Matches(operand, _) | Condition::Truth(operand) => {
            format!("the test of `{}` is outside of what can be decided", operand.text())
        }
        _ => "a part of a condition is outside of what can be decided".to_owned(),
    }
}

fn longer(left: &Operand, right: &Operand) -> String {
    let (left, right) = (left.text(), right.text());
    if left == "…" { right } else { left }
}
