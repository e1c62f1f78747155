//! `faramesh destroy`: the daemon stopped, and what it made removed. The policy's source is never
//! touched, and of a ledger's folder only the files that a ledger has.

use std::fs;
use std::io::ErrorKind;
use std::path::{Path, PathBuf};

use clap::Args;
use faramesh_call::{Value, object};
use faramesh_daemon::{Layout, admin_socket_of};

use crate::client::{self, Client};
use crate::commands::apply;
use crate::context::Context;
use crate::exit::Exit;
use crate::failure::Failure;
use crate::policy;
use crate::views::json::{list, text};
use crate::views::{json, words};

/// What `destroy` takes.
#[derive(Debug, Args)]
pub struct Arguments {
    /// Keep the ledger
    #[arg(long)]
    keep_wal: bool,
    /// Do not ask
    #[arg(long, short)]
    yes: bool,
}

/// Stops the stack and removes its runtime.
///
/// # Errors
/// The person did not agree, the daemon does not stop, or a file cannot be removed.
pub fn run(arguments: &Arguments, context: &Context) -> Result<Exit, Failure> {
    context.console.only_text_or_json()?;
    let layout = context.layout()?;
    let running = client::of_stack(context)?;
    let ledger = ledger_of(&layout, running.as_ref().map(|(_, status)| status));
    let plan = Removal::of(&layout, ledger.filter(|_| !arguments.keep_wal))?;
    if plan.is_empty() && running.is_none() {
        let value = json::versioned(object! { "stopped" => false, "removed" => Value::List(Vec::new()) });
        context.console.show(&value, |_| "there is nothing to remove".to_owned())?;
        return Ok(Exit::Success);
    }
    if !arguments.yes {
        agree(&plan, running.is_some(), context)?;
    }
    let stopped = running.is_some();
    if let Some((client, status)) = running {
        apply::stop(client, &status)?;
    }
    let removed = plan.carry_out()?;
    let value = json::versioned(object! {
        "stopped" => stopped,
        "removed" => removed.iter().map(|path| path.display().to_string()).collect::<Value>(),
        "kept_ledger" => arguments.keep_wal,
    });
    context.console.show(&value, view)?;
    Ok(Exit::Success)
}

fn view(value: &Value) -> String {
    let mut lines: Vec<String> = Vec::new();
    if json::is_true(value, &["stopped"]) {
        lines.push(format!("{}: the daemon", words::good("stopped")));
    }
    lines.extend(
        list(value, &["removed"])
            .iter()
            .map(|path| format!("{}: {}", words::good("removed"), path.as_str().unwrap_or_default())),
    );
    lines.join("\n")
}

fn agree(plan: &Removal, running: bool, context: &Context) -> Result<(), Failure> {
    let stop = if running { "stops the daemon and " } else { "" };
    let paths: Vec<String> = plan.shown().iter().map(|path| format!("  {}", path.display())).collect();
    context.console.note(&format!("This {stop}removes for good:\n{}", paths.join("\n")));
    if plan.ledger.is_some() {
        context.console.note("The ledger is the proof of what was decided; `--keep-wal` keeps it.");
    }
    if !context.console.can_ask() {
        return Err(Failure::usage("nobody can be asked here, so nothing was removed")
            .hint("`--yes` agrees beforehand"));
    }
    let answer = context.console.ask("Go on? [y/N]")?;
    if matches!(answer.to_lowercase().as_str(), "y" | "yes") {
        Ok(())
    } else {
        Err(Failure::new("nothing was removed"))
    }
}

/// The folder of the stack's ledger, when it is on disk.
fn ledger_of(layout: &Layout, status: Option<&Value>) -> Option<PathBuf> {
    let folder = match status {
        Some(status) => PathBuf::from(text(status, &["daemon", "wal", "path"])),
        None => match policy::load_file(&layout.policy()) {
            Ok(Some((program, _))) => layout.resolve(&program.runtime.wal_dir),
            _ => layout.resolve("./faramesh-wal"),
        },
    };
    (!folder.as_os_str().is_empty() && folder.is_dir()).then_some(folder)
}

/// What goes.
struct Removal {
    runtime: Option<PathBuf>,
    sockets: Vec<PathBuf>,
    ledger: Option<PathBuf>,
}

impl Removal {
    fn of(layout: &Layout, ledger: Option<PathBuf>) -> Result<Self, Failure> {
        let runtime = Some(layout.runtime_folder()).filter(|folder| folder.is_dir());
        let sockets =
            layout.known_socket().map_or_else(Vec::new, |socket| vec![admin_socket_of(&socket), socket]);
        let has_files =
            ledger.as_deref().map(ledger_files).transpose()?.is_some_and(|files| !files.is_empty());
        let ledger = ledger.filter(|_| has_files);
        Ok(Self { runtime, sockets, ledger })
    }

    fn is_empty(&self) -> bool {
        self.runtime.is_none() && self.ledger.is_none()
    }

    fn shown(&self) -> Vec<&Path> {
        self.runtime.as_deref().into_iter().chain(self.ledger.as_deref()).collect()
    }

    fn carry_out(self) -> Result<Vec<PathBuf>, Failure> {
        let mut removed = Vec::new();
        for socket in self.sockets {
            // Another stack's daemon may have taken the name over.
            if matches!(Client::connect(&socket), Ok(None)) {
                let _ = fs::remove_file(&socket);
            }
        }
        if let Some(folder) = self.runtime {
            fs::remove_dir_all(&folder).map_err(|error| Failure::file("remove", &folder, &error))?;
            removed.push(folder);
        }
        if let Some(folder) = self.ledger {
            // Only now: a daemon makes files until it has stopped.
            for file in ledger_files(&folder)? {
                match fs::remove_file(&file) {
                    // The last process that has the index open takes its log with it.
                    Err(error) if error.kind() != ErrorKind::NotFound => {
                        return Err(Failure::file("remove", &file, &error));
                    }
                    _ => {}
                }
            }
            // Whatever else somebody put there stays, and its folder with it.
            let _ = fs::remove_dir(&folder);
            removed.push(folder);
        }
        Ok(removed)
    }
}

/// The files in a folder that a ledger makes.
fn ledger_files(folder: &Path) -> Result<Vec<PathBuf>, Failure> {
    let failed = |error: std::io::Error| Failure::file("read", folder, &error);
    let mut files = Vec::new();
    for entry in fs::read_dir(folder).map_err(failed)? {
        let entry = entry.map_err(failed)?;
        let is_file = entry.file_type().is_ok_and(|kind| kind.is_file());
        if is_file && entry.file_name().to_str().is_some_and(is_ledger_file) {
            files.push(entry.path());
        }
    }
    Ok(files)
}

fn is_ledger_file(name: &str) -> bool {
    let numbered = |rest: &str| {
        let digits = rest.bytes().take_while(u8::is_ascii_digit).count();
        let after = rest.get(digits..).unwrap_or_default();
        let after = after.strip_suffix(".new.tmp").unwrap_or(after);
        digits >= 8 && (matches!(after, ".wal" | ".manifest" | ".carry") || after.starts_with(".cut-"))
    };
    let temporary = |name: &str| {
        (name.starts_with("prepared-") && name.ends_with(".tmp")) || name.starts_with("signing.tmp-")
    };
    let fixed = [
        "commitment.key",
        "lock",
        "reserve.tmp",
        "index.sqlite",
        "index.sqlite-wal",
        "index.sqlite-shm",
        "checkpoints.log",
        "signing.key",
        "signing.key.next",
        "signing.pub",
    ];
    numbered(name) || temporary(name) || faramesh_witness::is_kept(name) || fixed.contains(&name)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_files_of_a_ledger_go() {
        for (name, expected) in [
            ("00000001.wal", true),
            ("index.sqlite-wal", true),
            ("commitment.key", true),
            ("signing.key", true),
            ("checkpoints.log", true),
            ("00000001.cut-2", true),
            ("00000001.manifest", true),
            ("witnessed-w.note", true),
            ("witnessed-w.pub", true),
            ("00000001.carry.new.tmp", true),
            ("prepared-1.tmp", true),
            ("notes.txt", false),
            ("governance.fms", false),
            ("1.wal", false),
            (".env", false),
        ] {
            assert_eq!(is_ledger_file(name), expected, "{name}");
        }
    }
}
