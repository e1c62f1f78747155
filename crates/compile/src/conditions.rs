//! Conditions of a checked stack to expressions of a program.

use faramesh_check::stack::{Expression, Operand, Rule};
use faramesh_program::image;

use crate::CompileError;
use crate::intern::Interner;
use crate::paths;

impl Interner {
    /// The condition of a rule and its clauses, as one.
    pub fn rule_condition(&mut self, rule: &Rule) -> Result<Option<u32>, CompileError> {
        // Clauses are cheap and select, so they come first; `and` gives the same in any order.
        let mut parts = Vec::with_capacity(rule.clauses.len() + 1);
        for clause in &rule.clauses {
            parts.push(self.clause(clause)?);
        }
        match rule.condition.as_ref().map(|condition| &condition.expression) {
            Some(Expression::All(terms)) => {
                for term in terms {
                    parts.push(self.expression(term)?);
                }
            }
            Some(condition) => parts.push(self.expression(condition)?),
            None => {}
        }
        self.all(parts)
    }

    fn all(&mut self, mut parts: Vec<u32>) -> Result<Option<u32>, CompileError> {
        match parts.len() {
            0 | 1 => Ok(parts.pop()),
            _ => self.add(image::Expression::All(parts)).map(Some),
        }
    }

    /// One expression; checking bounds the recursion.
    pub fn expression(&mut self, expression: &Expression) -> Result<u32, CompileError> {
        let compiled = match expression {
            Expression::Constant(value) => image::Expression::Constant(*value),
            Expression::Not(inner) => image::Expression::Not(self.expression(inner)?),
            Expression::All(parts) => image::Expression::All(self.expressions(parts)?),
            Expression::Any(parts) => image::Expression::Any(self.expressions(parts)?),
            Expression::Compare { comparison, left, right } => {
                let equality = matches!(comparison, image::Comparison::Equal | image::Comparison::NotEqual);
                let (left, right) = if equality {
                    (self.operand_beside(left, right)?, self.operand_beside(right, left)?)
                } else {
                    (self.operand(left)?, self.operand(right)?)
                };
                image::Expression::Compare { comparison: *comparison, left, right }
            }
            Expression::In { item, list } => self.is_in(item, list)?,
            Expression::Contains { whole, part } => {
                image::Expression::Contains { whole: self.operand(whole)?, part: self.operand(part)? }
            }
            Expression::Matches { text, regex } => {
                image::Expression::Matches { text: self.operand(text)?, regex: self.regex(regex.clone())? }
            }
            Expression::StartsWith { text, affix } => self.starts_with(text, affix)?,
            Expression::EndsWith { text, affix } => {
                image::Expression::EndsWith { text: self.operand(text)?, affix: self.operand(affix)? }
            }
            Expression::Has(path) => image::Expression::Has(self.bare_path(path.clone())?),
            Expression::Within { path, folder } => image::Expression::Within {
                path: self.operand(path)?,
                folder: self.operand_beside(folder, path)?,
            },
            Expression::Truth(operand) => image::Expression::Truth(self.operand(operand)?),
        };
        self.add(compiled)
    }

    fn expressions(&mut self, parts: &[Expression]) -> Result<Vec<u32>, CompileError> {
        parts.iter().map(|part| self.expression(part)).collect()
    }

    fn is_in(&mut self, item: &Operand, list: &Operand) -> Result<image::Expression, CompileError> {
        // A constant among reads has its own form beside the normalised path, and another beside the rest.
        if paths::text_of(item).is_some()
            && let Operand::List(items) = list
            && let (beside, rest) = items.iter().cloned().partition::<Vec<_>, _>(paths::is_normalised)
            && !beside.is_empty()
        {
            let (comparison, mut parts) = (image::Comparison::Equal, Vec::with_capacity(beside.len() + 1));
            for path in beside {
                let compare = Expression::Compare { comparison, left: item.clone(), right: path };
                parts.push(self.expression(&compare)?);
            }
            if !rest.is_empty() {
                parts.push(
                    self.expression(&Expression::In { item: item.clone(), list: Operand::List(rest) })?,
                );
            }
            return Ok(image::Expression::Any(parts));
        }
        Ok(image::Expression::In { item: self.operand(item)?, list: self.operand_beside(list, item)? })
    }

    fn starts_with(&mut self, text: &Operand, affix: &Operand) -> Result<image::Expression, CompileError> {
        if paths::is_normalised(text)
            && let Some(prefix) = paths::text_of(affix)
        {
            // No normalised path begins with `./`, and those that it means are all in that folder.
            if paths::is_current_folder(prefix) {
                let folder = self.operand(&paths::constant(".".to_owned()))?;
                return Ok(image::Expression::Within { path: self.operand(text)?, folder });
            }
            let affix = self.operand(&paths::constant(paths::prefix(prefix)))?;
            return Ok(image::Expression::StartsWith { text: self.operand(text)?, affix });
        }
        Ok(image::Expression::StartsWith { text: self.operand(text)?, affix: self.operand(affix)? })
    }

    /// An operand; a constant in the form of normalised paths if `other` is one.
    fn operand_beside(&mut self, operand: &Operand, other: &Operand) -> Result<u32, CompileError> {
        if paths::is_normalised(other) {
            self.operand(&paths::normalised(operand))
        } else {
            self.operand(operand)
        }
    }

    fn operand(&mut self, operand: &Operand) -> Result<u32, CompileError> {
        match operand {
            Operand::Constant(constant) => self.constant(constant.clone()),
            Operand::Path(path) => self.path(path.clone()),
            Operand::List(items) => {
                let items = items.iter().map(|item| self.operand(item)).collect::<Result<_, _>>()?;
                self.add_operand(image::Operand::List(items))
            }
            Operand::Lower(of) => {
                let of = self.operand(of)?;
                self.add_operand(image::Operand::Lower(of))
            }
            Operand::Length(of) => {
                let of = self.operand(of)?;
                self.add_operand(image::Operand::Length(of))
            }
            Operand::Domain(of) => {
                let of = self.operand(of)?;
                self.add_operand(image::Operand::Domain(of))
            }
        }
    }
}
