//! A recorded call decided again, for the values that its rules looked at. Only what the record holds
//! goes in; a result that differs from the recorded trace is dropped, and the record speaks alone.

use faramesh_call::{Call, Object, Value, object};
use faramesh_daemon::Layout;
use faramesh_decide::{Input, Moment, Pseudonyms, Selected, decide as decide_call};
use faramesh_dpr::Record;
use faramesh_program::image::{Path, Root, Step};
use faramesh_program::{Agent, Program, Rule, hex};
use faramesh_state::State;

use crate::policy::load_file;
use crate::recorded::{call_of, looked_at};
use crate::views::json::at;

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
            (Some(rule), None) => with_values(shown, rule, &program, agent, &call, record),
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
    let inputs = record.field("inputs").unwrap_or_default();
    let state = State::of_inputs(&agent.name, record.session().as_deref(), &inputs);
    let selected = Selected::read_back(&inputs);
    let input = Input {
        program,
        agent,
        call,
        commitment: "",
        requester: "",
        state: &state,
        selected: &selected,
        pseudonyms: Pseudonyms::Recorded(&inputs),
        moment: Moment { now: record.time(), entropy: 0 },
    };
    let verdict = decide_call(&input);
    let same_rule = verdict.rule.map(|rule| rule.reference.to_string()) == record.rule_ref();
    if !same_rule || verdict.trace.lines(program, agent) != lines {
        return None;
    }
    let tried = verdict.trace.tried().zip(lines);
    let rules = tried.map(|(tried, line)| match agent.rule(tried.rule) {
        Some(rule) => with_values(from_line(line), rule, program, agent, call, record),
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

/// A tried rule with its text and what the record holds of the values that it looked at.
fn with_values(
    mut shown: Object,
    rule: &Rule,
    program: &Program,
    agent: &Agent,
    call: &Call,
    record: &Record,
) -> Object {
    shown.insert("text", rule.text.as_ref());
    let failed = shown.get("outcome").and_then(Value::as_str) == Some("no");
    if failed && shown.get("why").and_then(Value::as_str) == Some("") {
        shown.insert("why", "its condition does not hold");
    }
    let mut values = Object::new();
    let looked = rule.condition.map(|condition| looked_at(program, condition)).unwrap_or_default();
    let inputs = record.field("inputs").unwrap_or_default();
    for place in looked.selected {
        let read = inputs.get("selectors").and_then(|selectors| selectors.get(&place));
        let read = read.and_then(|read| read.get("value").or_else(|| read.get("missing"))).cloned();
        values.insert(place.as_str(), read.unwrap_or_else(|| Value::from("not looked at")));
    }
    for path in looked.paths {
        values
            .insert(path.text.as_str(), value_at(path, agent, call).unwrap_or_else(|| Value::from("absent")));
    }
    shown.insert("values", values);
    shown
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
