//! Conditions. Every operand is read and held against the types that its operator takes; of several
//! unknowns the strictest counts.

use std::cell::RefCell;
use std::collections::BTreeMap;

use faramesh_call::{Call, Timestamp, Value};
use faramesh_syntax::ast::{BinaryOp, Expr, Spanned};
use regex::Regex;

use crate::constant::Environment;
use crate::decimal::Decimal;
use crate::equality::{self, Equality, among};
use crate::operand::{Operand, Origin};
use crate::path::{begins, within};
use crate::truth::{Truth, Unknown};

/// Everything that a condition can see.
pub(crate) struct Situation<'a> {
    pub source: &'a str,
    pub environment: Environment<'a>,
    pub variables: &'a BTreeMap<String, Value>,
    pub timezone: &'a str,
    pub agent: &'a str,
    pub call: &'a Call,
    pub now: Timestamp,
    /// Regular expressions met so far: nothing else is kept, and only because compiling one takes so long.
    pub regexes: &'a RefCell<BTreeMap<String, Regex>>,
}

impl Situation<'_> {
    /// The value of a condition.
    pub(crate) fn condition(&self, expr: &Spanned<Expr>) -> Truth {
        match &expr.node {
            Expr::Not(inner) => self.condition(inner).negated(),
            Expr::And(left, right) => self.condition(left).and(self.condition(right)),
            Expr::Or(left, right) => self.condition(left).or(self.condition(right)),
            Expr::Binary { op, left, right } => {
                self.binary(op.node, &self.operand(left), &self.operand(right))
            }
            Expr::Method { receiver, name, args } if name.node == "starts_with" => {
                self.texts(receiver, args.first(), |text, prefix| {
                    if text.origin == Origin::NormalPath
                        && let (Ok(path), Some(prefix)) = (text.text(), prefix.authors_text())
                    {
                        return begins(path, prefix);
                    }
                    Some(text.text().ok()?.starts_with(prefix.text().ok()?))
                })
            }
            Expr::Method { receiver, name, args } if name.node == "ends_with" => {
                self.texts(receiver, args.first(), |text, end| {
                    Some(text.text().ok()?.ends_with(end.text().ok()?))
                })
            }
            Expr::Call { function, args, .. } if function.node == "within" => match args.as_slice() {
                [path, folder] => self
                    .texts(path, Some(folder), |path, folder| within(path.text().ok()?, folder.text().ok()?)),
                _ => Truth::Unknown(Unknown::Type),
            },
            Expr::Call { function, args, .. } if function.node == "has" => match args.as_slice() {
                [Spanned { node: Expr::Path { root, steps }, .. }] => self.has(&root.node, steps).into(),
                _ => Truth::Unknown(Unknown::Type),
            },
            _ => match self.operand(expr).value {
                Ok(Value::Bool(value)) => value.into(),
                Ok(_) => Truth::Unknown(Unknown::Type),
                Err(why) => Truth::Unknown(why),
            },
        }
    }

    /// A test of two texts. `None` from the test is a type error.
    fn texts(
        &self,
        left: &Spanned<Expr>,
        right: Option<&Spanned<Expr>>,
        test: impl Fn(&Operand, &Operand) -> Option<bool>,
    ) -> Truth {
        let Some(right) = right else { return Truth::Unknown(Unknown::Type) };
        let (left, right) = (self.operand(left), self.operand(right));
        if let Some(why) = strictest([left.text().err(), right.text().err()]) {
            return Truth::Unknown(why);
        }
        test(&left, &right).map_or(Truth::Unknown(Unknown::Type), Truth::from)
    }

    fn binary(&self, op: BinaryOp, left: &Operand, right: &Operand) -> Truth {
        match op {
            BinaryOp::Equal => equal(left, right),
            BinaryOp::NotEqual => equal(left, right).negated(),
            BinaryOp::Less => ordered(left, right, |order| order.is_lt()),
            BinaryOp::LessEqual => ordered(left, right, |order| order.is_le()),
            BinaryOp::Greater => ordered(left, right, |order| order.is_gt()),
            BinaryOp::GreaterEqual => ordered(left, right, |order| order.is_ge()),
            BinaryOp::In => is_in(left, right),
            BinaryOp::NotIn => is_in(left, right).negated(),
            BinaryOp::Contains => contains(left, right),
            BinaryOp::Matches => match (left.text(), right.text()) {
                (Ok(text), Ok(regex)) => self.matches(text, regex),
                (left, right) => strictest([left.err(), right.err()]).map_or(Truth::False, Truth::Unknown),
            },
        }
    }

    fn matches(&self, text: &str, regex: &str) -> Truth {
        let mut regexes = self.regexes.borrow_mut();
        if !regexes.contains_key(regex) {
            let Ok(compiled) = Regex::new(regex) else { return Truth::Unknown(Unknown::Type) };
            regexes.insert(regex.to_owned(), compiled);
        }
        regexes.get(regex).map_or(Truth::Unknown(Unknown::Type), |regex| regex.is_match(text).into())
    }
}

fn strictest<const N: usize>(unknowns: [Option<Unknown>; N]) -> Option<Unknown> {
    unknowns.into_iter().flatten().max()
}

fn unknown(operand: &Operand) -> Option<Unknown> {
    operand.value.as_ref().err().copied()
}

fn equal(left: &Operand, right: &Operand) -> Truth {
    if let Some(why) = strictest([unknown(left), unknown(right)]) {
        return Truth::Unknown(why);
    }
    match equality::operands(left, right) {
        Equality::Equal => Truth::True,
        Equality::Different => Truth::False,
        Equality::Unlike | Equality::Malformed => Truth::Unknown(Unknown::Type),
    }
}

fn ordered(left: &Operand, right: &Operand, holds: fn(std::cmp::Ordering) -> bool) -> Truth {
    let misfit = |operand: &Operand| match &operand.value {
        Ok(Value::Number(_) | Value::String(_)) => None,
        Ok(_) => Some(Unknown::Type),
        Err(why) => Some(*why),
    };
    if let Some(why) = strictest([misfit(left), misfit(right)]) {
        return Truth::Unknown(why);
    }
    match (&left.value, &right.value) {
        (Ok(Value::Number(left)), Ok(Value::Number(right))) => {
            let (left, right) = (Decimal::parse(&left.to_string()), Decimal::parse(&right.to_string()));
            holds(left.cmp(&right)).into()
        }
        (Ok(Value::String(left)), Ok(Value::String(right))) => holds(left.chars().cmp(right.chars())).into(),
        _ => Truth::Unknown(Unknown::Type),
    }
}

fn is_in(item: &Operand, list: &Operand) -> Truth {
    if let Some(elements) = &list.elements {
        return among(item, elements, false);
    }
    match &list.value {
        Ok(Value::List(items)) => {
            let elements: Vec<Operand> = items.iter().cloned().map(|item| Operand::call(Ok(item))).collect();
            among(item, &elements, true)
        }
        Ok(_) => Truth::Unknown(Unknown::Type),
        Err(why) => Truth::Unknown(strictest([Some(*why), unknown(item)]).unwrap_or(*why)),
    }
}

/// A list has an element, or a text a part.
fn contains(whole: &Operand, part: &Operand) -> Truth {
    if whole.elements.is_some() || matches!(whole.value, Ok(Value::List(_))) {
        return is_in(part, whole);
    }
    match (&whole.value, &part.value) {
        (Ok(Value::String(whole)), Ok(Value::String(part))) => whole.contains(&**part).into(),
        // A part of a text is a text.
        (Ok(_), _) if !matches!(whole.value, Ok(Value::String(_))) => Truth::Unknown(Unknown::Type),
        (Ok(_), Err(why)) => Truth::Unknown(*why),
        (Ok(_), Ok(_)) => Truth::Unknown(Unknown::Type),
        (Err(why), _) => Truth::Unknown(strictest([Some(*why), unknown(part)]).unwrap_or(*why)),
    }
}
