//! The search for a call in one world: outcomes of atoms are assumed one by one, each time with values
//! that make them come true, until every part of the question holds or every way has been tried.

use crate::atom::Reading;
use crate::ground::{Atom, Formula, Ground};
use crate::outcomes::{ABSENT, FALSE, MISFIT, Outcomes, TRUE};
use crate::place::Base;
use crate::theory::Theory;
use crate::tree::Model;

/// A part of a question.
#[derive(Debug)]
pub(crate) enum Constraint {
    /// The formula comes to one of these.
    Outcome { formula: usize, allowed: Outcomes },
    /// The first entry that matches is a wanted one.
    First { entries: Vec<Entry>, default_is_wanted: bool },
}

/// A rule of a decision.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Entry {
    pub formula: usize,
    /// Outcomes that count as a match.
    pub matches: Outcomes,
    pub is_wanted: bool,
}

/// Whether a part of a question holds, as far as that is settled.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Status {
    Holds,
    Fails,
    Open,
}

/// How a search ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum End {
    /// The model is one that the question asks for.
    Found,
    /// Every way has been tried.
    Tried,
    /// The steps ran out.
    OutOfSteps,
}

pub(crate) struct Search<'s, 'g, 'w> {
    pub ground: &'g Ground<'w>,
    pub theory: Theory<'g, 'w>,
    pub constraints: Vec<Constraint>,
    pub model: Model,
    pub steps_left: &'s mut u64,
    /// Says whether a model is a real example; `is_exact` when everything in it was modelled.
    pub accept: &'s mut dyn FnMut(&Model, bool) -> bool,
    assumed: Vec<Option<Outcomes>>,
    outside: Vec<usize>,
}

impl<'s, 'g, 'w> Search<'s, 'g, 'w> {
    pub fn new(
        ground: &'g Ground<'w>,
        theory: Theory<'g, 'w>,
        constraints: Vec<Constraint>,
        steps_left: &'s mut u64,
        accept: &'s mut dyn FnMut(&Model, bool) -> bool,
    ) -> Self {
        let assumed = vec![None; ground.atoms.len()];
        Self {
            ground,
            theory,
            constraints,
            model: Model::default(),
            steps_left,
            accept,
            assumed,
            outside: Vec::new(),
        }
    }

    /// Goes on from what is assumed. The depth is at most the number of atoms, which steps bound.
    pub fn run(&mut self) -> End {
        let cost = 1 + u64::try_from(self.constraints.len()).unwrap_or(u64::MAX);
        let Some(left) = self.steps_left.checked_sub(cost) else { return End::OutOfSteps };
        *self.steps_left = left;
        let mut open = None;
        for index in 0..self.constraints.len() {
            match self.status(index, false) {
                Status::Fails => return End::Tried,
                Status::Holds => {}
                Status::Open => {
                    if open.is_none() && self.status(index, true) != Status::Holds {
                        open = Some(index);
                    }
                }
            }
        }
        let Some(open) = open else { return self.arrived() };
        let Some((atom, prefer)) = self.choose(open) else { return End::Tried };
        let order = if prefer { [TRUE, FALSE, MISFIT, ABSENT] } else { [FALSE, TRUE, ABSENT, MISFIT] };
        for outcome in order {
            if !self.ground.possible(atom).meets(outcome) {
                continue;
            }
            let end = self.assume(atom, outcome);
            if end != End::Tried {
                return end;
            }
        }
        End::Tried
    }

    fn arrived(&mut self) -> End {
        let is_exact = self.outside.is_empty();
        if (self.accept)(&self.model, is_exact) {
            return End::Found;
        }
        let why = self.outside.first().and_then(|atom| match self.ground.atoms.get(*atom) {
            Some(Atom::Outside { why, .. }) => Some(why.as_str()),
            _ => None,
        });
        self.theory.doubt(why.unwrap_or("the engine decides the example otherwise"));
        End::Tried
    }

    fn assume(&mut self, atom: usize, outcome: Outcomes) -> End {
        let Some(slot) = self.assumed.get_mut(atom) else { return End::Tried };
        *slot = Some(outcome);
        let end = match self.ground.atoms.get(atom) {
            Some(Atom::Asked { slot, .. }) => self.with_values(slot.base),
            _ => {
                self.outside.push(atom);
                let end = self.run();
                self.outside.pop();
                end
            }
        };
        if end != End::Found
            && let Some(slot) = self.assumed.get_mut(atom)
        {
            *slot = None;
        }
        end
    }

    fn with_values(&mut self, base: Base) -> End {
        let Some((reading, differing)) = self.theory.solve(base, &self.assumed) else { return End::Tried };
        let before = self.model.clone();
        self.model.set(base, reading);
        if base == Base::Twice {
            self.model.differing = differing;
        }
        let end = self.run();
        if end != End::Found {
            self.model = before;
        }
        end
    }

    fn status(&self, index: usize, with_model: bool) -> Status {
        match self.constraints.get(index) {
            Some(Constraint::Outcome { formula, allowed }) => {
                let outcomes = self.outcomes(*formula, with_model);
                if outcomes.is_within(*allowed) {
                    Status::Holds
                } else if outcomes.meets(*allowed) {
                    Status::Open
                } else {
                    Status::Fails
                }
            }
            Some(Constraint::First { entries, default_is_wanted }) => {
                let (mut wanted, mut unwanted) = (false, false);
                let mut falls_through = true;
                for entry in entries {
                    let outcomes = self.outcomes(entry.formula, with_model);
                    if outcomes.meets(entry.matches) {
                        wanted |= entry.is_wanted;
                        unwanted |= !entry.is_wanted;
                        if outcomes.is_within(entry.matches) {
                            falls_through = false;
                            break;
                        }
                    }
                }
                wanted |= falls_through && *default_is_wanted;
                unwanted |= falls_through && !default_is_wanted;
                match (wanted, unwanted) {
                    (true, false) => Status::Holds,
                    (true, true) => Status::Open,
                    (false, _) => Status::Fails,
                }
            }
            None => Status::Fails,
        }
    }

    /// What a formula may come to, or, with the model, what it comes to for the values chosen so far.
    fn outcomes(&self, formula: usize, with_model: bool) -> Outcomes {
        match self.ground.formulas.get(formula) {
            Some(Formula::Known(outcomes)) => *outcomes,
            Some(Formula::Not(inner)) => self.outcomes(*inner, with_model).negated(),
            Some(Formula::All(parts)) => {
                Outcomes::all(parts.iter().map(|part| self.outcomes(*part, with_model)))
            }
            Some(Formula::Any(parts)) => {
                Outcomes::any(parts.iter().map(|part| self.outcomes(*part, with_model)))
            }
            Some(Formula::Atom(atom)) => self.of_atom(*atom, with_model),
            None => crate::outcomes::ANY,
        }
    }

    fn of_atom(&self, atom: usize, with_model: bool) -> Outcomes {
        if let Some(Some(assumed)) = self.assumed.get(atom) {
            return *assumed;
        }
        let possible = self.ground.possible(atom);
        match self.ground.atoms.get(atom) {
            Some(Atom::Asked { slot, question }) if with_model => {
                let reading: Reading = self.model.read(slot);
                question.outcome(&reading, &self.ground.languages.tables).unwrap_or(possible)
            }
            _ => possible,
        }
    }

    /// An atom to assume something of, so that a part of the question may come to hold, and whether it
    /// should hold for that.
    fn choose(&self, constraint: usize) -> Option<(usize, bool)> {
        match self.constraints.get(constraint)? {
            Constraint::Outcome { formula, allowed } => self.pick(*formula, allowed.meets(TRUE)),
            Constraint::First { entries, .. } => {
                let mut wanted = None;
                for entry in entries {
                    let now = self.outcomes(entry.formula, true);
                    if now.meets(entry.matches) && !entry.is_wanted {
                        // What decides now must not, unless something wanted comes before it.
                        return self.pick(entry.formula, false).or(wanted).or_else(|| self.pick_any(entries));
                    }
                    if entry.is_wanted && wanted.is_none() {
                        wanted = self.pick(entry.formula, true);
                    }
                }
                wanted.or_else(|| self.pick_any(entries))
            }
        }
    }

    fn pick_any(&self, entries: &[Entry]) -> Option<(usize, bool)> {
        entries.iter().find_map(|entry| self.pick(entry.formula, entry.is_wanted))
    }

    /// An atom of the formula of which nothing is assumed, and whether it should hold so that the formula
    /// does, or does not.
    fn pick(&self, formula: usize, should_hold: bool) -> Option<(usize, bool)> {
        match self.ground.formulas.get(formula)? {
            Formula::Known(_) => None,
            Formula::Not(inner) => self.pick(*inner, !should_hold),
            Formula::All(parts) | Formula::Any(parts) => {
                parts.iter().find_map(|part| self.pick(*part, should_hold))
            }
            Formula::Atom(atom) => match self.assumed.get(*atom) {
                Some(None) => Some((*atom, should_hold)),
                _ => None,
            },
        }
    }
}
