//! `next`: the smallest change of a call that would loosen its verdict, when it can be computed for
//! sure. A guess is worse than nothing, so every suggestion is tried on a changed copy of the call.

use faramesh_call::{Call, Number, Object, Value};
use faramesh_program::constants::ConstantValue;
use faramesh_program::image::{Comparison, Expression, Operand, Root, Step};
use faramesh_program::{Program, Rule};

use crate::evaluate::Evaluator;
use crate::input::Input;
use crate::outcome::Outcome;
use crate::steps::rules::first_match;
use crate::verdict::Verdict;

/// Most rules whose conditions are looked at for a suggestion.
const MAX_RULES: usize = 16;

/// A comparison of one argument with one constant.
struct Simple<'a> {
    path: u32,
    comparison: Comparison,
    constant: &'a Value,
}

/// The smallest change that is known, as `amount < 500`.
pub(crate) fn smallest_change(input: &Input<'_>, verdict: &Verdict<'_>) -> Option<String> {
    // Thresholds stand in order, so the nearest rule before the match asks for the least.
    let tried = verdict.trace.tried().rev().take(MAX_RULES);
    tried.filter_map(|tried| input.agent.rule(tried.rule).map(|rule| (tried.matched, rule))).find_map(
        |(matched, rule)| {
            if !rule.explain {
                return None;
            }
            let mut simple = failing_comparison(input, rule, matched)?;
            if matched {
                simple.comparison = opposite(simple.comparison);
            }
            let looser = |effect| effect < verdict.effect;
            if !matched && !looser(rule.effect.effect()) {
                return None;
            }
            let changed = changed_call(input, &simple)?;
            let input = Input { call: &changed, ..*input };
            let evaluator = Evaluator::of(&input);
            let found = first_match(&input, &evaluator, None);
            let effect = found.map_or(input.agent.default, |(_, effect)| effect).effect();
            looser(effect).then(|| written(input.program, &simple))?
        },
    )
}

/// The one comparison that keeps a rule from matching, or that makes it match.
fn failing_comparison<'a>(input: &Input<'a>, rule: &Rule, matched: bool) -> Option<Simple<'a>> {
    let evaluator = Evaluator::of(input);
    let condition = rule.condition?;
    let parts = match input.program.expression(condition)? {
        Expression::All(parts) => parts.as_slice(),
        _ => &[condition],
    };
    if matched {
        let [only] = parts else { return None };
        return simple(input.program, *only);
    }
    let mut failing = parts.iter().filter(|part| evaluator.condition(**part) != Outcome::True);
    match (failing.next(), failing.next()) {
        (Some(only), None) => simple(input.program, *only),
        _ => None,
    }
}

fn simple(program: &Program, expression: u32) -> Option<Simple<'_>> {
    let Expression::Compare { comparison, left, right } = program.expression(expression)? else {
        return None;
    };
    let side = |operand: u32| program.operand(operand);
    let (path, constant, comparison) = match (side(*left)?, side(*right)?) {
        (Operand::Path(path), Operand::Constant(constant)) => (*path, *constant, *comparison),
        (Operand::Constant(constant), Operand::Path(path)) => (*path, *constant, mirrored(*comparison)),
        _ => return None,
    };
    let ConstantValue::Scalar(constant) = program.constant(constant)? else { return None };
    matches!(program.path(path)?.root, Root::Args | Root::Field).then_some(Simple {
        path,
        comparison,
        constant,
    })
}

fn mirrored(comparison: Comparison) -> Comparison {
    match comparison {
        Comparison::Less => Comparison::Greater,
        Comparison::LessEqual => Comparison::GreaterEqual,
        Comparison::Greater => Comparison::Less,
        Comparison::GreaterEqual => Comparison::LessEqual,
        same => same,
    }
}

fn opposite(comparison: Comparison) -> Comparison {
    match comparison {
        Comparison::Less => Comparison::GreaterEqual,
        Comparison::LessEqual => Comparison::Greater,
        Comparison::Greater => Comparison::LessEqual,
        Comparison::GreaterEqual => Comparison::Less,
        Comparison::Equal => Comparison::NotEqual,
        Comparison::NotEqual => Comparison::Equal,
    }
}

/// The call with a value that satisfies the comparison.
fn changed_call(input: &Input<'_>, simple: &Simple<'_>) -> Option<Call> {
    let value = witness(simple)?;
    let steps = &input.program.path(simple.path)?.steps;
    let mut call = input.call.clone();
    if set(&mut call.args, steps, &value) {
        return Some(call);
    }
    // `s3.bucket` may be `args.bucket` of a tool below `s3/`.
    let (_, rest) = steps.split_first()?;
    set(&mut call.args, rest, &value).then_some(call)
}

/// A value that satisfies the comparison, next to the constant.
fn witness(simple: &Simple<'_>) -> Option<Value> {
    let near = |up: bool| simple.constant.as_number().and_then(|number: &Number| number.neighbour(up));
    match (simple.comparison, simple.constant) {
        (Comparison::Equal | Comparison::LessEqual | Comparison::GreaterEqual, constant) => {
            Some(constant.clone())
        }
        (Comparison::Less, _) => near(false).map(Value::Number),
        (Comparison::Greater, _) => near(true).map(Value::Number),
        (Comparison::NotEqual, Value::Number(_)) => near(true).map(Value::Number),
        (Comparison::NotEqual, Value::String(text)) => Some(Value::from(format!("{text}-"))),
        (Comparison::NotEqual, Value::Bool(value)) => Some(Value::Bool(!value)),
        (Comparison::NotEqual, _) => None,
    }
}

/// Sets a member below objects that exist; a missing last member is added.
fn set(value: &mut Value, steps: &[Step], to: &Value) -> bool {
    match (steps, value) {
        ([Step::Key(key)], Value::Object(object)) => {
            object.insert(key.as_str(), to.clone());
            true
        }
        ([Step::Key(key)], value @ Value::Null) => {
            *value = Value::Object([(key.as_str(), to.clone())].into_iter().collect::<Object>());
            true
        }
        ([Step::Key(key), rest @ ..], Value::Object(object)) => {
            object.get_mut(key).is_some_and(|member| set(member, rest, to))
        }
        _ => false,
    }
}

fn written(program: &Program, simple: &Simple<'_>) -> Option<String> {
    let path = &program.path(simple.path)?.text;
    let constant = match simple.constant {
        Value::String(text) => format!("{text:?}"),
        Value::Number(number) => number.to_string(),
        Value::Bool(value) => value.to_string(),
        _ => "null".to_owned(),
    };
    Some(format!("{path} {} {constant}", simple.comparison.as_str()))
}
