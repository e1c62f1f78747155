//! Conditions of a checked stack to expressions of a program, each form to the one of its name.

use faramesh_check::desugar;
use faramesh_check::stack::{Expression, Operand, Rule};
use faramesh_program::image;

use crate::CompileError;
use crate::intern::Interner;

impl Interner {
    /// The condition of a rule and its clauses, as one.
    pub fn rule_condition(&mut self, rule: &Rule) -> Result<Option<u32>, CompileError> {
        desugar::rule_condition(rule).map(|condition| self.expression(&condition)).transpose()
    }

    /// One expression; checking bounds the recursion.
    pub fn expression(&mut self, expression: &Expression) -> Result<u32, CompileError> {
        let compiled = match expression {
            Expression::Constant(value) => image::Expression::Constant(*value),
            Expression::Not(inner) => image::Expression::Not(self.expression(inner)?),
            Expression::All(parts) => image::Expression::All(self.expressions(parts)?),
            Expression::Any(parts) => image::Expression::Any(self.expressions(parts)?),
            Expression::Compare { comparison, left, right } => image::Expression::Compare {
                comparison: *comparison,
                left: self.operand(left)?,
                right: self.operand(right)?,
            },
            Expression::In { item, list } => {
                image::Expression::In { item: self.operand(item)?, list: self.operand(list)? }
            }
            Expression::Contains { whole, part } => {
                image::Expression::Contains { whole: self.operand(whole)?, part: self.operand(part)? }
            }
            Expression::Matches { text, regex } => {
                image::Expression::Matches { text: self.operand(text)?, regex: self.regex(regex.clone())? }
            }
            Expression::StartsWith { text, affix } => {
                image::Expression::StartsWith { text: self.operand(text)?, affix: self.operand(affix)? }
            }
            Expression::EndsWith { text, affix } => {
                image::Expression::EndsWith { text: self.operand(text)?, affix: self.operand(affix)? }
            }
            Expression::Has(path) => image::Expression::Has(self.bare_path(path.clone())?),
            Expression::Within { path, folder } => {
                image::Expression::Within { path: self.operand(path)?, folder: self.operand(folder)? }
            }
            Expression::Truth(operand) => image::Expression::Truth(self.operand(operand)?),
        };
        self.add(compiled)
    }

    fn expressions(&mut self, parts: &[Expression]) -> Result<Vec<u32>, CompileError> {
        parts.iter().map(|part| self.expression(part)).collect()
    }

    pub fn operand(&mut self, operand: &Operand) -> Result<u32, CompileError> {
        match operand {
            Operand::Constant(constant) => self.constant(constant.clone()),
            Operand::Path(path) => self.path(path.clone()),
            Operand::Fact(fact) => self.add_operand(image::Operand::Fact(fact.clone())),
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
