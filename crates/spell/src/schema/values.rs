//! What the value of a key may be.

use faramesh_check::definitions::Kind;

use super::{any, described, entry, list, object, one_or_more, pattern, reference, text, typed};
use crate::tree::{Data, Entry, Node};
use faramesh_syntax::ast::Span;

/// The schema of a key's value.
pub(super) fn kind(kind: Kind) -> Node {
    match kind {
        Kind::Text
        | Kind::Url
        | Kind::Listener
        | Kind::Zone
        | Kind::AgentName
        | Kind::ProviderName
        | Kind::PhaseName => reference("text"),
        Kind::Texts
        | Kind::Patterns
        | Kind::Scopes
        | Kind::Hosts
        | Kind::Network
        | Kind::Targets
        | Kind::AgentNames
        | Kind::BudgetNames => one_or_more(reference("text")),
        Kind::Secret => reference("environment"),
        Kind::Choice(words) => any([choice(words), reference("environment")]),
        Kind::Choices(words) => one_or_more(any([choice(words), reference("environment")])),
        Kind::Bool => any([typed("boolean"), reference("environment")]),
        Kind::Number => any([typed("number"), reference("environment")]),
        Kind::Whole => any([number("integer", "0", "4294967295"), reference("environment")]),
        Kind::Share => any([number("number", "0", "1"), reference("environment")]),
        Kind::Port => any([number("integer", "1", "65535"), reference("environment")]),
        Kind::Operand => any([typed("number"), reference("text")]),
        Kind::Money => any([typed("number"), reference("money"), reference("environment")]),
        Kind::Duration => any([reference("duration"), reference("environment")]),
        Kind::DurationOr(words) => any([choice(words), reference("duration"), reference("environment")]),
        Kind::Size => any([typed("number"), reference("size"), reference("environment")]),
        Kind::TextOrNumber => any([typed("number"), reference("text")]),
        Kind::Any => reference("value"),
    }
}

fn number(kind: &str, least: &str, most: &str) -> Node {
    let bound = |value: &str| Node::number(value, Span::default());
    object([("type", text(kind)), ("minimum", bound(least)), ("maximum", bound(most))])
}

fn choice(words: &[&str]) -> Node {
    object([("enum", list(words.iter().map(|word| text(word))))])
}

/// Definitions that others refer to.
pub(super) fn definitions() -> Vec<Entry> {
    let form = [
        ("env", typed("string"), "the name of an environment variable, read when the policy is compiled"),
        ("default", typed("string"), "the text when the variable is not set"),
        ("text", typed("string"), "exactly this text, whatever it looks like"),
        ("var", typed("string"), "the name of a variable of the policy"),
        ("expr", typed("string"), "a value as FPL writes it"),
    ];
    let form = form.into_iter().map(|(key, schema, what)| entry(key, described(schema, what)));
    let form = object([
        ("description", text("a value that a text alone cannot say")),
        ("type", text("object")),
        ("properties", Node::map(form.collect(), Span::default())),
        ("minProperties", Node::number("1", Span::default())),
        ("additionalProperties", Node::new(Data::Bool(false), Span::default())),
    ]);
    let scalars = ["string", "number", "boolean", "null", "array"].map(typed);
    vec![
        entry("form", form),
        entry("environment", any([pattern("^env\\("), reference("form")])),
        entry("text", any([typed("string"), reference("form")])),
        entry("value", any(scalars.into_iter().chain([reference("form")]))),
        entry("money", described(pattern(r"^-?\$[0-9]+(\.[0-9]+)?$"), "an amount such as `$10.00`")),
        entry(
            "duration",
            described(
                pattern(r"^[0-9]+(\.[0-9]+)?(ms|s|m|h|d|w)$"),
                "a duration such as `30s`, `15m` or `24h`",
            ),
        ),
        entry("size", described(pattern(r"^[0-9]+(\.[0-9]+)?(kb|mb|gb)$"), "a size such as `10mb`")),
    ]
}
