//! A recorded call decided again, for the values that its rules looked at. Only what the record holds
//! goes in; a result that differs from the recorded trace is dropped, and the record speaks alone.

use faramesh_call::{Action, Call, Object, Value, object};
use faramesh_daemon::Layout;
use faramesh_decide::{Input, Moment, Outside, decide as decide_call};
use faramesh_dpr::Record;
use faramesh_program::image::{Expression, Operand, Path, Root, Step};
use faramesh_program::{Agent, Program, Rule, hex};
use faramesh_state::State;
use faramesh_state::handovers::carried;

use crate::policy::load_file;
use crate::views::json::at;

/// Most parts of one condition that are looked through for values.
const MAX_PARTS: usize = 4_096;

/// What is known about the rules that a recorded call went through.
#[derive(Debug)]
pub struct Again {
    /// The rules that were tried, in order, with the values that they looked at.
    pub rules: Value,
    /// Whether deciding the call again gave the recorded trace.
    pub recomputed: bool,
    /// Why it was not decided again, or what is missing.
    pub note: Option<String>,
}

/// Decides a recorded call again, as far as the record allows it.
pub fn decide(record: &Record, layout: &Layout) -> Again {
    let trace = record.field("trace").unwrap_or_default();
    let lines: Vec<&str> = trace.as_list().unwrap_or_default().iter().filter_map(Value::as_str).collect();
    let only_recorded = |note: String| Again {
        rules: lines.iter().map(|line| from_line(line)).collect(),
        recomputed: false,
        note: Some(note),
    };
    let Some(policy) = record.policy() else {
        return only_recorded("no policy decided this call".to_owned());
    };
    let path = layout.past_policy(&hex(&policy));
    let Ok(Some((program, _))) = load_file(&path) else {
        return only_recorded(format!("the policy of that time is not in {}", path.display()));
    };
    let Some(agent) = record.agent().and_then(|agent| program.agent(&agent)) else {
        return only_recorded("the caller is no agent of the policy".to_owned());
    };
    let call = call_of(record);
    let redacted =
        record.field("redacted").is_some_and(|fields| fields.as_list().is_some_and(|all| !all.is_empty()));
    // With another value in place of a redacted one, the same trace would prove nothing.
    if !redacted && let Some(rules) = decided_again(record, &program, agent, &call, &lines) {
        return Again { rules, recomputed: true, note: None };
    }
    let note = if redacted {
        "some arguments are redacted, so the call was not decided again: the trace is the record's own"
    } else {
        "the rules looked at more than the record holds: the trace is the record's own"
    };
    let rules = lines.iter().map(|line| {
        let shown = from_line(line);
        let place = shown.get("ref").and_then(Value::as_str).unwrap_or_default().to_owned();
        let mut named = agent.all_rules().filter(|rule| *rule.reference == *place);
        match (named.next(), named.next()) {
            (Some(rule), None) => with_values(shown, rule, &program, agent, &call),
            _ => shown,
        }
    });
    Again { rules: rules.collect(), recomputed: false, note: Some(note.to_owned()) }
}

/// The rules of a decision that comes out as it was recorded; `None` when it does not.
fn decided_again(
    record: &Record,
    program: &Program,
    agent: &Agent,
    call: &Call,
    lines: &[&str],
) -> Option<Value> {
    let state = State::of_inputs(
        &agent.name,
        record.session().as_deref(),
        &record.field("inputs").unwrap_or_default(),
    );
    let input = Input {
        program,
        agent,
        call,
        commitment: "",
        requester: "",
        state: &state,
        moment: Moment { now: record.time(), entropy: 0 },
    };
    let verdict = decide_call(&input);
    let same_rule = verdict.rule.map(|rule| rule.reference.to_string()) == record.rule_ref();
    if !same_rule || verdict.trace.lines(program, agent) != lines {
        return None;
    }
    let tried = verdict.trace.tried().zip(lines);
    let rules = tried.map(|(tried, line)| match agent.rule(tried.rule) {
        Some(rule) => with_values(from_line(line), rule, program, agent, call),
        None => from_line(line),
    });
    Some(rules.collect())
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
    let mut call = Call {
        agent: owned(record.agent()),
        tool: record.tool().map(|tool| Box::from(tool.as_ref())).unwrap_or_default(),
        action: action.as_ref().and_then(Value::as_str).and_then(Action::parse).unwrap_or_default(),
        args: record.args().unwrap_or_default(),
        session: owned(record.session()),
        delegation: record.field("inputs").as_ref().and_then(carried),
        call_id: owned(record.call_id()),
        parent: owned(record.parent()),
        ..Call::default()
    };
    // What was withheld is missed by the comparison with the recorded trace.
    let _ = Outside::read_back(&record.field("inputs").unwrap_or_default(), &mut call);
    call
}

/// A tried rule with its text and what the record holds of the values that it looked at.
fn with_values(mut shown: Object, rule: &Rule, program: &Program, agent: &Agent, call: &Call) -> Object {
    shown.insert("text", rule.text.as_ref());
    let failed = shown.get("outcome").and_then(Value::as_str) == Some("no");
    if failed && shown.get("why").and_then(Value::as_str) == Some("") {
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
            Some(Operand::Constant(_) | Operand::Fact(_)) | None => {}
        }
    }
    found.sort_unstable();
    found.dedup();
    found.into_iter().filter_map(|path| program.path(path)).collect()
}

/// The value at a place, of those that a record holds.
fn value_at(path: &Path, agent: &Agent, call: &Call) -> Option<Value> {
    let text = |text: Option<&str>| text.map(Value::from);
    if let Some(http) = &call.http {
        match path.root {
            Root::Host => return text(Some(&http.host)),
            Root::Method => return text(Some(&http.method)),
            Root::Path => return text(Some(&http.path)),
            Root::Port => return Some(Value::from(u64::from(http.port))),
            _ => {}
        }
    }
    match path.root {
        Root::Model => return text(call.model.as_deref()),
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
        Root::Principal => follow(call.principal.as_ref()?, &path.steps),
        Root::Tags => of_object(call.tags.as_ref()?, &path.steps),
        Root::Query => match &call.http {
            Some(http) => of_object(&http.query, &path.steps),
            None => follow(call.args.get("query")?, &path.steps),
        },
        Root::Headers => match &call.http {
            Some(http) => of_object(&http.headers, &path.steps),
            None => follow(call.args.get("headers")?, &path.steps),
        },
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

fn of_object<'a>(object: &'a Object, steps: &[Step]) -> Option<&'a Value> {
    match steps.split_first()? {
        (Step::Key(key), rest) => follow(object.get(key)?, rest),
        (Step::Index(_), _) => None,
    }
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
