//! Lists that have some elements and not others: a few candidates that between them show every way in
//! which a list can answer questions about its elements and its length.

use faramesh_call::{Number, Object, Value};

use crate::atom::{Method, Plain, Question, Test};
use crate::numbers;
use crate::outcomes::{Outcomes, TRUE};

/// Longest list that is made.
const MAX_LENGTH: i64 = 1_000;

/// The element that a question asks for.
pub(crate) fn element(question: &Question) -> Option<&Plain> {
    match (&question.test, question.method) {
        (Test::Holds(constant) | Test::Contains(constant), Method::None) => Some(constant),
        _ => None,
    }
}

/// Lengths that the questions tell apart.
pub(crate) fn lengths<'q>(questions: impl Iterator<Item = &'q Question>) -> Vec<usize> {
    let bounds: Vec<_> = questions
        .filter(|question| question.method == Method::Length)
        .flat_map(|question| numbers::constants(&question.test))
        .collect();
    let mut lengths = numbers::whole(bounds.into_iter(), 0, MAX_LENGTH, 1);
    lengths.sort_unstable();
    lengths.dedup();
    lengths
        .into_iter()
        .filter(|length| *length < MAX_LENGTH)
        .filter_map(|length| usize::try_from(length).ok())
        .collect()
}

/// Lists to try, the plainest first.
pub(crate) fn candidates(asked: &[(&Question, Outcomes)]) -> Vec<Value> {
    let mut wanted: Vec<Value> = Vec::new();
    let mut others: Vec<&Plain> = Vec::new();
    for (question, outcome) in asked {
        let Some(constant) = element(question) else { continue };
        if *outcome == TRUE {
            let value = constant.value();
            if !wanted.contains(&value) {
                wanted.push(value);
            }
        } else {
            others.push(constant);
        }
    }
    let fillers = fillers(&others, &wanted);
    let odd = Value::Object(Object::new());
    // No plain address: a misfit beside any domain.
    let malformed = Value::from("@");
    let with = |more: &[Value]| wanted.iter().chain(more).cloned().collect::<Vec<Value>>();
    let mut with_odd = fillers.clone();
    with_odd.push(odd.clone());
    let mut with_malformed = fillers.clone();
    with_malformed.push(malformed.clone());
    let bases = [
        with(&[]),
        with(&fillers),
        with(&[Value::Null]),
        with(&[odd]),
        with(&with_odd),
        with(&[malformed]),
        with(&with_malformed),
    ];
    let lengths = lengths(asked.iter().map(|(question, _)| *question));
    let mut lists = Vec::new();
    for base in bases {
        for length in &lengths {
            let padding = base.last().cloned().unwrap_or_else(|| Value::from("example"));
            if *length > base.len() && (!base.is_empty() || others.is_empty()) {
                let more = std::iter::repeat_n(padding, length - base.len());
                lists.push(Value::List(base.iter().cloned().chain(more).collect()));
            }
        }
        lists.push(Value::List(base));
    }
    lists
}

/// An element of each type among `others` that is none of them.
fn fillers(others: &[&Plain], wanted: &[Value]) -> Vec<Value> {
    let is_free =
        |value: &Value| !wanted.contains(value) && !others.iter().any(|other| other.value() == *value);
    let mut found = Vec::new();
    if others.iter().any(|other| matches!(other, Plain::Text(_))) {
        let texts = (0..=others.len() + wanted.len()).map(|number| match number {
            0 => Value::from("other"),
            number => Value::from(format!("other{number}")),
        });
        found.extend({ texts }.find(is_free));
    }
    if others.iter().any(|other| matches!(other, Plain::Number(_))) {
        let numbers = (1..=others.len() + wanted.len() + 1)
            .map(|number| Value::Number(Number::from(u64::try_from(number).unwrap_or(1))));
        found.extend({ numbers }.find(is_free));
    }
    if others.iter().any(|other| matches!(other, Plain::Bool(_))) {
        found.extend([Value::Bool(true), Value::Bool(false)].into_iter().find(is_free));
    }
    found
}
