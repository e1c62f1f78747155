//! Atoms: one test of one place against constants. What an atom comes to for a value is said here as the
//! engine says it; the languages of `language` must agree, and a test compares all three.

use std::borrow::Cow;
use std::cmp::Ordering;

use faramesh_call::path::{normalise, within};
use faramesh_call::{Number, Value};
use faramesh_program::image::Scalar;

use crate::address::{self, Address};
use crate::outcomes::{ABSENT, FALSE, MISFIT, Outcomes, TRUE};
use crate::table::Tables;

/// A constant.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(crate) enum Plain {
    Null,
    Bool(bool),
    Number(Number),
    Text(Box<str>),
}

impl Plain {
    /// `None` for a number that does not read, which no compiler writes.
    pub fn of(scalar: &Scalar) -> Option<Self> {
        Some(match scalar {
            Scalar::Null => Self::Null,
            Scalar::Bool(value) => Self::Bool(*value),
            Scalar::Number(text) => Self::Number(Number::parse(text).ok()?),
            Scalar::String(text) => Self::Text(text.as_str().into()),
        })
    }

    pub fn value(&self) -> Value {
        match self {
            Self::Null => Value::Null,
            Self::Bool(value) => Value::Bool(*value),
            Self::Number(number) => Value::Number(number.clone()),
            Self::Text(text) => Value::String(text.clone()),
        }
    }

    /// Whether the constant stands for a domain in an equality.
    pub fn is_domain(&self) -> bool {
        matches!(self, Self::Text(text) if text.starts_with('@'))
    }
}

/// What is done with a value before it is tested.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) enum Method {
    None,
    Lower,
    Domain,
    Length,
}

/// What is asked about a value.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(crate) enum Test {
    Present,
    True,
    Equal(Plain),
    Less(Plain),
    LessEqual(Plain),
    /// The value is one of these.
    Among(Vec<Plain>),
    /// The value is a list that has this element.
    Holds(Plain),
    /// The value is a list that has this element, or a text with this part.
    Contains(Plain),
    Matches(String),
    StartsWith(String),
    EndsWith(String),
    Within(String),
}

/// A test of a value.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(crate) struct Question {
    /// Whether a text is normalised as a path first.
    pub normalised: bool,
    /// Whether the place is asked for as a part of a request, which arguments that are no object lack.
    pub of_request: bool,
    pub method: Method,
    pub test: Test,
}

/// What a call has at a place.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Reading {
    Absent,
    /// A misfit on the way there.
    Broken,
    /// The arguments are no object.
    Rootless,
    Value(Value),
}

impl Question {
    /// What the test comes to; `None` when that cannot be told.
    pub fn outcome(&self, reading: &Reading, tables: &Tables) -> Option<Outcomes> {
        match (reading, &self.test) {
            (Reading::Value(_), Test::Present) => Some(TRUE),
            (_, Test::Present) => Some(FALSE),
            (Reading::Absent, _) => Some(ABSENT),
            (Reading::Rootless, _) if self.of_request => Some(ABSENT),
            (Reading::Broken | Reading::Rootless, _) => Some(MISFIT),
            (Reading::Value(value), _) => self.of_value(value, tables),
        }
    }

    fn of_value(&self, value: &Value, tables: &Tables) -> Option<Outcomes> {
        let text =
            value.as_str().map(|text| if self.normalised { normalise(text) } else { Cow::Borrowed(text) });
        match (self.method, text) {
            (Method::None, None) => self.of_other(value),
            (Method::None, Some(text)) => self.of_text(&text, tables),
            (Method::Lower, Some(text)) => self.of_text(&text.to_lowercase(), tables),
            (Method::Domain, Some(text)) => match address::parse(&text) {
                Address::Domain(domain) => self.of_text(&format!("@{}", domain.to_ascii_lowercase()), tables),
                _ => Some(MISFIT),
            },
            (Method::Length, Some(text)) => self.of_number(&text.chars().count().into()),
            (Method::Length, None) => match value {
                Value::List(items) => self.of_number(&items.len().into()),
                _ => Some(MISFIT),
            },
            _ => Some(MISFIT),
        }
    }

    /// What the test comes to for a number that a method gave.
    pub fn of_number(&self, value: &Value) -> Option<Outcomes> {
        self.of_other(value)
    }

    fn of_text(&self, text: &str, tables: &Tables) -> Option<Outcomes> {
        Some(match &self.test {
            Test::Equal(Plain::Text(constant)) if constant.starts_with('@') => at_domain(text, constant),
            Test::Equal(Plain::Text(constant)) => (*text == **constant).into(),
            Test::Equal(Plain::Null) => FALSE,
            Test::Less(Plain::Text(constant)) => (*text < **constant).into(),
            Test::LessEqual(Plain::Text(constant)) => (*text <= **constant).into(),
            Test::Among(constants) => text_among(text, constants),
            Test::Contains(Plain::Text(part)) => text.contains(&**part).into(),
            Test::Matches(regex) => tables.regex(regex)?.accepts(text.as_bytes())?.into(),
            Test::StartsWith(affix) => text.starts_with(affix.as_str()).into(),
            Test::EndsWith(affix) => text.ends_with(affix.as_str()).into(),
            Test::Within(folder) if text.contains('\0') || folder.contains('\0') => MISFIT,
            Test::Within(folder) => within(text, folder).into(),
            _ => MISFIT,
        })
    }

    /// What the test comes to for anything but a text.
    fn of_other(&self, value: &Value) -> Option<Outcomes> {
        let order = |constant: &Plain| match (value, constant) {
            (Value::Number(found), Plain::Number(constant)) => Some(found.cmp(constant)),
            _ => None,
        };
        Some(match &self.test {
            Test::True => value.as_bool().map_or(MISFIT, Outcomes::from),
            Test::Equal(constant) => equal(value, constant).map_or(MISFIT, Outcomes::from),
            Test::Less(constant) => order(constant).map_or(MISFIT, |order| (order == Ordering::Less).into()),
            Test::LessEqual(constant) => {
                order(constant).map_or(MISFIT, |order| (order != Ordering::Greater).into())
            }
            Test::Among(constants) => among(value, constants),
            Test::Holds(constant) | Test::Contains(constant) => match value {
                Value::List(items) => has_element(items, constant),
                _ => MISFIT,
            },
            _ => MISFIT,
        })
    }
}

/// Equality of a value and a constant; `None` when their types are unlike.
pub(crate) fn equal(value: &Value, constant: &Plain) -> Option<bool> {
    match (value, constant) {
        (Value::Null, Plain::Null) => Some(true),
        (Value::Null, _) | (_, Plain::Null) => Some(false),
        (Value::Bool(value), Plain::Bool(constant)) => Some(value == constant),
        (Value::Number(value), Plain::Number(constant)) => Some(value == constant),
        (Value::String(value), Plain::Text(constant)) => Some(value == constant),
        _ => None,
    }
}

fn at_domain(text: &str, constant: &str) -> Outcomes {
    if text.eq_ignore_ascii_case(constant) {
        return TRUE;
    }
    let domain = constant.strip_prefix('@').unwrap_or(constant);
    let domain = domain.strip_suffix('.').unwrap_or(domain);
    if let Some(found) = address::bare_domain(text) {
        return found.eq_ignore_ascii_case(domain).into();
    }
    match address::parse(text) {
        Address::Domain(found) => found.eq_ignore_ascii_case(domain).into(),
        Address::None => FALSE,
        Address::Malformed => MISFIT,
    }
}

fn text_among(text: &str, constants: &[Plain]) -> Outcomes {
    let texts: Vec<&str> = constants
        .iter()
        .filter_map(|constant| match constant {
            Plain::Text(constant) => Some(&**constant),
            _ => None,
        })
        .collect();
    if texts.iter().any(|constant| !constant.starts_with('@') && *constant == text) {
        return TRUE;
    }
    let domains: Vec<&str> = texts.iter().copied().filter(|constant| constant.starts_with('@')).collect();
    if domains.is_empty() {
        let comparable = !texts.is_empty() || constants.is_empty() || constants.contains(&Plain::Null);
        return if comparable { FALSE } else { MISFIT };
    }
    let is_known = |domain: &str| domains.iter().any(|constant| constant.eq_ignore_ascii_case(domain));
    let is_at = |found: &str| is_known(&format!("@{found}")) || is_known(&format!("@{found}."));
    if let Some(found) = address::bare_domain(text) {
        return is_at(found).into();
    }
    match address::parse(text) {
        Address::Domain(found) => is_at(found).into(),
        Address::None => FALSE,
        Address::Malformed if is_known(text) => TRUE,
        Address::Malformed => MISFIT,
    }
}

fn among(value: &Value, constants: &[Plain]) -> Outcomes {
    let same_type = |constant: &&Plain| match (value, constant) {
        (Value::Number(_), Plain::Number(_)) | (Value::Bool(_), Plain::Bool(_)) => true,
        _ => matches!(value, Value::Null),
    };
    if constants.iter().any(|constant| equal(value, constant) == Some(true)) {
        return TRUE;
    }
    let comparable = constants.is_empty()
        || constants.contains(&Plain::Null)
        || matches!(value, Value::Null)
        || constants.iter().any(|one| same_type(&one));
    if comparable { FALSE } else { MISFIT }
}

/// Whether a list has the element; a misfit when it has elements and none compares with it, or when one
/// of them is a malformed address and a domain is looked for.
fn has_element(items: &[Value], constant: &Plain) -> Outcomes {
    let (mut comparable, mut malformed) = (items.is_empty(), false);
    for item in items {
        let outcome = match (item, constant) {
            (Value::String(text), Plain::Text(domain)) if constant.is_domain() => {
                let outcome = at_domain(text, domain);
                malformed |= outcome == MISFIT;
                outcome
            }
            _ => equal(item, constant).map_or(MISFIT, Outcomes::from),
        };
        if outcome == TRUE {
            return TRUE;
        }
        comparable |= outcome == FALSE;
    }
    if comparable && !malformed { FALSE } else { MISFIT }
}
