//! `faramesh check --prove`: statements about a policy, each proved for every call or refuted by one that
//! the engine itself decides otherwise. What cannot be decided is said to be so.

use faramesh_call::json::canonical;
use faramesh_call::{Object, Value, object};
use faramesh_check::Options;
use faramesh_check::stack::{Agent, Stack};
use faramesh_check::statement::{FORMS, Statement};
use faramesh_plan::{Claim, Engine, Proof, example_value, prove};
use faramesh_spell::{Spelling, convert};

use crate::catalog::Catalogs;
use crate::failure::Failure;
use crate::policy::Source;
use crate::views::json::{at, list, text};
use crate::views::words;

/// One statement about one agent.
struct Asked {
    statement: usize,
    agent: String,
    /// The agent whose first rule says which calls are meant.
    meant: String,
    every: bool,
    effect: faramesh_call::Effect,
}

/// What becomes of each statement.
///
/// # Errors
/// A text is no statement, or names what the policy does not have.
pub fn statements(texts: &[String], source: &Source, stack: &Stack, dev: bool) -> Result<Value, Failure> {
    let mut asked = Vec::new();
    let mut whole = stack.clone();
    for (number, written) in texts.iter().enumerate() {
        let statement =
            Statement::read(written).map_err(|error| Failure::usage(error.to_string()).hint(FORMS))?;
        for agent in agents(&statement, stack)? {
            let mut meant = agent.clone();
            meant.name = format!("statement {number} about {}", agent.name);
            meant.rules = vec![rule(&statement, source, agent, dev)?];
            asked.push(Asked {
                statement: number,
                agent: agent.name.clone(),
                meant: meant.name.clone(),
                every: statement.every,
                effect: statement.effect,
            });
            whole.agents.push(meant);
        }
    }
    let unusable =
        |error: &dyn std::fmt::Display| Failure::new(format!("the statements cannot be compiled: {error}"));
    let bytes = faramesh_compile::compile_to_bytes(&whole).map_err(|error| unusable(&error))?;
    let engine = Engine::read(&bytes).map_err(|error| unusable(&error))?;
    let of = |number: usize| asked.iter().filter(move |asked| asked.statement == number);
    Ok(texts.iter().enumerate().map(|(number, written)| outcome(&engine, written, of(number))).collect())
}

fn agents<'a>(statement: &Statement, stack: &'a Stack) -> Result<Vec<&'a Agent>, Failure> {
    let Some(name) = &statement.agent else { return Ok(stack.agents.iter().collect()) };
    match stack.agents.iter().find(|agent| agent.name == *name) {
        Some(agent) => Ok(vec![agent]),
        None => {
            let names: Vec<String> = stack.agents.iter().map(|agent| format!("`{}`", agent.name)).collect();
            Err(Failure::usage(format!("there is no agent `{name}`"))
                .hint(format!("the policy has {}", names.join(", "))))
        }
    }
}

fn rule(
    statement: &Statement,
    source: &Source,
    agent: &Agent,
    dev: bool,
) -> Result<faramesh_check::stack::Rule, Failure> {
    let environment = |name: &str| std::env::var(name).ok();
    let file_name = source.name.clone();
    let packs = Catalogs::of(&source.folder);
    let options = Options { dev, packs: &packs, ..Options::new(file_name, &environment) };
    // Statements are FPL, so they are read beside the policy as FPL.
    let converted = convert(&source.text, source.spelling, Spelling::Fms).ok();
    let text = converted.as_ref().map_or(&source.text, |converted| &converted.text);
    statement.rule(text, &agent.name, &options).map_err(|diagnostics| {
        let first = diagnostics.into_iter().next();
        let message =
            first.as_ref().map_or("a statement has one pattern and one condition", |first| &first.message);
        let failure = Failure::usage(format!("a statement cannot be read: {message}"));
        match first.and_then(|first| first.help) {
            Some(help) => failure.hint(help),
            None => failure.hint(FORMS),
        }
    })
}

fn outcome<'a>(engine: &Engine, written: &str, asked: impl Iterator<Item = &'a Asked>) -> Object {
    let mut result = "holds";
    let mut agents = Vec::new();
    for asked in asked {
        let claim =
            Claim { agent: &asked.agent, meant: &asked.meant, every: asked.every, effect: asked.effect };
        let mut value = object! { "agent" => asked.agent.as_str() };
        let word = match prove(engine, &claim) {
            Proof::Holds => "holds",
            Proof::Undecided(why) => {
                value.insert("why", why);
                "undecided"
            }
            Proof::Refuted(example, decided) => {
                value.insert("example", example_value(&example));
                value.insert("effect", decided.effect.as_str());
                if let Some((text, reference)) = decided.rule {
                    value.insert("rule", text);
                    value.insert("ref", reference);
                }
                "refuted"
            }
        };
        value.insert("result", word);
        if result == "holds" || word == "refuted" {
            result = word;
        }
        agents.push(value);
    }
    object! { "statement" => written.trim(), "result" => result, "agents" => agents.into_iter().collect::<Value>() }
}

/// Whether every statement holds.
pub fn all_hold(statements: &Value) -> bool {
    statements.as_list().unwrap_or_default().iter().all(|statement| text(statement, &["result"]) == "holds")
}

/// The outcomes for people.
pub fn view(statements: &Value) -> String {
    let mut lines = Vec::new();
    for statement in statements.as_list().unwrap_or_default() {
        let head = match text(statement, &["result"]) {
            "holds" => words::good("holds"),
            "refuted" => words::bad("refuted"),
            _ => words::waiting("undecided"),
        };
        lines.push(format!("{head}: {}", text(statement, &["statement"])));
        for agent in list(statement, &["agents"]) {
            let name = text(agent, &["agent"]);
            match text(agent, &["result"]) {
                "refuted" => {
                    let by = match (text(agent, &["rule"]), text(agent, &["ref"])) {
                        ("", _) => "the default".to_owned(),
                        (rule, place) => format!("`{rule}` ({place})"),
                    };
                    let effect = text(agent, &["effect"]);
                    lines.push(format!("    {name}: {}", example(agent)));
                    lines.push(format!("    {} by {by}", words::effect(effect)));
                }
                "undecided" => lines.push(format!("    {name}: {}", text(agent, &["why"]))),
                _ => {}
            }
        }
    }
    lines.join("\n")
}

/// The example of an entry on one line: the tool, its arguments, and what else of the call matters.
pub fn example(entry: &Value) -> String {
    let Some(example) = at(entry, &["example"]) else { return String::new() };
    let shown = |value: &Value| String::from_utf8_lossy(&canonical(value)).into_owned();
    let mut line =
        format!("{} {}", text(example, &["tool"]), shown(at(example, &["args"]).unwrap_or(&Value::Null)));
    let others = example.as_object().into_iter().flat_map(Object::iter);
    for (key, value) in others.filter(|(key, _)| !matches!(*key, "tool" | "args")) {
        line.push_str(&format!(", {key} {}", shown(value)));
    }
    crate::views::record::safe(&line)
}
