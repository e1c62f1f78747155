//! What a decision looked at, in order, compactly: enough for a person to see why.

use faramesh_program::image::{Fact, Operand};
use faramesh_program::{Agent, Program};

use crate::outcome::{Outcome, Unknown};

/// Most tried rules that a trace keeps; the matching one is always kept.
pub const MAX_TRIED: usize = 64;

/// Room in place for the rules that most calls try: a decision then allocates nothing for them.
const IN_PLACE: usize = 8;

/// One rule that was tried.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Tried {
    /// The rule's number in its agent.
    pub rule: u32,
    /// What its condition gave.
    pub outcome: Outcome,
    /// Whether the rule applied.
    pub matched: bool,
}

/// The rules that a decision tried.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Trace {
    first: [Option<Tried>; IN_PLACE],
    count: usize,
    more: Vec<Tried>,
    /// Tried rules that were not kept.
    left_out: usize,
}

impl Trace {
    pub(crate) fn push(&mut self, tried: Tried) {
        if let Some(slot) = self.first.get_mut(self.count) {
            *slot = Some(tried);
            self.count += 1;
        } else if self.more.len() + IN_PLACE < MAX_TRIED || tried.matched {
            self.more.push(tried);
        } else {
            self.left_out += 1;
        }
    }

    /// The rules that were tried, in order.
    #[must_use]
    pub fn tried(&self) -> impl DoubleEndedIterator<Item = &Tried> {
        self.first.iter().flatten().chain(&self.more)
    }

    /// The trace as people read it: `no governance.fms:4`, `match governance.fms:5`.
    #[must_use]
    pub fn lines(&self, program: &Program, agent: &Agent) -> Vec<String> {
        let mut lines = Vec::with_capacity(self.count + 1);
        self.each_line(program, agent, &mut |line| lines.push(line.to_owned()));
        lines
    }

    /// Hands over each line of [`Trace::lines`].
    pub fn each_line(&self, program: &Program, agent: &Agent, take: &mut dyn FnMut(&str)) {
        let mut line = String::with_capacity(64);
        for tried in self.tried() {
            line.clear();
            line.push_str(if tried.matched { "match " } else { "no " });
            line.push_str(agent.rule(tried.rule).map_or("", |rule| &rule.reference));
            if let Outcome::Unknown(unknown) = tried.outcome {
                line.push_str(" (");
                line.push_str(&describe(unknown, program));
                line.push(')');
            }
            take(&line);
        }
        if self.left_out > 0 {
            take(&format!("{} more tried", self.left_out));
        }
    }
}

/// Why a condition is unknown, in words.
pub(crate) fn describe(unknown: Unknown, program: &Program) -> String {
    let name = |path: u32| program.path(path).map_or("a value", |path| &path.text);
    match unknown {
        Unknown::Absent(path) => format!("`{}` is absent", name(path)),
        Unknown::Type(Some(path)) => format!("`{}` has the wrong type", name(path)),
        Unknown::Type(None) => "a value has the wrong type".to_owned(),
        Unknown::Missing { operand, .. } => {
            let name = match program.operand(operand) {
                Some(Operand::Fact(fact)) => match &**fact {
                    Fact::Selector { name, .. } => name,
                    _ => "",
                },
                _ => "",
            };
            format!("the value of selector `{name}` cannot be had")
        }
        Unknown::Limit => "the evaluation reached its bound".to_owned(),
    }
}
