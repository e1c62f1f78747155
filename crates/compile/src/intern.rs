//! Tables in which equal entries are one, so that a condition which a thousand rules share is
//! evaluated from one place and a regular expression is compiled once.

use std::collections::HashMap;
use std::hash::Hash;

use faramesh_program::Image;
use faramesh_program::image::{Constant, Expression, Operand, Path};

use crate::CompileError;

/// The tables of a program while it grows. A part is always interned before what uses it.
#[derive(Debug, Default)]
pub(crate) struct Interner {
    constants: Table<Constant>,
    paths: Table<Path>,
    regexes: Table<String>,
    operands: Table<Operand>,
    expressions: Table<Expression>,
}

#[derive(Debug)]
struct Table<T> {
    items: Vec<T>,
    /// Only ever looked up in: its order is of no consequence.
    numbers: HashMap<T, u32>,
}

impl<T> Default for Table<T> {
    fn default() -> Self {
        Self { items: Vec::new(), numbers: HashMap::new() }
    }
}

impl<T: Clone + Eq + Hash> Table<T> {
    fn add(&mut self, item: T, what: &'static str) -> Result<u32, CompileError> {
        if let Some(number) = self.numbers.get(&item) {
            return Ok(*number);
        }
        let number = u32::try_from(self.items.len()).map_err(|_| CompileError::TooMany(what))?;
        self.items.push(item.clone());
        self.numbers.insert(item, number);
        Ok(number)
    }
}

impl Interner {
    pub fn constant(&mut self, constant: Constant) -> Result<u32, CompileError> {
        let number = self.constants.add(constant, "constants")?;
        self.add_operand(Operand::Constant(number))
    }

    pub fn path(&mut self, path: Path) -> Result<u32, CompileError> {
        let number = self.bare_path(path)?;
        self.add_operand(Operand::Path(number))
    }

    /// The number of a path itself, not of the operand that reads it.
    pub fn bare_path(&mut self, path: Path) -> Result<u32, CompileError> {
        self.paths.add(path, "paths")
    }

    pub fn regex(&mut self, regex: String) -> Result<u32, CompileError> {
        self.regexes.add(regex, "regular expressions")
    }

    pub fn add_operand(&mut self, operand: Operand) -> Result<u32, CompileError> {
        self.operands.add(operand, "operands")
    }

    pub fn add(&mut self, expression: Expression) -> Result<u32, CompileError> {
        self.expressions.add(expression, "conditions")
    }

    /// An image with these tables and nothing else.
    pub fn into_image(self) -> Image {
        Image {
            constants: self.constants.items,
            paths: self.paths.items,
            regexes: self.regexes.items,
            operands: self.operands.items,
            expressions: self.expressions.items,
            ..Image::default()
        }
    }
}
