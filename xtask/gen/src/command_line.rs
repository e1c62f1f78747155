//! The reference of the command line, from the definitions that help and completions are made of.

use clap::{Arg, Command};

use crate::page::{Page, cell, code};

/// The page.
pub fn page() -> Page {
    let mut page =
        Page::new("docs/reference/cli.md", "The `faramesh` command", "the definitions in `crates/cli/src`");
    let mut faramesh = faramesh_cli::command();
    faramesh.build();
    page.paragraph(
        "Data goes to standard output, everything else to standard error. `--format json` prints one JSON value of a \
         stable shape, with `\"version\": 1`. `faramesh completions SHELL` prints completions, and \
         `cargo xtask gen --man DIR` writes man pages.",
    );
    page.heading(2, "Options of every command");
    let globals: Vec<Vec<String>> =
        faramesh.get_arguments().filter(|argument| is_shown(argument)).map(row).collect();
    page.table(&["option", "meaning"], &globals);
    for command in faramesh.get_subcommands() {
        section(&mut page, command, 2, "faramesh");
    }
    page
}

fn section(page: &mut Page, command: &Command, level: usize, before: &str) {
    if command.is_hide_set() || command.get_name() == "help" {
        return;
    }
    let name = format!("{before} {}", command.get_name());
    page.heading(level, &format!("`{name}`"));
    let aliases: Vec<String> = command.get_visible_aliases().map(code).collect();
    let mut about = command.get_about().map(ToString::to_string).unwrap_or_default();
    if !aliases.is_empty() {
        about = format!("{about}. Also {}", aliases.join(", "));
    }
    page.paragraph(&format!("{}.", about.trim_end_matches('.')));
    let own = |argument: &&Arg| is_shown(argument) && !argument.is_global_set();
    let rows: Vec<Vec<String>> = command.get_arguments().filter(own).map(row).collect();
    if !rows.is_empty() {
        page.table(&["argument", "meaning"], &rows);
    }
    if let Some(after) = command.get_after_help() {
        exits(page, &after.to_string());
    }
    for inner in command.get_subcommands() {
        section(page, inner, level + 1, &name);
    }
}

/// `Exit codes:` and one line for each.
fn exits(page: &mut Page, after: &str) {
    let Some((_, table)) = after.split_once("Exit codes:\n") else { return };
    let rows: Vec<Vec<String>> = table
        .lines()
        .filter_map(|line| line.trim().split_once("  "))
        .map(|(number, meaning)| vec![number.to_owned(), cell(meaning)])
        .collect();
    page.table(&["exit", "when"], &rows);
}

fn is_shown(argument: &Arg) -> bool {
    !argument.is_hide_set() && !matches!(argument.get_id().as_str(), "help" | "version")
}

fn row(argument: &Arg) -> Vec<String> {
    let mut help = argument.get_help().map(ToString::to_string).unwrap_or_default();
    if argument.get_action().takes_values() {
        let values = argument.get_possible_values();
        let names: Vec<&str> =
            values.iter().filter(|value| !value.is_hide_set()).map(|value| value.get_name()).collect();
        // Some helps name their words already.
        if names.iter().any(|name| !help.contains(name)) {
            let names: Vec<String> = names.into_iter().map(code).collect();
            help = format!("{help}. One of {}", names.join(", "));
        }
        for default in argument.get_default_values() {
            help = format!("{help}. {} when it is left out", code(&default.to_string_lossy()));
        }
    }
    vec![code(&form(argument)), cell(&help)]
}

/// `-q, --quiet`, `--dir DIR`, `[FILE]`
fn form(argument: &Arg) -> String {
    let takes = argument.get_action().takes_values();
    let names: Vec<String> =
        argument.get_value_names().unwrap_or_default().iter().map(ToString::to_string).collect();
    let value = if names.is_empty() { argument.get_id().to_string().to_uppercase() } else { names.join(" ") };
    let short = argument.get_short().map(|short| format!("-{short}"));
    let long = argument.get_long().map(|long| format!("--{long}"));
    let flags: Vec<String> = short.into_iter().chain(long).collect();
    match (flags.is_empty(), takes) {
        (true, _) if argument.is_required_set() => value,
        (true, _) => format!("[{value}]"),
        (false, true) => format!("{} {value}", flags.join(", ")),
        (false, false) => flags.join(", "),
    }
}
