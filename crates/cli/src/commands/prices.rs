//! `faramesh prices`: what calls of models cost, by the table of the stack or the bundled one.

use std::fs::OpenOptions;
use std::io::Write;
use std::path::PathBuf;

use clap::Args;
use faramesh_call::money::dollars;
use faramesh_call::{Number, Value, object};
use faramesh_daemon::prices_of;
use faramesh_prices::{BUNDLED, Price, Prices};

use crate::context::Context;
use crate::exit::Exit;
use crate::failure::Failure;
use crate::policy;
use crate::views::json::{list, text, versioned};
use crate::views::table::table;

/// What to show.
#[derive(Debug, Args)]
pub struct Arguments {
    /// Show the bundled table, also when the policy names another
    #[arg(long)]
    pub bundled: bool,
    /// Show the price of this model alone
    #[arg(long, value_name = "NAME")]
    pub model: Option<String>,
    /// Write the bundled table to a new file, as the beginning of a table of your own
    #[arg(long, value_name = "FILE", conflicts_with_all = ["bundled", "model"])]
    pub out: Option<PathBuf>,
}

/// Shows prices.
///
/// # Errors
/// The policy or its table cannot be read, or no price is known of the model.
pub fn run(arguments: &Arguments, context: &Context) -> Result<Exit, Failure> {
    if let Some(file) = &arguments.out {
        return write(file, context);
    }
    let prices = if arguments.bundled { Prices::bundled() } else { of_stack(context)? };
    let shown: Vec<&Price> = match &arguments.model {
        Some(name) => {
            let price = prices.of(name).ok_or_else(|| {
                Failure::new(format!("the table has no price of `{}`", name.escape_debug()))
                    .hint("its calls count $0.001 each until an outcome reports a `cost`")
            })?;
            vec![price]
        }
        None => prices.models().iter().collect(),
    };
    let models = shown.into_iter().map(|price| {
        object! {
            "model" => &*price.model,
            "input" => dollars(price.input),
            "cached_input" => dollars(price.cached_input),
            "output" => dollars(price.output),
            "source" => &*price.source,
            "as_of" => &*price.as_of,
        }
    });
    let value =
        versioned(object! { "unit" => "USD per 1,000,000 tokens", "models" => models.collect::<Value>() });
    context.console.show(&value, view)?;
    Ok(Exit::Success)
}

fn of_stack(context: &Context) -> Result<Prices, Failure> {
    if policy::present(&context.directory()?).is_empty() {
        return Ok(Prices::bundled());
    }
    let program = policy::compiled(context, true)?.program()?;
    prices_of(&program, &context.layout()?).map_err(|error| Failure::new(error.to_string()))
}

fn write(file: &PathBuf, context: &Context) -> Result<Exit, Failure> {
    let mut new = OpenOptions::new()
        .write(true)
        .create_new(true)
        .open(file)
        .map_err(|error| Failure::file("write", file, &error))?;
    new.write_all(BUNDLED.as_bytes()).map_err(|error| Failure::file("write", file, &error))?;
    let value = versioned(object! { "file" => file.display().to_string() });
    context.console.show(&value, |value| format!("written: {}", text(value, &["file"])))?;
    context.console.hint(&format!(
        "name it in the policy: `provider \"prices\" {{ type = \"price-table\" path = \"{}\" }}`",
        file.display()
    ));
    Ok(Exit::Success)
}

fn view(value: &Value) -> String {
    let rows: Vec<Vec<String>> = list(value, &["models"])
        .iter()
        .map(|model| {
            let number = |key: &str| {
                model.get(key).and_then(Value::as_number).map(Number::to_string).unwrap_or_default()
            };
            vec![
                text(model, &["model"]).to_owned(),
                number("input"),
                number("cached_input"),
                number("output"),
                text(model, &["as_of"]).to_owned(),
            ]
        })
        .collect();
    format!(
        "USD for 1,000,000 tokens; the most specific name counts\n\n{}",
        table(&["MODEL", "INPUT", "CACHED", "OUTPUT", "AS OF"], &rows)
    )
}
