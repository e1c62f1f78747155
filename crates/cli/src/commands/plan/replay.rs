//! Recorded calls decided again under the new policy, each with what its record says was read then: time, counts,
//! balances, answers. What a record cannot tell is counted apart and never guessed.

use std::collections::{BTreeMap, HashSet};

use faramesh_call::{Code, Effect, Timestamp, Value, object};
use faramesh_decide::{Input, Moment, Pseudonyms, Selected, Verdict, decide};
use faramesh_dpr::{Kind, Record};
use faramesh_ledger::Filter;
use faramesh_program::image::{Path, Root, Step};
use faramesh_program::{Agent, Program};
use faramesh_state::State;

use crate::commands::plan::counted::Counted;
use crate::failure::Failure;
use crate::history::History;
use crate::recorded::{call_and_outside, looked_at};
use crate::views::json::{at, list, number, text};
use crate::views::progress::Bar;
use crate::views::record::safe;
use crate::views::table::counted;
use crate::views::{time, words};

/// Most kinds of changed calls that are told apart; the calls of others are counted all the same.
const MAX_KINDS: usize = 1_000;
/// Records that each kind is shown with.
const EXAMPLES: usize = 3;
/// How many calls there are between two looks at the clock.
const SHOW_EVERY: u64 = 1_000;
/// Kinds that people are shown, the loosest first.
const SHOWN: usize = 20;

/// Calls of one kind: from, to, agent, tool, and the new rule's place.
type Of = (Effect, Effect, String, String, String);

/// What came of the recorded calls.
#[derive(Debug, Default)]
pub struct Replayed {
    total: u64,
    unchanged: u64,
    indeterminate: u64,
    /// Calls of kinds beyond [`MAX_KINDS`].
    beyond: u64,
    kinds: BTreeMap<Of, (u64, Vec<String>)>,
    /// Limits that the policy in force does not have.
    counted: usize,
}

/// Decides every call that was recorded since `since` again.
///
/// # Errors
/// History cannot be read.
pub fn replay(
    history: &mut History,
    since: Timestamp,
    old: &Program,
    new: &Program,
    bar: &mut Bar,
) -> Result<Replayed, Failure> {
    let known: HashSet<[u8; 32]> =
        old.agents().iter().flat_map(Agent::all_rules).map(|rule| rule.digest).collect();
    let mut counted = Counted::new(old, new);
    let mut replayed = Replayed { counted: counted.count(), ..Replayed::default() };
    // What calls cost in the end is of no account where records say all that was counted.
    let kind = counted.is_empty().then_some(Kind::Decision);
    let filter = Filter { kind, since: Some(since), ..Filter::default() };
    history.each(&filter, &mut |record| {
        match record.kind() {
            Kind::Decision => {
                replayed.add(record, decided(record, new, &known, &mut counted));
                if replayed.total.is_multiple_of(SHOW_EVERY) {
                    bar.count(replayed.total);
                }
            }
            Kind::Outcome => counted.outcome(record),
            _ => {}
        }
        Ok(())
    })?;
    Ok(replayed)
}

/// What the new policy says to a recorded call, and by which rule; `None` when its record does not tell.
fn decided(
    record: &Record,
    program: &Program,
    known: &HashSet<[u8; 32]>,
    counted: &mut Counted,
) -> Option<(Effect, String)> {
    let then = record.effect()?;
    // What was refused before any rule keeps no arguments, and is refused again.
    record.args()?;
    let name = record.agent()?;
    let Some(agent) = program.agent(&name) else { return Some((Effect::Deny, String::new())) };
    let (call, outside) = call_and_outside(record);
    let inputs = record.field("inputs").unwrap_or_default();
    let mut state = State::of_inputs(&agent.name, record.session().as_deref(), &inputs);
    counted.lend(&mut state);
    let selected = Selected::read_back(&inputs);
    let verdict = decide(&Input {
        program,
        agent,
        call: &call,
        commitment: "",
        requester: "",
        state: &state,
        selected: &selected,
        pseudonyms: Pseudonyms::Recorded(&inputs),
        moment: Moment { now: record.time(), entropy: 0 },
    });
    let Verdict { effect, code, .. } = verdict;
    let is_known = !outside.is_withheld()
        && outside.covers(&verdict.inputs)
        && selected.covers(&verdict.inputs)
        && reads_known(record, &verdict, program, known)
        // What could be had of a ceiling that daemons share, no record tells of a call that did not ask.
        && !verdict.wants.iter().any(|want| want.urgent);
    let place = verdict.rule.map(|rule| rule.reference.to_string()).unwrap_or_default();
    let changes = if effect == Effect::Permit { verdict.changes } else { Vec::new() };
    counted.take_back(&mut state, record, &changes);
    if !is_known {
        return None;
    }
    // A person answered it then, and would be asked again.
    let was_answered = inputs.get("approval").is_some() || record.approval_id().is_some();
    let effect = if effect == Effect::Defer && was_answered { then } else { effect };
    // A limit is no rule, and is told by its code.
    let place = if is_limit(code) { code.as_str().to_owned() } else { place };
    Some((effect, place))
}

/// Whether a limit decided, and no rule.
fn is_limit(code: Code) -> bool {
    matches!(code, Code::RateExceeded | Code::BudgetExceeded | Code::AmbientExceeded | Code::SessionExpired)
}

/// Whether the rules that were tried look at nothing that was redacted, nor at sums that the old ones did not.
fn reads_known(record: &Record, verdict: &Verdict<'_>, program: &Program, known: &HashSet<[u8; 32]>) -> bool {
    let redacted = record.field("redacted").unwrap_or_default();
    let redacted: Vec<&str> =
        redacted.as_list().unwrap_or_default().iter().filter_map(Value::as_str).collect();
    verdict.trace.tried().filter_map(|tried| verdict.agent.rule(tried.rule)).all(|rule| {
        let Some(condition) = rule.condition else { return true };
        let looked = looked_at(program, condition);
        (!looked.facts || known.contains(&rule.digest))
            && !looked.paths.iter().any(|path| redacted.iter().any(|field| meet(path, field)))
    })
}

/// Whether a place of the arguments and a redacted field are one, or one is in the other.
fn meet(path: &Path, field: &str) -> bool {
    let names: Vec<String> = path
        .steps
        .iter()
        .map(|step| match step {
            Step::Key(key) => key.clone(),
            Step::Index(index) => index.to_string(),
        })
        .collect();
    let field: Vec<&str> = field.split('.').collect();
    let begin_alike =
        |names: &[String]| names.iter().zip(&field).all(|(name, field)| name == field || *field == "*");
    match path.root {
        Root::Args => begin_alike(&names),
        // The first segment may be the tool's.
        Root::Field => {
            begin_alike(&names) || names.get(1..).is_some_and(|rest| !rest.is_empty() && begin_alike(rest))
        }
        Root::Host => field.first() == Some(&"host"),
        Root::Port => field.first() == Some(&"port"),
        Root::Method => field.first() == Some(&"method"),
        Root::Path => field.first() == Some(&"path"),
        Root::Query => field.first() == Some(&"query"),
        Root::Headers => field.first() == Some(&"headers"),
        _ => false,
    }
}

impl Replayed {
    fn add(&mut self, record: &Record, now: Option<(Effect, String)>) {
        self.total += 1;
        let Some(then) = record.effect() else {
            self.indeterminate += 1;
            return;
        };
        let Some((now, place)) = now else {
            // Refused before any rule: no policy changes that.
            if record.args().is_none() {
                self.unchanged += 1
            } else {
                self.indeterminate += 1
            }
            return;
        };
        if then == now {
            self.unchanged += 1;
            return;
        }
        let text = |text: Option<std::borrow::Cow<'_, str>>| text.unwrap_or_default().into_owned();
        let of = (then, now, text(record.agent()), text(record.tool()), place);
        if self.kinds.len() >= MAX_KINDS && !self.kinds.contains_key(&of) {
            self.beyond += 1;
            return;
        }
        let (count, examples) = self.kinds.entry(of).or_default();
        *count += 1;
        if examples.len() < EXAMPLES {
            examples.push(record.id().to_string());
        }
    }

    /// Whether every call is decided as it was.
    pub fn is_quiet(&self) -> bool {
        self.kinds.is_empty() && self.beyond == 0 && self.indeterminate == 0
    }

    /// The replay as data.
    pub fn to_value(&self, window: &str) -> Value {
        let mut transitions = faramesh_call::Object::new();
        for ((then, now, agent, tool, place), (count, examples)) in &self.kinds {
            let key = format!("{}_to_{}", then.as_str(), now.as_str());
            let mut kinds = match transitions.remove(&key) {
                Some(Value::List(kinds)) => kinds,
                _ => Vec::new(),
            };
            kinds.push(
                object! {
                    "agent" => agent.as_str(),
                    "tool" => tool.as_str(),
                    "ref" => place.as_str(),
                    "count" => *count,
                    "examples" => examples.iter().map(String::as_str).collect::<Value>(),
                }
                .into(),
            );
            transitions.insert(key, kinds);
        }
        object! {
            "window" => window,
            "total" => self.total,
            "unchanged" => self.unchanged,
            "transitions" => transitions,
            "more" => self.beyond,
            "indeterminate" => self.indeterminate,
            "new_limits" => self.counted,
        }
        .into()
    }
}

/// The section for people; `None` when nothing was replayed.
pub fn section(value: &Value) -> Option<String> {
    let replay = at(value, &["replay"])?;
    let total = number(replay, &["total"]);
    let window = text(replay, &["window"]);
    let title = format!("Decision impact ({} of the last {window}):", counted(total, "call"));
    let mut lines = Vec::new();
    // What is looser than it was comes first.
    for key in [
        "deny_to_permit",
        "defer_to_permit",
        "deny_to_defer",
        "permit_to_defer",
        "permit_to_deny",
        "defer_to_deny",
    ] {
        let (then, now) = key.split_once("_to_").unwrap_or_default();
        let mut kinds: Vec<&Value> = list(replay, &["transitions", key]).iter().collect();
        kinds.sort_by_key(|kind| std::cmp::Reverse(number(kind, &["count"])));
        lines.extend(kinds.into_iter().map(|kind| {
            let by = match text(kind, &["ref"]) {
                "" => "the default",
                place => place,
            };
            let examples: Vec<&str> = list(kind, &["examples"]).iter().filter_map(Value::as_str).collect();
            format!(
                "  {then} → {}  {} {}, {}  {}\n      {}",
                words::effect(now),
                safe(text(kind, &["agent"])),
                safe(text(kind, &["tool"])),
                counted(number(kind, &["count"]), "call"),
                words::faint(&format!("by {by}")),
                words::faint(&examples.join("  "))
            )
        }));
    }
    let hidden = lines.len().saturating_sub(SHOWN);
    lines.truncate(SHOWN);
    if hidden > 0 {
        lines.push(format!("  and {hidden} more kinds: `--format json` has them"));
    }
    lines.push(format!("  {} as before", counted(number(replay, &["unchanged"]), "call")));
    if number(replay, &["indeterminate"]) > 0 {
        lines.push(format!(
            "  {} cannot be told: what the new rules look at is redacted, or not in the record",
            counted(number(replay, &["indeterminate"]), "call")
        ));
    }
    if total > 0 {
        lines.push(words::faint("  Rates, budgets and answers count as they did then."));
        let new = number(replay, &["new_limits"]);
        if new > 0 {
            let counts = if new == 1 { "counts" } else { "count" };
            lines.push(words::faint(&format!(
                "  {} {counts} from the beginning of the window.",
                counted(new, "new limit")
            )));
        }
    }
    Some(format!("{}\n{}", words::heading(&title), lines.join("\n")))
}

/// The beginning of a window that ends now.
///
/// # Errors
/// It is no duration.
pub fn begins(window: &str) -> Result<Timestamp, Failure> {
    let length = time::parse_duration(window).ok_or_else(|| {
        Failure::usage(format!("`--since` takes a duration, not `{}`", window.escape_debug()))
            .hint("as in `--since 24h`, `7d`")
    })?;
    Ok(Timestamp(time::now().0.saturating_sub(length)))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn path(root: Root, steps: &[&str]) -> Path {
        Path {
            root,
            steps: steps.iter().map(|step| Step::Key((*step).to_owned())).collect(),
            text: String::new(),
        }
    }

    #[test]
    fn what_is_redacted_is_known_by_its_place() {
        for (path, field, expected) in [
            (path(Root::Args, &["card", "number"]), "card.number", true),
            (path(Root::Args, &["card"]), "card.number", true),
            (path(Root::Args, &["card", "number", "last"]), "card.number", true),
            (path(Root::Args, &["card", "brand"]), "card.number", false),
            (path(Root::Args, &["amount"]), "card.number", false),
            (path(Root::Field, &["stripe", "card"]), "card.number", true),
            (path(Root::Field, &["amount"]), "card", false),
            (path(Root::Args, &["items", "x"]), "items.*", true),
            (path(Root::Principal, &["card"]), "card", false),
            (path(Root::Host, &[]), "host", true),
        ] {
            assert_eq!(meet(&path, field), expected, "{path:?} and {field}");
        }
    }
}
