//! Constants in the form that evaluation reads.

use faramesh_call::Number;
use faramesh_call::value::Value;

use crate::image::{Constant, Scalar};
use crate::load::LoadError;

/// A constant in the form that evaluation reads.
#[derive(Debug)]
pub enum ConstantValue {
    /// A single value.
    Scalar(Value),
    /// A list, sorted for look-up.
    List(ConstantList),
}

/// A list of constants, split by kind.
#[derive(Debug, Default)]
pub struct ConstantList {
    /// Texts, sorted.
    pub texts: Vec<Box<str>>,
    /// Texts that begin with `@`, in small letters: any address at exactly that domain.
    pub domains: Vec<Box<str>>,
    /// Numbers, sorted.
    pub numbers: Vec<Number>,
    /// `true` and `false`, when present.
    pub bools: Vec<bool>,
    /// Whether `null` is present.
    pub null: bool,
}

impl ConstantList {
    /// Whether it has nothing at all.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.texts.is_empty()
            && self.domains.is_empty()
            && self.numbers.is_empty()
            && self.bools.is_empty()
            && !self.null
    }
}

impl ConstantValue {
    pub(crate) fn load(constant: Constant) -> Result<Self, LoadError> {
        match constant {
            Constant::Scalar(scalar) => scalar_value(scalar).map(Self::Scalar),
            Constant::List(items) => {
                let mut list = ConstantList::default();
                for item in items {
                    match scalar_value(item)? {
                        Value::Number(number) => list.numbers.push(number),
                        Value::String(text) if text.starts_with('@') => {
                            list.domains.push(text.to_ascii_lowercase().into());
                        }
                        Value::String(text) => list.texts.push(text),
                        Value::Bool(value) => list.bools.push(value),
                        _ => list.null = true,
                    }
                }
                list.texts.sort();
                list.domains.sort();
                list.numbers.sort();
                Ok(Self::List(list))
            }
        }
    }
}

fn scalar_value(scalar: Scalar) -> Result<Value, LoadError> {
    Ok(match scalar {
        Scalar::Null => Value::Null,
        Scalar::Bool(value) => Value::Bool(value),
        Scalar::Number(text) => {
            Value::Number(Number::parse(&text).map_err(|_| LoadError::Damaged("a constant is no number"))?)
        }
        Scalar::String(text) => Value::String(text.into()),
    })
}
