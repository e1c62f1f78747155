//! Repository chores, run as `cargo xtask <chore>`.
//!
//! `tidy` reads the tree and the dependency graph and names every breach of the house rules, without building
//! anything. `edges` prints the list of edges between crates that ARCHITECTURE.md carries. `gen` runs the program of
//! `xtask/gen`, which builds what it describes; here nothing does. `schema` writes the
//! JSON Schema of policies in the same way. Nothing of it ships.
#![allow(clippy::print_stdout, reason = "a chore talks to the terminal")]

mod edges;
mod finding;
mod generate;
mod law;
mod rust_file;
mod schema;
mod sizes;
mod sources;
mod tidy;
mod tree;
mod words;
mod workspace;

use std::process::ExitCode;

const USAGE: &str = "usage: cargo xtask <chore>

  tidy             check the dependency law, sizes, names and words; builds nothing
  edges            print the edges between crates as ARCHITECTURE.md lists them
  edges --write    write them there
  gen              write the references and the cookbook from the definitions and the corpus
  gen --check      compare them instead
  gen --man DIR    write man pages
  schema           write docs/reference/governance.schema.json from the definitions
  schema --check   compare it instead";

fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let words: Vec<&str> = arguments.iter().map(String::as_str).collect();
    let outcome = match words.as_slice() {
        ["tidy"] => tidy::run(),
        ["edges"] => edges::print(),
        ["edges", "--write"] => edges::write(),
        ["gen", rest @ ..] => generate::run(rest),
        ["schema", rest @ ..] => schema::run(rest),
        _ => Err(USAGE.to_owned()),
    };
    match outcome {
        Ok(code) => code,
        Err(message) => {
            eprintln!("{message}");
            ExitCode::from(2)
        }
    }
}
