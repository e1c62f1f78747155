//! When two values are equal, and when asking makes no sense.

use faramesh_call::Value;

use crate::address::{self, Address};
use crate::decimal::Decimal;
use crate::operand::{Operand, Origin};
use crate::path::normalise;
use crate::truth::{Truth, Unknown};

/// The answer to `==`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Equality {
    Equal,
    Different,
    /// The types are unlike.
    Unlike,
    /// A domain was asked for, and the text is no single address.
    Malformed,
}

impl From<bool> for Equality {
    fn from(equal: bool) -> Self {
        if equal { Self::Equal } else { Self::Different }
    }
}

/// Equality of two values, wherever they come from. `null` equals only `null`.
pub(crate) fn values(left: &Value, right: &Value) -> Equality {
    match (left, right) {
        (Value::Null, Value::Null) => Equality::Equal,
        (Value::Null, _) | (_, Value::Null) => Equality::Different,
        (Value::Bool(left), Value::Bool(right)) => (left == right).into(),
        (Value::Number(_), Value::Number(_))
        | (Value::String(_), Value::String(_))
        | (Value::List(_), Value::List(_))
        | (Value::Object(_), Value::Object(_)) => same(left, right).into(),
        _ => Equality::Unlike,
    }
}

/// Whether two values are the same, parts included.
fn same(left: &Value, right: &Value) -> bool {
    match (left, right) {
        (Value::Number(left), Value::Number(right)) => {
            Decimal::parse(&left.to_string()) == Decimal::parse(&right.to_string())
        }
        (Value::List(left), Value::List(right)) => {
            left.len() == right.len() && left.iter().zip(right).all(|(left, right)| same(left, right))
        }
        (Value::Object(left), Value::Object(right)) => {
            left.len() == right.len()
                && left
                    .iter()
                    .zip(right.iter())
                    .all(|(left, right)| left.0 == right.0 && same(left.1, right.1))
        }
        _ => left == right,
    }
}

/// Equality of two operands that are known. What the author wrote is taken in the form of the other
/// side: a path beside `path`, and a domain when it begins with `@`.
pub(crate) fn operands(left: &Operand, right: &Operand) -> Equality {
    let (Ok(left_value), Ok(right_value)) = (&left.value, &right.value) else { return Equality::Unlike };
    let (Value::String(left_text), Value::String(right_text)) = (left_value, right_value) else {
        return values(left_value, right_value);
    };
    let in_form = |operand: &Operand, other: &Operand, text: &str| {
        if operand.origin == Origin::Author && other.origin == Origin::NormalPath {
            normalise(text)
        } else {
            text.to_owned()
        }
    };
    let (left_text, right_text) = (in_form(left, right, left_text), in_form(right, left, right_text));
    if right.origin == Origin::Author && right_text.starts_with('@') {
        return at_domain(&left_text, &right_text);
    }
    if left.origin == Origin::Author && left_text.starts_with('@') {
        return at_domain(&right_text, &left_text);
    }
    (left_text == right_text).into()
}

/// Whether a text is an address at exactly a domain, or that domain itself.
fn at_domain(text: &str, literal: &str) -> Equality {
    if text.eq_ignore_ascii_case(literal) {
        return Equality::Equal;
    }
    let bare = literal.strip_prefix('@').unwrap_or(literal);
    let domain = bare.strip_suffix('.').unwrap_or(bare).to_ascii_lowercase();
    match address::read(text) {
        Address::At(found) | Address::Domain(found) => (found == domain).into(),
        Address::None => Equality::Different,
        Address::Malformed => Equality::Malformed,
    }
}

/// Whether an item is among elements. An element that the author wrote, or that stands in a list of the
/// call, may be of another type, unless all are; one that the author reads from the call may not.
pub(crate) fn among(item: &Operand, elements: &[Operand], of_call: bool) -> Truth {
    if let Err(why) = item.value {
        let unknown = elements.iter().filter_map(|element| element.value.as_ref().err()).max();
        return Truth::Unknown(why.max(unknown.copied().unwrap_or(why)));
    }
    let mut result = Truth::False;
    let mut comparable = elements.is_empty();
    for element in elements {
        let here = match (&element.value, operands(item, element)) {
            (Err(why), _) => Truth::Unknown(*why),
            (Ok(_), Equality::Equal) => Truth::True,
            (Ok(_), Equality::Different) => {
                comparable = true;
                Truth::False
            }
            (Ok(_), Equality::Unlike) if of_call || element.origin == Origin::Author => Truth::False,
            (Ok(_), Equality::Unlike | Equality::Malformed) => Truth::Unknown(Unknown::Type),
        };
        result = result.or(here);
    }
    if result == Truth::False && !comparable { Truth::Unknown(Unknown::Type) } else { result }
}
