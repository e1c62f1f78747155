//! `faramesh version`: which build this is and which formats it speaks.

use faramesh_call::{Value, object};

use crate::context::Context;
use crate::exit::Exit;
use crate::failure::Failure;
use crate::views::json;

/// Prints the version.
///
/// # Errors
/// The output cannot be written.
pub fn run(context: &Context) -> Result<Exit, Failure> {
    let value = json::versioned(object! {
        "faramesh" => env!("CARGO_PKG_VERSION"),
        "record" => faramesh_dpr::VERSION,
        "program_format" => u64::from(faramesh_program::load::FORMAT),
    });
    context.console.show(&value, text)?;
    Ok(Exit::Success)
}

fn text(value: &Value) -> String {
    format!(
        "faramesh {} (record {}, compiled policy format {})",
        json::text(value, &["faramesh"]),
        json::text(value, &["record"]),
        json::number(value, &["program_format"]),
    )
}
