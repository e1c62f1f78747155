//! `faramesh test`: fixtures of calls in order, with a clock, played through the policy of the folder. No
//! daemon runs and nothing is recorded.

mod fixture;
mod mutate;
mod play;
mod record;

use std::collections::BTreeSet;
use std::path::PathBuf;

use clap::{Args, Subcommand};
use faramesh_call::{Object, Value, object};
use faramesh_program::Program;

use crate::context::Context;
use crate::exit::Exit;
use crate::failure::Failure;
use crate::policy;
use crate::views::json::{list, number, text};
use crate::views::table::counted;
use crate::views::{json, words};

use fixture::{Fixture, Step};
use play::{Played, play};

/// What `test` takes.
#[derive(Debug, Args)]
#[command(args_conflicts_with_subcommands = true)]
pub struct Arguments {
    #[command(subcommand)]
    command: Option<Command>,
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
    /// Change each rule, its condition and the defaults, one at a time, and list the changes that no case notices
    #[arg(long)]
    mutate: bool,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Make a fixture of calls that were recorded, with what came of them as what must come of them
    Record(record::Arguments),
}

/// Plays the fixtures.
///
/// # Errors
/// The policy has errors, or a fixture cannot be read.
pub fn run(arguments: &Arguments, context: &Context) -> Result<Exit, Failure> {
    context.console.only_text_or_json()?;
    if let Some(Command::Record(arguments)) = &arguments.command {
        return record::run(arguments, context);
    }
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
    let mut played: Vec<Played> = Vec::new();
    for fixture in &fixtures {
        let one = play(&compiled.program, fixture, arguments.fail_fast);
        let stop = arguments.fail_fast && one.failed() > 0;
        played.push(one);
        if stop {
            break;
        }
    }
    if arguments.update {
        return update(&fixtures, &played, context);
    }
    let failed: usize = played.iter().map(Played::failed).sum();
    let mut value = described(&fixtures, &played);
    if arguments.coverage {
        value.insert("uncovered", uncovered(&compiled.program, &played));
    }
    if arguments.mutate && failed == 0 {
        value.insert("survivors", mutate::survivors(&compiled.bytes, &fixtures)?);
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
    let mut stuck = Vec::new();
    for (fixture, played) in fixtures.iter().zip(played) {
        let mut source = fixture.source.clone();
        let Some(Value::List(cases)) = source.get_mut("cases") else { continue };
        let mut touched = false;
        for ((case, written), result) in fixture.cases.iter().zip(cases.iter_mut()).zip(&played.results) {
            if result.wrong.is_empty() {
                continue;
            }
            let (Step::Call(_), Some(found), Value::Object(members)) = (&case.step, &result.found, written)
            else {
                stuck.push(format!("{}, {}: {}", fixture.name, case.name, result.wrong.join("; ")));
                continue;
            };
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
    let failed: Value = stuck.iter().map(String::as_str).collect();
    let value = json::versioned(object! { "updated" => changed, "failed" => failed });
    context.console.show(&value, |value| match number(value, &["updated"]) {
        0 => "every case is as it must be: nothing is updated".to_owned(),
        count => format!("{} updated: look at the difference before you keep it", counted(count, "case")),
    })?;
    if stuck.is_empty() {
        return Ok(Exit::Success);
    }
    context
        .console
        .note(&format!("steps that cannot be taken, which no update mends:\n  {}", stuck.join("\n  ")));
    Ok(Exit::Failed)
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

/// The rules that decided no call. A rule of a pack is one for each agent that uses it.
fn uncovered(program: &Program, played: &[Played]) -> Vec<Value> {
    let covered: BTreeSet<(&str, &str)> = played
        .iter()
        .flat_map(|played| &played.rules)
        .map(|(agent, place)| (agent.as_str(), place.as_str()))
        .collect();
    let mut left = Vec::new();
    for agent in program.agents() {
        let rules = agent.all_rules().filter(|rule| !covered.contains(&(&*agent.name, &*rule.reference)));
        left.extend(rules.map(|rule| -> Value {
            object! { "agent" => &*agent.name, "rule_ref" => &*rule.reference, "rule" => &*rule.text }.into()
        }));
    }
    left
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
            let place = match text(rule, &["rule_ref"]) {
                "" => text(rule, &["agent"]),
                place => place,
            };
            format!("  {place}{change}  {}", text(rule, &["rule"]))
        }));
    }
    let (passed, failed) = (number(value, &["passed"]), number(value, &["failed"]));
    lines.push(format!("\n{passed} passed, {failed} failed"));
    lines.join("\n")
}
