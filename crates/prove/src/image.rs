//! The agents of a compiled program as policies to ask about.

use faramesh_program::Image;
use faramesh_program::image::{self, AgentImage, Expression};

use crate::condition::{Condition, Operand, Policy, Rule};

/// Most parts of one condition; shared parts of a program count each time.
const MAX_PARTS: usize = 100_000;

impl Policy {
    /// The rules of an agent of a program.
    #[must_use]
    pub fn of_agent(image: &Image, agent: &AgentImage) -> Self {
        let rule = |rule: &image::RuleImage| Rule {
            effect: rule.effect,
            pattern: rule.pattern.clone(),
            condition: rule.condition.map(|index| Condition::of_program(image, index)),
        };
        Self {
            agent: agent.name.clone(),
            rules: agent.rules.iter().map(rule).collect(),
            default: agent.default,
        }
    }
}

impl Condition {
    /// A condition of a program.
    #[must_use]
    pub fn of_program(image: &Image, index: u32) -> Self {
        let mut reader = Reader { image, left: MAX_PARTS };
        reader
            .condition(index)
            .unwrap_or_else(|| Self::Outside("a condition of this size or form".to_owned()))
    }
}

struct Reader<'a> {
    image: &'a Image,
    left: usize,
}

fn at<T>(list: &[T], index: u32) -> Option<&T> {
    list.get(usize::try_from(index).ok()?)
}

impl Reader<'_> {
    /// References point backwards, which the loader checked and this checks again.
    fn condition(&mut self, index: u32) -> Option<Condition> {
        self.left = self.left.checked_sub(1)?;
        let image = self.image;
        let part = |reader: &mut Self, other: u32| {
            if other < index { reader.condition(other).map(Box::new) } else { None }
        };
        Some(match at(&image.expressions, index)? {
            Expression::Constant(value) => Condition::Constant(*value),
            Expression::Not(inner) => Condition::Not(part(self, *inner)?),
            Expression::All(parts) => Condition::All(
                parts.iter().map(|other| part(self, *other).map(|part| *part)).collect::<Option<_>>()?,
            ),
            Expression::Any(parts) => Condition::Any(
                parts.iter().map(|other| part(self, *other).map(|part| *part)).collect::<Option<_>>()?,
            ),
            Expression::Compare { comparison, left, right } => {
                Condition::Compare(*comparison, self.operand(*left)?, self.operand(*right)?)
            }
            Expression::In { item, list } => Condition::In(self.operand(*item)?, self.operand(*list)?),
            Expression::Contains { whole, part } => {
                Condition::Contains(self.operand(*whole)?, self.operand(*part)?)
            }
            Expression::Matches { text, regex } => {
                Condition::Matches(self.operand(*text)?, at(&image.regexes, *regex)?.clone())
            }
            Expression::StartsWith { text, affix } => {
                Condition::StartsWith(self.operand(*text)?, self.operand(*affix)?)
            }
            Expression::EndsWith { text, affix } => {
                Condition::EndsWith(self.operand(*text)?, self.operand(*affix)?)
            }
            Expression::Has(path) => Condition::Has(at(&image.paths, *path)?.clone()),
            Expression::Within { path, folder } => {
                Condition::Within(self.operand(*path)?, self.operand(*folder)?)
            }
            Expression::Truth(operand) => Condition::Truth(self.operand(*operand)?),
        })
    }

    fn operand(&mut self, index: u32) -> Option<Operand> {
        self.left = self.left.checked_sub(1)?;
        let image = self.image;
        let inner = |reader: &mut Self, other: u32| {
            if other < index { reader.operand(other) } else { None }
        };
        Some(match at(&image.operands, index)? {
            image::Operand::Constant(constant) => Operand::Constant(at(&image.constants, *constant)?.clone()),
            image::Operand::Path(path) => Operand::Path(at(&image.paths, *path)?.clone()),
            image::Operand::List(items) => {
                Operand::List(items.iter().map(|item| inner(self, *item)).collect::<Option<_>>()?)
            }
            image::Operand::Lower(of) => Operand::Lower(Box::new(inner(self, *of)?)),
            image::Operand::Length(of) => Operand::Length(Box::new(inner(self, *of)?)),
            // The prover knows nothing of sessions and selectors: the condition is outside.
            image::Operand::Fact(_) => return None,
            image::Operand::Domain(of) => Operand::Domain(Box::new(inner(self, *of)?)),
        })
    }
}
