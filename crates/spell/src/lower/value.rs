//! Values: scalars and lists, and the maps that say what a text alone cannot: `{env: NAME}`,
//! `{text: "…"}`, `{var: name}` and `{expr: "…"}`.

use faramesh_syntax::ast::{Span, Spanned, Value};
use faramesh_syntax::{Diagnostic, codes as syntax_codes, limits};

use super::Lower;
use crate::codes;
use crate::names::{Mode, is_identifier};
use crate::tree::{Data, Entry, Node, Style};

/// Keys of maps that stand for one value.
const FORMS: &str = "`env`, `text`, `var` or `expr`";

impl Lower<'_> {
    /// The value of what `what` names.
    pub(super) fn value(&mut self, node: &Node, mode: Mode, what: &str) -> Option<Spanned<Value>> {
        let value = match &node.data {
            Data::Text(text, _) if text.len() > limits::STRING_BYTES => return self.too_long(node.span),
            Data::Text(text, style) => self.textual(text, *style, node.span, mode)?,
            Data::Number(text) => Value::Number(text.clone()),
            Data::Bool(value) => Value::Bool(*value),
            Data::Null if node.span.end == node.span.start => {
                return self.wrong(node, what, "a value", "write its value after the key, or remove the key");
            }
            Data::Null => Value::Null,
            Data::List(items) if items.len() > limits::LIST_ELEMENTS => {
                let message = format!("this list has more than {} elements", limits::LIST_ELEMENTS);
                self.report(
                    Diagnostic::error(syntax_codes::LIST_TOO_LONG, node.span, message)
                        .with_help("split it, or name the elements by a pattern"),
                );
                return None;
            }
            Data::List(items) => {
                let values: Vec<_> = items.iter().map(|item| self.value(item, mode, what)).collect();
                Value::List(values.into_iter().collect::<Option<_>>()?)
            }
            Data::Map(entries) => return self.form(node, entries, what),
        };
        Some(Spanned { node: value, span: node.span })
    }

    fn textual(&mut self, text: &str, style: Style, span: Span, mode: Mode) -> Option<Value> {
        match mode {
            Mode::Expression => {
                let places = self.places(text, style, span);
                Some(self.value_fragment(text, &places)?.node)
            }
            Mode::Text | Mode::Literal | Mode::Measure if text.starts_with("env(") => {
                let places = self.places(text, style, span);
                Some(self.value_fragment(text, &places)?.node)
            }
            Mode::Literal | Mode::Measure => {
                Some(literal(text).unwrap_or_else(|| Value::String(text.to_owned())))
            }
            Mode::Text | Mode::Words => Some(Value::String(text.to_owned())),
        }
    }

    /// A map in the place of a value.
    fn form(&mut self, node: &Node, entries: &[Entry], what: &str) -> Option<Spanned<Value>> {
        let span = node.span;
        let key = |name: &str| entries.iter().find(|entry| entry.key.node == name);
        let known: &[&str] =
            if key("env").is_some() { &["env", "default"] } else { &["env", "text", "var", "expr"] };
        if let Some(unknown) = entries.iter().find(|entry| !known.contains(&entry.key.node.as_str())) {
            let message = format!("{what} is no map with a key `{}`", unknown.key.node);
            let help = format!("write the value itself, or a map with {FORMS}");
            self.report(Diagnostic::error(codes::WRONG_SHAPE, unknown.key.span, message).with_help(help));
            return None;
        }
        if let Some(entry) = key("env") {
            let name = self.text(&entry.value, "the name of the variable", "write `env: NAME`")?.node;
            let default = match key("default") {
                Some(entry) => {
                    Some(self.text(&entry.value, "the default of a variable", "put it in quotes")?.node)
                }
                None => None,
            };
            return Some(Spanned { node: Value::Env { name, default }, span });
        }
        let [entry] = entries else {
            return self.wrong(
                node,
                what,
                "one value",
                &format!("write the value itself, or a map with one of {FORMS}"),
            );
        };
        let text = self.text(&entry.value, "the value", "write a text")?;
        let Data::Text(_, style) = entry.value.data else { return None };
        match entry.key.node.as_str() {
            "text" => Some(Spanned { node: Value::String(text.node), span: text.span }),
            "var" if is_identifier(&text.node) => {
                Some(Spanned { node: Value::Word(text.node), span: text.span })
            }
            "var" => {
                let message = format!("`{}` cannot be the name of a variable", text.node);
                let help = "use letters, digits, `_` and `-`";
                self.report(Diagnostic::error(codes::BAD_FRAGMENT, text.span, message).with_help(help));
                None
            }
            _ => {
                let places = self.places(&text.node, style, text.span);
                self.value_fragment(&text.node, &places)
            }
        }
    }
}

/// `$500`, `15m` or `10mb`.
pub(crate) fn literal(text: &str) -> Option<Value> {
    let (sign, rest) = text.strip_prefix('-').map_or(("", text), |rest| ("-", rest));
    if let Some(digits) = rest.strip_prefix('$') {
        return is_decimal(digits).then(|| Value::Money(format!("{sign}{digits}")));
    }
    let digits = text.trim_end_matches(|letter: char| letter.is_ascii_alphabetic());
    if !is_decimal(digits) {
        return None;
    }
    match text.get(digits.len()..)? {
        "ms" | "s" | "m" | "h" | "d" | "w" => Some(Value::Duration(text.to_owned())),
        "kb" | "mb" | "gb" => Some(Value::Size(text.to_owned())),
        _ => None,
    }
}

fn is_decimal(text: &str) -> bool {
    let (whole, fraction) = text.split_once('.').unwrap_or((text, "0"));
    let digits = |text: &str| !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
    digits(whole) && digits(fraction)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn literals_are_those_of_the_language() {
        for (text, expected) in [
            ("$10.00", Some(Value::Money("10.00".to_owned()))),
            ("-$5", Some(Value::Money("-5".to_owned()))),
            ("15m", Some(Value::Duration("15m".to_owned()))),
            ("1.5gb", Some(Value::Size("1.5gb".to_owned()))),
            ("15 m", None),
            ("$", None),
            ("$1,000", None),
            ("m", None),
            ("5", None),
            ("1.m", None),
        ] {
            assert_eq!(literal(text), expected, "{text}");
        }
    }
}
