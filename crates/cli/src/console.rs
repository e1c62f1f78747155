//! The terminal as commands see it: data goes to standard output, everything else to standard error.
//!
//! INVARIANT honest colours: text is written with colours and loses them on the way out when the
//! output is no terminal, or `--no-color` or NO_COLOR say so; words and symbols carry the meaning.

use std::io::{self, BufRead, IsTerminal, Write};

use clap::ValueEnum;
use faramesh_call::Value;
use owo_colors::OwoColorize;

use crate::failure::{Failure, Told};
use crate::views::json;

/// Longest answer that is read from a person, in bytes.
const MAX_ANSWER_BYTES: u64 = 4_096;

/// What a command prints.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, ValueEnum)]
pub enum Format {
    /// For people.
    #[default]
    Text,
    /// One JSON value; a stable shape.
    Json,
    /// One record per line, exactly as it is stored.
    Jsonl,
    /// A table for spreadsheets.
    Csv,
    /// Records with all that is needed to check them; only `audit export` writes it.
    Bundle,
}

/// Where a command writes.
#[derive(Debug, Clone, Copy)]
pub struct Console {
    /// What is printed.
    pub format: Format,
    quiet: bool,
}

impl Console {
    /// A console that prints `format`.
    pub fn new(format: Format, quiet: bool) -> Self {
        Self { format, quiet }
    }

    /// Whether the output is for programs.
    pub fn is_for_programs(&self) -> bool {
        self.format != Format::Text
    }

    /// Data: a line or several, without the last line break.
    pub fn out(&self, text: &str) -> Result<(), Failure> {
        let mut out = anstream::AutoStream::auto(io::stdout().lock());
        writeln!(out, "{text}")?;
        Ok(out.flush()?)
    }

    /// Data, byte for byte, and a line break.
    pub fn bytes(&self, bytes: &[u8]) -> Result<(), Failure> {
        let mut out = io::stdout().lock();
        out.write_all(bytes)?;
        out.write_all(b"\n")?;
        Ok(out.flush()?)
    }

    /// Data as JSON: indented on a terminal, one line otherwise.
    pub fn json(&self, value: &Value) -> Result<(), Failure> {
        if io::stdout().is_terminal() {
            return self.bytes(json::indented(value).as_bytes());
        }
        self.bytes(&faramesh_call::json::canonical(value))
    }

    /// The value as JSON, or what `view` makes of it for people.
    pub fn show(&self, value: &Value, view: impl FnOnce(&Value) -> String) -> Result<(), Failure> {
        match self.format {
            Format::Json => self.json(value),
            Format::Text => self.out(view(value).trim_end_matches('\n')),
            Format::Jsonl | Format::Csv | Format::Bundle => {
                Err(Failure::usage("this command prints text or JSON")
                    .hint("use `--format text` or `--format json`"))
            }
        }
    }

    /// Refuses formats that only some commands have, before any work is done.
    pub fn only_text_or_json(&self) -> Result<(), Failure> {
        match self.format {
            Format::Text | Format::Json => Ok(()),
            Format::Jsonl | Format::Csv | Format::Bundle => {
                Err(Failure::usage("this command prints text or JSON")
                    .hint("use `--format text` or `--format json`"))
            }
        }
    }

    /// Refuses bundles, which only `audit export` writes, before any work is done.
    pub fn no_bundle(&self) -> Result<(), Failure> {
        match self.format {
            Format::Bundle => {
                Err(Failure::usage("this command writes no bundle").hint("`faramesh audit export` does"))
            }
            _ => Ok(()),
        }
    }

    /// Something worth knowing beside the data; `--quiet` leaves it out.
    pub fn note(&self, text: &str) {
        if !self.quiet {
            error_line(text);
        }
    }

    /// What to do next.
    pub fn hint(&self, text: &str) {
        self.note(&format!("{} {text}", "hint:".cyan().bold()));
    }

    /// Something that a person should not overlook; shown even when quiet.
    pub fn warn(&self, text: &str) {
        error_line(&format!("{} {text}", "warning:".yellow().bold()));
    }

    /// Why the command failed.
    pub fn failure(&self, told: &Told) {
        error_line(&format!("{} {}", "error:".red().bold(), told.message));
        for hint in &told.hints {
            error_line(&format!("{} {hint}", "hint:".cyan().bold()));
        }
    }

    /// Whether a person can be asked.
    pub fn can_ask(&self) -> bool {
        !self.is_for_programs() && io::stdin().is_terminal() && io::stderr().is_terminal()
    }

    /// Whether progress can be shown.
    pub fn can_show_progress(&self) -> bool {
        !self.quiet && io::stderr().is_terminal()
    }

    /// Whether the data is read by a person.
    pub fn is_terminal(&self) -> bool {
        io::stdout().is_terminal()
    }

    /// Asks a person; the answer is trimmed, and empty when there is none.
    pub fn ask(&self, question: &str) -> Result<String, Failure> {
        let mut prompt = anstream::AutoStream::auto(io::stderr().lock());
        let _ = write!(prompt, "{question} ");
        let _ = prompt.flush();
        let mut answer = String::new();
        let mut input = io::Read::take(io::stdin().lock(), MAX_ANSWER_BYTES);
        input.read_line(&mut answer).map_err(|error| {
            Failure::new(format!("cannot read the answer: {}", crate::failure::plain(&error)))
        })?;
        Ok(answer.trim().to_owned())
    }
}

/// Standard error may be closed too; then there is nobody to tell.
fn error_line(text: &str) {
    let _ = writeln!(anstream::AutoStream::auto(io::stderr().lock()), "{text}");
}
