//! `faramesh check`: what is wrong with a policy, as a person or a program wants to read it.

pub mod prove;

use std::path::PathBuf;

use clap::Args;
use faramesh_call::{Value, object};
use faramesh_check::{Checked, codes};
use faramesh_syntax::{Diagnostic, Severity};

use crate::context::Context;
use crate::exit::Exit;
use crate::failure::Failure;
use crate::policy;
use crate::views::diagnostics::Found;
use crate::views::json;

/// What `check` takes.
#[derive(Debug, Args)]
pub struct Arguments {
    /// The policy, in FPL, YAML or JSON by its name; that of the stack when it is left out
    file: Option<PathBuf>,
    /// Exit with 3 when there are warnings
    #[arg(long)]
    strict: bool,
    /// Use no network (there is nothing to fetch yet)
    #[arg(long)]
    offline: bool,
    /// Take an environment variable that is not set for an error, even when it has a default
    #[arg(long)]
    strict_env: bool,
    /// Check as `faramesh dev` does, which needs no identity
    #[arg(long)]
    dev: bool,
    /// Prove a statement about every call, or show a call that refutes it: `no permit TOOL if CONDITION`,
    /// `every TOOL if CONDITION is deny`, and `for AGENT` at the end of either
    #[arg(long, value_name = "STATEMENT")]
    prove: Vec<String>,
}

/// Checks the policy.
///
/// # Errors
/// The policy cannot be read, or the output cannot be written.
pub fn run(arguments: &Arguments, context: &Context) -> Result<Exit, Failure> {
    context.console.only_text_or_json()?;
    let source = policy::read(context, arguments.file.as_deref())?;
    let checked = policy::checked(&source, arguments.dev, arguments.strict_env);
    let found = Found { file: &source.shown, source: &source.text, diagnostics: &checked.diagnostics };
    let packs = policy::in_packs(&checked);
    let mut value = object! {
        "valid" => checked.stack.is_some(),
        "diagnostics" => diagnostics(&found, &packs),
    };
    let mut all_hold = true;
    if let Some(stack) = checked.stack.as_ref().filter(|_| !arguments.prove.is_empty()) {
        let statements = prove::statements(&arguments.prove, &source, stack, arguments.dev)?;
        all_hold = prove::all_hold(&statements);
        value.insert("statements", statements);
    }
    let value = json::versioned(value);
    context.console.show(&value, |value| text(value, &found, &packs))?;
    if !context.console.is_for_programs() {
        hints(&checked, context);
    }
    Ok(if all_hold { exit(&checked.diagnostics, arguments.strict) } else { Exit::Refuted })
}

/// Those of packs first: what is wrong there explains what is wrong here.
fn diagnostics(found: &Found<'_>, packs: &[Found<'_>]) -> Value {
    packs.iter().chain([found]).flat_map(|found| found.to_list()).collect()
}

fn hints(checked: &Checked, context: &Context) {
    let worst = checked.diagnostics.iter().min_by_key(|diagnostic| diagnostic.severity);
    if let Some(worst) = worst {
        context.console.hint(&format!("`faramesh explain {}` explains that message", worst.code));
    }
    if checked.stack.is_some() {
        return;
    }
    let mut errors = checked.diagnostics.iter().filter(|diagnostic| diagnostic.is_error());
    if errors.all(|error| error.code == codes::NO_IDENTITY.code) {
        let dev = context.command("dev");
        context.console.hint(&format!("{dev} runs it as it is, for trying out: there, callers are believed"));
    }
    context.console.hint(&format!("{} shows what is left after a change", context.command("check")));
}

fn exit(diagnostics: &[Diagnostic], strict: bool) -> Exit {
    let errors = || diagnostics.iter().filter(|diagnostic| diagnostic.is_error());
    let of_import = |diagnostic: &Diagnostic| codes::is_of_import(diagnostic.code);
    if errors().next().is_some() {
        return if errors().all(of_import) { Exit::Import } else { Exit::Failed };
    }
    let warned = diagnostics.iter().any(|diagnostic| diagnostic.severity == Severity::Warning);
    if strict && warned { Exit::Warnings } else { Exit::Success }
}

fn text(value: &Value, found: &Found<'_>, packs: &[Found<'_>]) -> String {
    let drawn = packs.iter().chain([found]).map(|found| found.draw()).filter(|drawn| !drawn.is_empty());
    let mut text = drawn.collect::<Vec<_>>().join("\n\n");
    if !text.is_empty() {
        text.push_str("\n\n");
    }
    let tally = found.tally();
    if !json::is_true(value, &["valid"]) {
        text.push_str(&format!("✗ {} has {tally}", found.file));
    } else if tally.is_empty() {
        text.push_str(&format!("✓ {} is valid", found.file));
    } else {
        text.push_str(&format!("✓ {} is valid, with {tally}", found.file));
    }
    if let Some(statements) = json::at(value, &["statements"]) {
        text.push_str("\n\n");
        text.push_str(&prove::view(statements));
    }
    text
}
