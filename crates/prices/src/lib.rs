//! What the calls of models cost: a table of prices by the name of the model. One is bundled (`prices.json`, with the
//! source and the day of each price), and a stack can have its own.
//!
//! INVARIANT never less: what a call costs is rounded up to a whole micro-dollar, and where a price depends on the size of
//! the call, the table has the dearer one.

use std::cmp::Reverse;

use faramesh_call::glob::matches;
use faramesh_call::json;
use faramesh_call::money::micros_up;
use faramesh_call::{Number, Object, Value};

/// The bundled table, as it is written.
pub const BUNDLED: &str = include_str!("../prices.json");
/// The version of the format.
const VERSION: i64 = 1;
/// Largest table, in bytes, and most models in it.
pub const MAX_BYTES: u64 = 1 << 20;
const MAX_MODELS: usize = 10_000;
const TOP_KEYS: &[&str] = &["prices", "unit", "models"];
const MODEL_KEYS: &[&str] = &["model", "input", "cached_input", "output", "source", "as_of"];
const TOKENS_OF_A_PRICE: u128 = 1_000_000;

/// Why a table cannot be used.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum PricesError {
    /// It is no JSON.
    #[error("it is no JSON: {0}")]
    Json(String),
    /// It says something else than a table.
    #[error("{0}")]
    Form(String),
}

/// The price of one model.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Price {
    /// The name, with `*` for any run of characters.
    pub model: Box<str>,
    /// Micro-dollars for a million tokens of input.
    pub input: u64,
    /// The same for input that the vendor had kept.
    pub cached_input: u64,
    /// The same for output.
    pub output: u64,
    /// Where the price is from.
    pub source: Box<str>,
    /// The day when it was so.
    pub as_of: Box<str>,
}

/// What a call of a model used.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Usage {
    /// Tokens of input, those included that the vendor had kept.
    pub input_tokens: u64,
    /// Those of them that the vendor had kept.
    pub cached_input_tokens: u64,
    /// Tokens of output.
    pub output_tokens: u64,
}

/// A table of prices.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Prices {
    /// The most specific name first.
    models: Vec<Price>,
}

impl Prices {
    /// The bundled table.
    #[must_use]
    pub fn bundled() -> Self {
        // A test reads it; without it, no model has a price.
        Self::parse(BUNDLED.as_bytes()).unwrap_or_default()
    }

    /// Reads a table.
    ///
    /// # Errors
    /// It is none; the message names the place.
    pub fn parse(bytes: &[u8]) -> Result<Self, PricesError> {
        let value = json::parse(bytes).map_err(|error| PricesError::Json(error.to_string()))?;
        let form = |why: String| PricesError::Form(why);
        let table = value.as_object().ok_or_else(|| form("it is no JSON object".to_owned()))?;
        known(table, TOP_KEYS, "the table").map_err(form)?;
        if table.get("prices").and_then(Value::as_i64) != Some(VERSION) {
            return Err(form(format!("`prices`, the version of the format, is {VERSION}")));
        }
        let models = table.get("models").and_then(Value::as_list);
        let models = models.ok_or_else(|| form("`models` must be a list".to_owned()))?;
        if models.len() > MAX_MODELS {
            return Err(form(format!("there are more than {MAX_MODELS} models")));
        }
        let read = |(place, model): (usize, &Value)| {
            price(model).map_err(|why| form(format!("model {}: {why}", place + 1)))
        };
        let mut models = models.iter().enumerate().map(read).collect::<Result<Vec<_>, _>>()?;
        models.sort_by_key(|price| Reverse(price.model.bytes().filter(|byte| *byte != b'*').count()));
        Ok(Self { models })
    }

    /// Every price, the most specific name first.
    #[must_use]
    pub fn models(&self) -> &[Price] {
        &self.models
    }

    /// The price of a model, by the most specific name that fits. What stands before the last `/` of a name says who
    /// serves it, and counts for nothing.
    #[must_use]
    pub fn of(&self, model: &str) -> Option<&Price> {
        let name = model.rsplit_once('/').map_or(model, |(_, name)| name);
        self.models.iter().find(|price| matches(&price.model, name))
    }
}

impl Price {
    /// What this use costs, in micro-dollars.
    #[must_use]
    pub fn cost(&self, usage: Usage) -> u64 {
        let cached = usage.cached_input_tokens.min(usage.input_tokens);
        let parts = [
            (usage.input_tokens - cached, self.input),
            (cached, self.cached_input),
            (usage.output_tokens, self.output),
        ];
        let sum: u128 = parts.iter().map(|(tokens, price)| u128::from(*tokens) * u128::from(*price)).sum();
        u64::try_from(sum.div_ceil(TOKENS_OF_A_PRICE)).unwrap_or(u64::MAX)
    }
}

fn price(value: &Value) -> Result<Price, String> {
    let members = value.as_object().ok_or("it is no object")?;
    known(members, MODEL_KEYS, "a model")?;
    let text = |key: &str| members.get(key).and_then(Value::as_str).map(Box::<str>::from);
    let dollars = |key: &str| match members.get(key) {
        None => Ok(None),
        Some(value) => value
            .as_number()
            .and_then(|dollars: &Number| micros_up(dollars))
            .map(Some)
            .ok_or_else(|| format!("`{key}` must be a number of dollars for 1,000,000 tokens")),
    };
    let needed = |key: &str| dollars(key)?.ok_or_else(|| format!("`{key}` is missing"));
    let input = needed("input")?;
    Ok(Price {
        model: text("model").filter(|model| !model.is_empty()).ok_or("`model`, its name, is missing")?,
        input,
        cached_input: dollars("cached_input")?.unwrap_or(input),
        output: needed("output")?,
        source: text("source").unwrap_or_default(),
        as_of: text("as_of").unwrap_or_default(),
    })
}

fn known(members: &Object, keys: &[&str], what: &str) -> Result<(), String> {
    match members.iter().find(|(key, _)| !keys.contains(key)) {
        Some((key, _)) => Err(format!("{what} has no `{}`; it has {}", key.escape_debug(), keys.join(", "))),
        None => Ok(()),
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "a test that cannot go on should stop")]
mod tests {
    use super::*;

    #[test]
    fn the_bundled_table_says_whence_and_when() {
        let prices = Prices::bundled();
        assert!(prices.models().len() > 30);
        for price in prices.models() {
            assert!(price.source.starts_with("https://"), "{price:?}");
            assert_eq!(price.as_of.len(), 10, "{price:?}");
            assert!(price.cached_input <= price.input && price.input <= price.output, "{price:?}");
        }
    }

    #[test]
    fn the_most_specific_name_counts() {
        let prices = Prices::bundled();
        let model = |name: &str| prices.of(name).map(|price| &*price.model);
        for (name, expected) in [
            ("gpt-5", Some("gpt-5*")),
            ("gpt-5-mini-2025-08-07", Some("gpt-5-mini*")),
            ("openai/gpt-5.5-pro", Some("gpt-5.5-pro*")),
            ("claude-opus-4-1-20250805", Some("*claude-opus-4*")),
            ("us.anthropic.claude-opus-4-5-20251101-v1:0", Some("*claude-opus-4-5*")),
            ("o3", Some("o3")),
            ("o3-pro", None),
            ("my-own", None),
            ("", None),
        ] {
            assert_eq!(model(name), expected, "{name}");
        }
    }

    #[test]
    fn costs_are_exact_and_rounded_up() {
        let table = br#"{"prices":1,"models":[{"model":"m","input":1.25,"cached_input":0.125,"output":10}]}"#;
        let prices = Prices::parse(table).unwrap();
        let cost = |input_tokens, cached_input_tokens, output_tokens| {
            prices.of("m").unwrap().cost(Usage { input_tokens, cached_input_tokens, output_tokens })
        };
        assert_eq!(cost(1_000_000, 0, 0), 1_250_000);
        assert_eq!(cost(1_000, 1_000, 0), 125);
        assert_eq!(cost(1, 0, 1), 12, "11.25 micro-dollars");
        assert_eq!(cost(5, 9, 0), 1, "no more can be kept than there is");
        assert_eq!(cost(0, 0, 0), 0);
        assert_eq!(cost(u64::MAX, 0, u64::MAX), u64::MAX);
    }

    #[test]
    fn mistakes_are_named() {
        for (text, says) in [
            ("{", "no JSON"),
            ("[]", "no JSON object"),
            (r#"{"prices":2,"models":[]}"#, "`prices`"),
            (r#"{"prices":1}"#, "`models` must"),
            (r#"{"prices":1,"models":[{"model":"m","input":1}]}"#, "model 1: `output` is missing"),
            (r#"{"prices":1,"models":[{"model":"m","input":-1,"output":1}]}"#, "model 1: `input` must"),
            (r#"{"prices":1,"models":[{"model":"m","inptu":1,"output":1}]}"#, "has no `inptu`"),
        ] {
            let why = Prices::parse(text.as_bytes()).unwrap_err().to_string();
            assert!(why.contains(says), "{text}: {why}");
        }
    }
}
