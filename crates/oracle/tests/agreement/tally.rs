//! What a run tried, so that agreement means something.

use std::collections::BTreeMap;
use std::fmt;

use faramesh_call::Effect;
use faramesh_oracle::{Answer, Truth, Unknown, constructs};

#[derive(Debug, Default)]
pub struct Tally {
    pub pairs: usize,
    pub policies: usize,
    pub refused: usize,
    pub by_default: usize,
    pub permits: usize,
    pub defers: usize,
    pub denies: usize,
    /// Calls on whose way a condition was unknown, for an absence and for a type.
    pub absent: usize,
    pub wrong_type: usize,
    /// Calls that an unknown condition decided.
    pub decided_by_unknown: usize,
    /// Calls that a rule with a condition or a clause decided.
    pub conditional: usize,
    constructs: BTreeMap<&'static str, usize>,
}

impl Tally {
    pub fn add(&mut self, answer: &Answer) {
        self.pairs += 1;
        match answer.effect {
            Effect::Permit => self.permits += 1,
            Effect::Defer => self.defers += 1,
            Effect::Deny => self.denies += 1,
        }
        self.absent += usize::from(answer.unknowns.0 > 0);
        self.wrong_type += usize::from(answer.unknowns.1 > 0);
        let Some(deciding) = &answer.rule else {
            self.by_default += 1;
            return;
        };
        let unknown = matches!(deciding.truth, Truth::Unknown(Unknown::Absent | Unknown::Type));
        self.decided_by_unknown += usize::from(unknown);
        let used = constructs::of_rule(&deciding.rule);
        self.conditional += usize::from(!used.is_empty());
        for construct in used {
            *self.constructs.entry(construct).or_default() += 1;
        }
    }

    /// Everything that must be common enough and is not.
    pub fn gaps(&self) -> Vec<String> {
        let mut gaps = Vec::new();
        let mut at_least = |what: &str, found: usize, of: usize, percent: usize| {
            if found * 100 < of * percent {
                gaps.push(format!("{what}: {found} of {of}, wanted {percent} %"));
            }
        };
        at_least("permits", self.permits, self.pairs, 10);
        at_least("defers", self.defers, self.pairs, 10);
        at_least("denies", self.denies, self.pairs, 10);
        at_least("decided by a rule", self.pairs - self.by_default, self.pairs, 40);
        at_least("conditional", self.conditional, self.pairs, 20);
        at_least("with an absence", self.absent, self.pairs, 10);
        at_least("with a wrong type", self.wrong_type, self.pairs, 5);
        at_least("decided by an unknown", self.decided_by_unknown, self.pairs, 2);
        at_least("policies accepted", self.policies, self.policies + self.refused, 90);
        for construct in constructs::ALL {
            let found = self.constructs.get(construct).copied().unwrap_or(0);
            at_least(construct, found, self.conditional, 1);
        }
        gaps
    }
}

impl fmt::Display for Tally {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(out, "{} calls under {} policies ({} refused)", self.pairs, self.policies, self.refused)?;
        writeln!(out, "permit {}, defer {}, deny {}", self.permits, self.defers, self.denies)?;
        writeln!(
            out,
            "decided by default {}, by a conditional rule {}, by an unknown {}; with an absence {}, a wrong type {}",
            self.by_default, self.conditional, self.decided_by_unknown, self.absent, self.wrong_type
        )?;
        writeln!(out, "constructs in deciding rules, in percent of the conditional ones:")?;
        for construct in constructs::ALL {
            let found = self.constructs.get(construct).copied().unwrap_or(0);
            write!(out, "  {construct} {:.1}", 100.0 * found as f64 / self.conditional.max(1) as f64)?;
        }
        writeln!(out)
    }
}
