//! A recorded call decided again, for the values that its rules looked at. Only what the record holds
//! goes in; a result that differs from the recorded trace is not shown.

use faramesh_call::{Action, Call, Object, Value, object};
use faramesh_daemon::Layout;
use faramesh_decide::{Input, Moment, Outcome, Tried, decide as decide_call};
use faramesh_dpr::Record;
use faramesh_program::image::{Expression, Operand, Path, Root, Step};
use faramesh_program::{Agent, Program, hex};
use faramesh_state::State;

use crate::policy::load_file;
use crate::views::json::{at, list};

/// Most parts of one condition that are looked through for values.
const MAX_PARTS: usize = 4_096;

/// What deciding again gave.
#[derive(Debug)]
pub enum Again {
    /// The rules that were tried, with the values that they looked at.
    Same(Value),
    /// The record must speak alone, and why.
    Recorded(String),
}

/// Decides a recorded call again.
pub fn decide(record: &Record, layout: &Layout) -> Again {
    let Some(policy) = record.policy() else {
        return Again::Recorded("no policy decided this call".to_owned());
    };
    if record.field("redacted").is_some_and(|redacted| !redacted.as_list().unwrap_or_default().is_empty()) {
        return Again::Recorded(
            "some arguments are redacted, so the values that the rules saw are not shown".to_owned(),
        );
    }
    let path = layout.past_policy(&hex(&policy));
    let Ok(Some((program, _))) = load_file(&path) else {
        return Again::Recorded(format!("the policy of that time is not in {}", path.display()));
    };
    let Some(agent) = record.agent().and_then(|agent| program.agent(&agent)) else {
        return Again::Recorded("the call came to no agent of the policy".to_owned());
    };
    let call = call_of(record);
    let state = State::default();
    let input = Input {
        program: &program,
        agent,
        call: &call,
        commitment: "",
        requester: "",
        state: &state,
        moment: Moment { now: record.time(), entropy: 0 },
    };
    let verdict = decide_call(&input);
    let lines: Value = verdict.trace.lines(&program, agent).into_iter().collect();
    if record.field("trace").is_none_or(|trace| trace != lines) {
        let why = "the rules looked at more than the record holds, so their values are not shown";
        return Again::Recorded(why.to_owned());
    }
    let rules = verdict.trace.tried().iter().zip(lines.as_list().unwrap_or_default());
    Again::Same(rules.map(|(tried, line)| tried_rule(*tried, line, &program, agent, &call)).collect())
}

/// The rules as the record's own trace tells them: `no governance.fms:4`, `match governance.fms:5`.
pub fn recorded_rules(record: &Value) -> Value {
    list(record, &["trace"]).iter().filter_map(Value::as_str).map(from_line).collect()
}

fn from_line(line: &str) -> Object {
    let (word, rest) = line.split_once(' ').unwrap_or(("", line));
    let (place, why) = rest.split_once(" (").unwrap_or((rest, ""));
    object! {
        "outcome" => if word == "match" { "match" } else { "no" },
        "ref" => place,
        "why" => why.strip_suffix(')').unwrap_or(why),
    }
}

fn call_of(record: &Record) -> Call {
    let owned = |text: Option<std::borrow::Cow<'_, str>>| text.map(|text| Box::from(text.as_ref()));
    let action = record.field("action");
    Call {
        agent: owned(record.agent()),
        tool: record.tool().map(|tool| Box::from(tool.as_ref())).unwrap_or_default(),
        action: action.as_ref().and_then(Value::as_str).and_then(Action::parse).unwrap_or_default(),
        args: record.args().unwrap_or_default(),
        session: owned(record.session()),
        call_id: owned(record.call_id()),
        parent: owned(record.parent()),
        ..Call::default()
    }
}

fn tried_rule(tried: Tried, line: &Value, program: &Program, agent: &Agent, call: &Call) -> Object {
    let mut shown = from_line(line.as_str().unwrap_or_default());
    let Some(rule) = agent.rule(tried.rule) else { return shown };
    shown.insert("text", rule.text.as_ref());
    if tried.outcome == Outcome::False {
        shown.insert("why", "its condition does not hold");
    }
    let mut values = Object::new();
    for path in rule.condition.map(|condition| paths(program, condition)).unwrap_or_default() {
        values
            .insert(path.text.as_str(), value_at(path, agent, call).unwrap_or_else(|| Value::from("absent")));
    }
    shown.insert("values", values);
    shown
}

/// The places of the call that a condition looks at, each once.
fn paths(program: &Program, condition: u32) -> Vec<&Path> {
    let mut expressions = vec![condition];
    let mut operands: Vec<u32> = Vec::new();
    let mut found: Vec<u32> = Vec::new();
    // References point backwards, so this ends; the bound is for conditions that share many parts.
    for _ in 0..MAX_PARTS {
        let Some(index) = expressions.pop() else { break };
        match program.expression(index) {
            Some(Expression::Not(part)) => expressions.push(*part),
            Some(Expression::All(parts) | Expression::Any(parts)) => expressions.extend(parts),
            Some(Expression::Compare { left, right, .. }) => operands.extend([left, right]),
            Some(Expression::In { item, list }) => operands.extend([item, list]),
            Some(Expression::Contains { whole, part }) => operands.extend([whole, part]),
            Some(Expression::StartsWith { text, affix } | Expression::EndsWith { text, affix }) => {
                operands.extend([text, affix]);
            }
            Some(Expression::Within { path, folder }) => operands.extend([path, folder]),
            Some(Expression::Matches { text, .. }) => operands.push(*text),
            Some(Expression::Truth(operand)) => operands.push(*operand),
            Some(Expression::Has(path)) => found.push(*path),
            Some(Expression::Constant(_)) | None => {}
        }
    }
    for _ in 0..MAX_PARTS {
        let Some(index) = operands.pop() else { break };
        match program.operand(index) {
            Some(Operand::Path(path)) => found.push(*path),
            Some(Operand::List(items)) => operands.extend(items),
            Some(Operand::Lower(of) | Operand::Length(of) | Operand::Domain(of)) => operands.push(*of),
            Some(Operand::Constant(_)) | None => {}
        }
    }
    found.sort_unstable();
    found.dedup();
    found.into_iter().filter_map(|path| program.path(path)).collect()
}

/// The value at a place, of those that a record holds.
fn value_at(path: &Path, agent: &Agent, call: &Call) -> Option<Value> {
    let text = |text: Option<&str>| text.map(Value::from);
    match path.root {
        Root::Tool => return text(Some(&call.tool)),
        Root::Agent => return text(Some(&agent.name)),
        Root::Action => return text(Some(call.action.as_str())),
        Root::Session => return text(call.session.as_deref()),
        Root::Args => follow(&call.args, &path.steps),
        Root::Field => follow(&call.args, &path.steps).or_else(|| {
            let (first, rest) = path.steps.split_first()?;
            let segment = call.tool.split('/').next()?;
            matches!(first, Step::Key(key) if key == segment).then(|| follow(&call.args, rest))?
        }),
        Root::Host => at(&call.args, &["host"]),
        Root::Port => at(&call.args, &["port"]),
        Root::Method => at(&call.args, &["method"]),
        Root::Path => at(&call.args, &["path"]),
        _ => None,
    }
    .cloned()
}

fn follow<'a>(value: &'a Value, steps: &[Step]) -> Option<&'a Value> {
    steps.iter().try_fold(value, |value, step| match step {
        Step::Key(key) => value.get(key),
        Step::Index(index) => value.as_list()?.get(usize::try_from(*index).ok()?),
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::views::json::text;

    #[test]
    fn a_recorded_line_is_taken_apart() {
        for (line, outcome, place, why) in [
            ("no governance.fms:4", "no", "governance.fms:4", ""),
            ("match governance.fms:5", "match", "governance.fms:5", ""),
            ("no governance.fms:6 (`amount` is absent)", "no", "governance.fms:6", "`amount` is absent"),
        ] {
            let value = Value::Object(from_line(line));
            assert_eq!(
                (text(&value, &["outcome"]), text(&value, &["ref"]), text(&value, &["why"])),
                (outcome, place, why)
            );
        }
    }
}
