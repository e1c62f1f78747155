//! What an agent's conditions read of its earlier calls: sums and counts, each with the name that the
//! state knows it by. Leaves out what they come to: that is the state's.
//!
//! INVARIANT stable names: a name says only what is summed, so it outlives changes of the policy.

use rustc_hash::{FxHashMap, FxHashSet};

use crate::image::{Expression, Fact, Image, Operand, Requirement, Step};
use crate::limits::of_tool;
use crate::load::LoadError;
use crate::tools::ToolIndex;

/// Most sums and counts of one agent. Each call is charged to those of its tool.
pub const MAX_FACTS: usize = 64;
/// What the names of sums and counts begin with. A sum stays as it is whatever comes of the call.
pub const FACT_KEY: &str = "\nfact ";
/// The name of a session's cost, which outcomes settle.
const COST_KEY: &str = "\ncost";

/// The name of the calls of a session whose outcome is awaited.
pub const OPEN_KEY: &str = "\nfact open";

/// The name of whether a session called a tool, for completion gates.
#[must_use]
pub fn called_key(pattern: &str) -> String {
    format!("{FACT_KEY}called {pattern}")
}

/// What is added up.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Counted {
    /// Calls.
    Calls,
    /// What calls cost.
    Cost,
    /// A field of the arguments.
    Field(Vec<Step>),
    /// Whether there was one.
    Presence,
}

/// One sum or count.
#[derive(Debug)]
pub struct FactMeter {
    /// Its name in the state.
    pub key: Box<str>,
    /// What is added up.
    pub counted: Counted,
    /// Whether each session has its own.
    pub by_session: bool,
    /// How far it looks back, in milliseconds; over everything when `None`.
    pub window_ms: Option<u64>,
}

/// The sums and counts of one agent.
#[derive(Debug, Default)]
pub struct Facts {
    meters: Vec<FactMeter>,
    tools: ToolIndex,
    by_operand: FxHashMap<u32, u32>,
    reads_purpose: bool,
}

impl Facts {
    /// The sum or count that an operand reads.
    #[must_use]
    pub fn of_operand(&self, operand: u32) -> Option<&FactMeter> {
        self.meters.get(usize::try_from(*self.by_operand.get(&operand)?).ok()?)
    }

    /// What a call of a tool adds to.
    pub fn of_tool(&self, tool: &str) -> impl Iterator<Item = &FactMeter> {
        of_tool(&self.tools, &self.meters, tool)
    }

    /// Whether there is anything to read.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.meters.is_empty() && !self.reads_purpose
    }

    /// Whether anything is kept by session.
    #[must_use]
    pub fn counts_sessions(&self) -> bool {
        self.reads_purpose || self.meters.iter().any(|meter| meter.by_session)
    }

    /// Done with adding.
    pub(crate) fn finished(mut self) -> Self {
        self.tools = self.tools.finished();
        self
    }

    fn add(&mut self, operand: u32, fact: &Fact) -> Result<(), LoadError> {
        let Some((pattern, meter)) = meter(fact) else {
            self.reads_purpose |= matches!(fact, Fact::Purpose(_));
            return Ok(());
        };
        let number = self.count(pattern, meter)?;
        self.by_operand.insert(operand, number);
        Ok(())
    }

    /// Counts as well what a completion gate looks back on.
    pub(crate) fn require(&mut self, required: &Requirement) -> Result<(), LoadError> {
        let (pattern, key, counted) = match required {
            Requirement::Called(pattern) => (&**pattern, called_key(pattern), Counted::Presence),
            Requirement::NoUncommittedWrites => ("*", OPEN_KEY.to_owned(), Counted::Calls),
            Requirement::NoPendingApprovals | Requirement::BudgetUnderLimit => return Ok(()),
        };
        let meter = FactMeter { key: key.into(), counted, by_session: true, window_ms: None };
        self.count(pattern, meter).map(|_| ())
    }

    fn count(&mut self, pattern: &str, meter: FactMeter) -> Result<u32, LoadError> {
        Ok(match self.meters.iter().position(|known| known.key == meter.key) {
            Some(known) => number(known),
            None if self.meters.len() >= MAX_FACTS => {
                return Err(LoadError::Limit("sums and counts of an agent"));
            }
            None => {
                let number = number(self.meters.len());
                self.tools.add(pattern, number);
                self.meters.push(meter);
                number
            }
        })
    }
}

/// A sum or count with the pattern of its tools; `None` for what no call adds to.
fn meter(fact: &Fact) -> Option<(&str, FactMeter)> {
    let window = |window_ms: &Option<u64>| window_ms.map_or_else(String::new, |ms| format!(" {ms}ms"));
    let (pattern, key, counted, by_session, window_ms) = match fact {
        Fact::SessionCalls => ("*", format!("{FACT_KEY}calls"), Counted::Calls, true, None),
        Fact::SessionCost => ("*", COST_KEY.to_owned(), Counted::Cost, true, None),
        Fact::SessionSum { pattern, field, window_ms } => {
            let key = format!("{FACT_KEY}sum {pattern} {}{}", written(field), window(window_ms));
            (&**pattern, key, Counted::Field(field.clone()), true, *window_ms)
        }
        Fact::SessionCount { pattern, window_ms } => {
            let key = format!("{FACT_KEY}count {pattern}{}", window(window_ms));
            (&**pattern, key, Counted::Calls, true, *window_ms)
        }
        Fact::HistoryContains { pattern, within_ms } => {
            let key = format!("{FACT_KEY}history {pattern}{}", window(within_ms));
            (&**pattern, key, Counted::Presence, false, *within_ms)
        }
        Fact::Purpose(_) | Fact::Selector { .. } => return None,
    };
    Some((pattern, FactMeter { key: key.into(), counted, by_session, window_ms }))
}

fn written(field: &[Step]) -> String {
    let mut text = String::new();
    for step in field {
        match step {
            Step::Key(key) => text.push_str(&format!("[{key:?}]")),
            Step::Index(index) => text.push_str(&format!("[{index}]")),
        }
    }
    text
}

fn number(index: usize) -> u32 {
    u32::try_from(index).unwrap_or(u32::MAX)
}

/// Finds what the conditions of agents read. Most programs read nothing, and are not walked.
pub(crate) struct Finder<'a> {
    expressions: &'a [Expression],
    operands: &'a [Operand],
    any: bool,
}

impl<'a> Finder<'a> {
    pub(crate) fn new(image: &'a Image) -> Self {
        let any = image.operands.iter().any(|operand| matches!(operand, Operand::Fact(_)));
        Self { expressions: &image.expressions, operands: &image.operands, any }
    }

    /// What these conditions and operands read. References point backwards, so every walk ends.
    pub(crate) fn facts(
        &self,
        conditions: impl Iterator<Item = u32>,
        operands: impl Iterator<Item = u32>,
    ) -> Result<Facts, LoadError> {
        let mut facts = Facts::default();
        if !self.any {
            return Ok(facts);
        }
        let mut open: Vec<u32> = conditions.collect();
        let mut read: Vec<u32> = operands.collect();
        let mut seen = FxHashSet::default();
        while let Some(at) = open.pop() {
            if !seen.insert(at) {
                continue;
            }
            match usize::try_from(at).ok().and_then(|at| self.expressions.get(at)) {
                Some(Expression::Not(part)) => open.push(*part),
                Some(Expression::All(parts) | Expression::Any(parts)) => open.extend(parts),
                Some(
                    Expression::Compare { left: first, right: second, .. }
                    | Expression::In { item: first, list: second }
                    | Expression::Contains { whole: first, part: second }
                    | Expression::StartsWith { text: first, affix: second }
                    | Expression::EndsWith { text: first, affix: second }
                    | Expression::Within { path: first, folder: second },
                ) => read.extend([first, second]),
                Some(Expression::Matches { text: operand, .. } | Expression::Truth(operand)) => {
                    read.push(*operand);
                }
                Some(Expression::Constant(_) | Expression::Has(_)) | None => {}
            }
        }
        seen.clear();
        while let Some(at) = read.pop() {
            if !seen.insert(at) {
                continue;
            }
            match usize::try_from(at).ok().and_then(|at| self.operands.get(at)) {
                Some(Operand::Fact(fact)) => facts.add(at, fact)?,
                Some(Operand::List(items)) => read.extend(items),
                Some(Operand::Lower(of) | Operand::Length(of) | Operand::Domain(of)) => read.push(*of),
                Some(Operand::Constant(_) | Operand::Path(_)) | None => {}
            }
        }
        Ok(facts)
    }
}
