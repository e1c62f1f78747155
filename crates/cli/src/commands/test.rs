//! `faramesh test`: fixtures of calls in order, with a clock, played through the policy of the folder. No
//! daemon runs and nothing is recorded.

mod fixture;
mod play;

use std::collections::BTreeSet;
use std::path::PathBuf;
use std::sync::Arc;

use clap::Args;
use faramesh_call::{Object, Value, object};
use faramesh_program::image::{Image, RuleEffect};
use faramesh_program::{Program, Rule, decode, encode, load};

use crate::context::Context;
use crate::exit::Exit;
use crate::failure::Failure;
use crate::policy;
use crate::views::json::{list, number, text};
use crate::views::table::counted;
use crate::views::{json, words};

use fixture::{Fixture, Step};
use play::{Played, play};

/// Most rules that `--mutate` changes.
const MAX_MUTANTS: usize = 2_000;

/// What `test` takes.
#[derive(Debug, Args)]
pub struct Arguments {
    /// The folder of the fixtures, files `*.fmtest.json`; `tests` beside the policy by default
    #[arg(long, value_name = "DIR")]
    tests: Option<PathBuf>,
    /// Only the fixture of this name
    #[arg(long, value_name = "NAME")]
    fixture: Option<String>,
    /// Stop at the first case that is not as it must be
    #[arg(long)]
    fail_fast: bool,
    /// Write what came of each call into the fixtures, as what must come of it
    #[arg(long, conflicts_with_all = ["coverage", "mutate", "fail_fast"])]
    update: bool,
    /// List the rules that no case has decide
    #[arg(long)]
    coverage: bool,
    /// Take out and turn around each rule, and list the changes that no case notices
    #[arg(long)]
    mutate: bool,
}

/// Plays the fixtures.
///
/// # Errors
/// The policy has errors, or a fixture cannot be read.
pub fn run(arguments: &Arguments, context: &Context) -> Result<Exit, Failure> {
    context.console.only_text_or_json()?;
    // An invalid policy is told apart from a failed test.
    let compiled = policy::compiled(context, true).map_err(|failure| match failure {
        Failure::Told(mut told) => {
            told.exit = Exit::Uncompiled;
            Failure::Told(told)
        }
        other => other,
    })?;
    let folder = match &arguments.tests {
        Some(folder) => folder.clone(),
        None => context.directory()?.join("tests"),
    };
    let fixtures = fixture::read_all(&folder, arguments.fixture.as_deref())?;
    if fixtures.is_empty() {
        return Err(Failure::new(format!("there is no fixture in {}", folder.display())).hint(
            "write `tests/NAME.fmtest.json`: {\"fixture\":\"NAME\",\"agent_id\":\"…\",\"cases\":[{\"name\":\"…\",\
             \"tool\":\"…\",\"args\":{},\"expect\":{\"effect\":\"permit\"}}]}",
        ));
    }
    let played: Vec<Played> =
        fixtures.iter().map(|fixture| play(&compiled.program, fixture, arguments.fail_fast)).collect();
    if arguments.update {
        return update(&fixtures, &played, context);
    }
    let failed: usize = played.iter().map(Played::failed).sum();
    let mut value = described(&fixtures, &played);
    if arguments.coverage {
        value.insert("uncovered", uncovered(&compiled.program, &played));
    }
    if arguments.mutate && failed == 0 {
        value.insert("survivors", survivors(&compiled.bytes, &fixtures)?);
    }
    let value = json::versioned(value);
    context.console.show(&value, view)?;
    if arguments.mutate && failed > 0 {
        context.console.hint("`--mutate` begins when every case is as it must be");
    }
    let survived = !list(&value, &["survivors"]).is_empty();
    Ok(if failed > 0 || survived { Exit::Failed } else { Exit::Success })
}

/// Writes what was found where something else was expected.
fn update(fixtures: &[Fixture], played: &[Played], context: &Context) -> Result<Exit, Failure> {
    let mut changed = 0_u64;
    for (fixture, played) in fixtures.iter().zip(played) {
        let mut source = fixture.source.clone();
        let Some(Value::List(cases)) = source.get_mut("cases") else { continue };
        let mut touched = false;
        for ((case, written), result) in fixture.cases.iter().zip(cases.iter_mut()).zip(&played.results) {
            let (Step::Call(_), Some(found), Value::Object(members)) = (&case.step, &result.found, written)
            else {
                continue;
            };
            if result.wrong.is_empty() {
                continue;
            }
            let mut expect = Object::new();
            expect.insert("effect", found.effect.clone());
            if case.expect.code.is_some() {
                expect.insert("code", found.code.clone());
            }
            if case.expect.rule_ref.is_some() {
                expect.insert("rule_ref", found.rule_ref.clone());
            }
            if case.expect.message.is_some() {
                expect.insert("message", found.message.clone());
            }
            members.insert("expect", expect);
            (touched, changed) = (true, changed + 1);
        }
        if touched {
            let text = format!("{}\n", json::indented(&Value::Object(source)));
            std::fs::write(&fixture.path, text)
                .map_err(|error| Failure::file("write", &fixture.path, &error))?;
        }
    }
    let value = json::versioned(object! { "updated" => changed });
    context.console.show(&value, |value| match number(value, &["updated"]) {
        0 => "every case is as it must be: nothing is updated".to_owned(),
        count => format!("{} updated: look at the difference before you keep it", counted(count, "case")),
    })?;
    Ok(Exit::Success)
}

fn described(fixtures: &[Fixture], played: &[Played]) -> Object {
    let of_fixture = |(fixture, played): (&Fixture, &Played)| -> Value {
        let cases = played.results.iter().map(|result| -> Value {
            let wrong: Value = result.wrong.iter().map(String::as_str).collect();
            object! { "name" => result.name.as_str(), "passed" => result.wrong.is_empty(), "wrong" => wrong }
                .into()
        });
        object! {
            "fixture" => fixture.name.as_str(),
            "file" => fixture.path.display().to_string(),
            "cases" => cases.collect::<Vec<Value>>(),
        }
        .into()
    };
    let cases: usize = played.iter().map(|played| played.results.len()).sum();
    let failed: usize = played.iter().map(Played::failed).sum();
    let count = |number: usize| u64::try_from(number).unwrap_or(u64::MAX);
    object! {
        "passed" => count(cases - failed),
        "failed" => count(failed),
        "fixtures" => fixtures.iter().zip(played).map(of_fixture).collect::<Vec<Value>>(),
    }
}

fn every_rule(program: &Program) -> impl Iterator<Item = &Rule> {
    program.agents().iter().flat_map(|agent| agent.all_rules())
}

/// The rules that decided no call.
fn uncovered(program: &Program, played: &[Played]) -> Vec<Value> {
    let covered: BTreeSet<&str> =
        played.iter().flat_map(|played| &played.rules).map(String::as_str).collect();
    let left = every_rule(program).filter(|rule| !covered.contains(&*rule.reference));
    left.map(|rule| object! { "rule_ref" => &*rule.reference, "rule" => &*rule.text }.into()).collect()
}

/// Changes of single rules that every fixture lets pass.
fn survivors(bytes: &[u8], fixtures: &[Fixture]) -> Result<Vec<Value>, Failure> {
    let unusable =
        |error: &dyn std::fmt::Display| Failure::new(format!("a changed policy cannot be loaded: {error}"));
    let (image, sources, _) = decode(bytes).map_err(|error| unusable(&error))?;
    let program = load(bytes).map_err(|error| unusable(&error))?;
    let mut survivors = Vec::new();
    let mut tried = 0;
    for (place, agent) in image.agents.iter().enumerate() {
        for number in 0..agent.rules.len() {
            for change in [Change::Without, Change::TurnedAround] {
                let Some(mutant) = changed(&image, place, number, change) else { continue };
                if tried >= MAX_MUTANTS {
                    return Err(Failure::new(format!("more than {MAX_MUTANTS} changes to try"))
                        .hint("test the agents of this policy apart"));
                }
                tried += 1;
                let mutant = encode(&mutant, &sources)
                    .and_then(|bytes| load(&bytes))
                    .map_err(|error| unusable(&error))?;
                let mutant = Arc::new(mutant);
                if fixtures.iter().all(|fixture| play(&mutant, fixture, true).failed() == 0) {
                    let index = u32::try_from(number).unwrap_or(u32::MAX);
                    let rule = program.agents().get(place).and_then(|agent| agent.rule(index));
                    survivors.push(
                        object! {
                            "rule_ref" => rule.map(|rule| rule.reference.to_string()),
                            "rule" => rule.map(|rule| rule.text.to_string()),
                            "change" => change.word(),
                        }
                        .into(),
                    );
                }
            }
        }
    }
    Ok(survivors)
}

#[derive(Debug, Clone, Copy)]
enum Change {
    Without,
    TurnedAround,
}

impl Change {
    fn word(self) -> &'static str {
        match self {
            Self::Without => "taken out",
            Self::TurnedAround => "turned around",
        }
    }
}

/// The policy with one rule changed. A rule that is taken out is made to match nothing, so that the places of
/// the others stay.
fn changed(image: &Image, agent: usize, rule: usize, change: Change) -> Option<Image> {
    let mut image = image.clone();
    let never = u32::try_from(image.expressions.len()).ok()?;
    let rule = image.agents.get_mut(agent)?.rules.get_mut(rule)?;
    match (change, rule.effect) {
        (Change::Without, _) => {
            rule.condition = Some(never);
            image.expressions.push(faramesh_program::image::Expression::Constant(false));
        }
        // It stands before all others, and must go on to.
        (Change::TurnedAround, RuleEffect::DenyAlways) => return None,
        (Change::TurnedAround, RuleEffect::Permit) => rule.effect = RuleEffect::Deny,
        (Change::TurnedAround, RuleEffect::Defer | RuleEffect::Deny) => rule.effect = RuleEffect::Permit,
    }
    Some(image)
}

fn view(value: &Value) -> String {
    let mut lines = Vec::new();
    for fixture in list(value, &["fixtures"]) {
        let cases = list(fixture, &["cases"]);
        let failed: Vec<&Value> = cases.iter().filter(|case| !json::is_true(case, &["passed"])).collect();
        let count = counted(u64::try_from(cases.len()).unwrap_or(0), "case");
        let name = text(fixture, &["fixture"]);
        if failed.is_empty() {
            lines.push(format!("{}, {count}", words::good(name)));
            continue;
        }
        lines.push(format!("{}, {} of {count} failed", words::bad(name), failed.len()));
        for case in failed {
            lines.push(format!("    {}", text(case, &["name"])));
            lines.extend(
                list(case, &["wrong"])
                    .iter()
                    .map(|wrong| format!("      {}", wrong.as_str().unwrap_or_default())),
            );
        }
    }
    for (member, heading) in
        [("uncovered", "rules that no case has decide"), ("survivors", "changes that no case notices")]
    {
        let Some(found) = value.get(member).and_then(Value::as_list) else { continue };
        if found.is_empty() {
            lines.push(words::good(if member == "uncovered" {
                "every rule decides a case"
            } else {
                "every change is noticed"
            }));
            continue;
        }
        lines.push(format!("\n{}", words::heading(heading)));
        lines.extend(found.iter().map(|rule| {
            let change = text(rule, &["change"]);
            let change = if change.is_empty() { String::new() } else { format!(" {change}:") };
            format!("  {}{change}  {}", text(rule, &["rule_ref"]), text(rule, &["rule"]))
        }));
    }
    let (passed, failed) = (number(value, &["passed"]), number(value, &["failed"]));
    lines.push(format!("\n{passed} passed, {failed} failed"));
    lines.join("\n")
}
