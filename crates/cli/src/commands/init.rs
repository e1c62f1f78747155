//! `faramesh init`: a first governance.fms for the project in this folder, with every tool that its
//! source defines, deferred. Nothing is run and nothing is overwritten.

mod write;

use std::fs;
use std::io::Write;
use std::path::{Path, PathBuf};

use clap::Args;
use faramesh_call::{Object, Value, object};
use faramesh_spell::{Spelling, convert};

use crate::context::Context;
use crate::detect::{DetectError, FoundFramework, FoundTool, Language, Project, detect};
use crate::exit::Exit;
use crate::failure::Failure;
use crate::policy::{self, Source, checked};
use crate::views::json::{list, number, text};
use crate::views::record::{cut, safe};
use crate::views::table::{counted, one_line};
use crate::views::{json, words};

/// Longest name of a tool in a warning, in characters.
const MAX_SHOWN_NAME: usize = 40;
/// Most warnings that people are shown.
const SHOWN_WARNINGS: usize = 10;

/// What `init` takes.
#[derive(Debug, Args)]
pub struct Arguments {
    /// Ask nothing: the first framework that matches counts
    #[arg(long)]
    non_interactive: bool,
    /// The agent's id; the name of the folder when it is left out
    #[arg(long, value_name = "ID")]
    agent: Option<String>,
    /// Use no network (none is used)
    #[arg(long)]
    offline: bool,
    /// Write governance.fms.yaml
    #[arg(long)]
    yaml: bool,
    /// Write governance.fms.json, which has no comments
    #[arg(long, conflicts_with = "yaml")]
    json: bool,
}

/// Writes the file.
///
/// # Errors
/// It exists already, or the folder cannot be read or written.
pub fn run(arguments: &Arguments, context: &Context) -> Result<Exit, Failure> {
    context.console.only_text_or_json()?;
    let spelling = match (arguments.yaml, arguments.json) {
        (true, _) => Spelling::Yaml,
        (_, true) => Spelling::Json,
        _ => Spelling::Fms,
    };
    let directory = context.directory()?;
    let path = directory.join(spelling.file_name());
    let shown = policy::path_of(context, spelling);
    if path.exists() {
        return Err(exists(&shown, context));
    }
    // One file governs a stack: a second one beside it would only be in the way.
    if let Some(other) = policy::present(&directory).first() {
        return Err(exists(&policy::path_of(context, *other), context));
    }
    let mut project = detect(&directory).map_err(|error| match error {
        DetectError::NotAFolder(_) => Failure::usage(error.to_string()),
        DetectError::Unreadable { .. } => Failure::new(error.to_string()),
    })?;
    leave_out_unwritable(&mut project);
    let framework = choose(&project, arguments, context)?;
    let agent = match &arguments.agent {
        Some(agent) => agent.clone(),
        None => write::agent_name(&directory),
    };
    let source = write::policy(&agent, framework, &project.tools)?;
    accepted(&source)?;
    let source = spelled(source, spelling)?;
    let created = fs::OpenOptions::new().write(true).create_new(true).open(&path);
    match created.and_then(|mut file| file.write_all(source.as_bytes()).and_then(|()| file.sync_all())) {
        Ok(()) => {}
        Err(error) if error.kind() == std::io::ErrorKind::AlreadyExists => {
            return Err(exists(&shown, context));
        }
        Err(error) => return Err(Failure::file("write", &shown, &error)),
    }
    let value = described(&shown, &agent, framework, &project);
    context.console.show(&value, view)?;
    if !context.console.is_for_programs() {
        next_steps(&project, context);
    }
    Ok(Exit::Success)
}

fn exists(shown: &Path, context: &Context) -> Failure {
    Failure::with(Exit::Exists, format!("`{}` exists already and is not overwritten", shown.display()))
        .hint(format!("{} shows what is wrong with it", context.command("check")))
        .hint("move it away to begin anew")
}

/// Takes the tools out that no rule can name. Their calls wait for a person, as those of unknown ones do.
fn leave_out_unwritable(project: &mut Project) {
    let (written, left_out): (Vec<_>, Vec<_>) =
        std::mem::take(&mut project.tools).into_iter().partition(|tool| {
            let alone = std::slice::from_ref(tool);
            write::policy("agent", None, alone).is_ok_and(|source| accepted(&source).is_ok())
        });
    project.tools = written;
    project.warnings.extend(left_out.iter().map(|tool| {
        let place = format!("{}:{}", tool.file.display(), tool.line);
        let name = cut(&safe(&tool.name), MAX_SHOWN_NAME);
        format!("the tool at `{place}` was left out: no rule can name `{name}`")
    }));
}

/// What is written must be good: anything else is a fault of this command.
fn accepted(source: &str) -> Result<(), Failure> {
    let name = Spelling::Fms.file_name();
    let source = Source {
        shown: name.to_owned(),
        name: name.to_owned(),
        folder: PathBuf::new(),
        spelling: Spelling::Fms,
        text: source.to_owned(),
    };
    let checked = checked(&source, false, false);
    match checked.diagnostics.iter().find(|diagnostic| diagnostic.is_error()) {
        None => Ok(()),
        Some(error) => {
            Err(Failure::new(format!("the policy for this project is not valid: {}", error.message))
                .hint("this is a fault of `faramesh init`: please report it"))
        }
    }
}

/// The policy in another spelling.
fn spelled(source: String, spelling: Spelling) -> Result<String, Failure> {
    if spelling == Spelling::Fms {
        return Ok(source);
    }
    convert(&source, Spelling::Fms, spelling).map(|converted| converted.text).map_err(|found| {
        let first = found.first().map_or("", |diagnostic| &diagnostic.message);
        Failure::new(format!("the policy for this project cannot be written as {spelling}: {first}"))
            .hint("this is a fault of `faramesh init`: please report it")
    })
}

/// The framework that the policy names.
fn choose<'p>(
    project: &'p Project,
    arguments: &Arguments,
    context: &Context,
) -> Result<Option<&'p FoundFramework>, Failure> {
    let choices = project.choices();
    let [first, _, ..] = choices.as_slice() else { return Ok(choices.first().copied()) };
    if arguments.non_interactive || !context.console.can_ask() {
        let names: Vec<&str> = choices.iter().map(|choice| choice.framework.display_name()).collect();
        context.console.note(&format!(
            "{} match; {} is taken",
            names.join(" and "),
            first.framework.display_name()
        ));
        return Ok(Some(first));
    }
    context.console.note("Several frameworks match:");
    for (index, choice) in choices.iter().enumerate() {
        let place = format!("{}:{}", choice.manifest.display(), choice.line);
        context.console.note(&format!("  {}  {} ({place})", index + 1, choice.framework.display_name()));
    }
    let answer = context.console.ask(&format!("Which one? [1-{}, 1]", choices.len()))?;
    let index = if answer.is_empty() {
        Some(0)
    } else {
        answer.parse::<usize>().ok().and_then(|at| at.checked_sub(1))
    };
    let chosen = index.and_then(|index| choices.get(index)).copied();
    chosen.map(Some).ok_or_else(|| Failure::usage(format!("`{}` is none of them", safe(&answer))))
}

fn described(shown: &Path, agent: &str, framework: Option<&FoundFramework>, project: &Project) -> Value {
    let language = match project.language {
        Language::Python => "python",
        Language::TypeScript => "typescript",
        Language::Unknown => "unknown",
    };
    json::versioned(object! {
        "file" => shown.display().to_string(),
        "agent" => agent,
        "language" => language,
        "framework" => framework.map(found_framework),
        "frameworks" => project.frameworks.iter().map(found_framework).collect::<Value>(),
        "tools" => project.tools.iter().map(found_tool).collect::<Value>(),
        "warnings" => project.warnings.iter().map(String::as_str).collect::<Value>(),
    })
}

fn found_framework(found: &FoundFramework) -> Object {
    object! {
        "name" => found.framework.display_name(),
        "profile" => found.framework.profile(),
        "manifest" => found.manifest.display().to_string(),
        "line" => u64::from(found.line),
        "constraint" => found.version.clone(),
    }
}

fn found_tool(tool: &FoundTool) -> Object {
    object! {
        "name" => tool.name.as_str(),
        "file" => tool.file.display().to_string(),
        "line" => u64::from(tool.line),
        "parameters" => tool.parameters.iter().map(String::as_str).collect::<Value>(),
        "description" => tool.description.clone(),
    }
}

fn view(value: &Value) -> String {
    let framework = match text(value, &["framework", "name"]) {
        "" => "no known framework".to_owned(),
        name => {
            let place = format!(
                "{}:{}",
                text(value, &["framework", "manifest"]),
                number(value, &["framework", "line"])
            );
            format!("{name} ({place})")
        }
    };
    let tools = list(value, &["tools"]);
    let count = u64::try_from(tools.len()).unwrap_or(u64::MAX);
    let mut shown = format!(
        "{}: {}\n  {framework}, {}, each deferred to a person",
        words::good("wrote"),
        text(value, &["file"]),
        counted(count, "tool")
    );
    if !tools.is_empty() {
        let row = |tool: &Value| {
            vec![
                safe(text(tool, &["name"])),
                format!("{}:{}", text(tool, &["file"]), number(tool, &["line"])),
                safe(text(tool, &["description"])),
            ]
        };
        let rows: Vec<Vec<String>> = tools.iter().map(row).collect();
        shown.push_str(&format!("\n\n{}", one_line(&["TOOL", "WHERE", "WHAT IT DOES"], &rows, 2)));
    }
    shown
}

fn next_steps(project: &Project, context: &Context) {
    for warning in project.warnings.iter().take(SHOWN_WARNINGS) {
        context.console.warn(&cut(&safe(warning), 300));
    }
    let rest = project.warnings.len().saturating_sub(SHOWN_WARNINGS);
    if rest > 0 {
        context.console.warn(&format!("{rest} more: `--format json` has them all"));
    }
    if project.tools.is_empty() {
        context.console.note(
            "no tools were found: every call waits for a person, which shows what the tools are called",
        );
    }
    context.console.hint(&format!("promote what is harmless to `permit`, then {}", context.command("check")));
    context.console.hint(&format!("{} runs it here and shows every decision", context.command("dev")));
    context.console.hint("keep `.faramesh/` and `faramesh-wal/` out of version control");
}
