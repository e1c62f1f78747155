//! `redact TOOL args: [...]`: the fields of a tool's arguments that must not reach a record.

use faramesh_program::image::FieldStep;
use faramesh_syntax::ast::{Name, Spanned};
use faramesh_syntax::quote;

use crate::checker::Checker;
use crate::codes;
use crate::stack::Redaction;

/// Most steps to one field; arguments are no deeper.
const STEPS: usize = 64;

impl Checker<'_> {
    pub fn redaction(
        &mut self,
        tool: &Spanned<String>,
        target: &Name,
        paths: &[Spanned<String>],
        seal: bool,
        by: Option<&Spanned<String>>,
    ) -> Option<Redaction> {
        if target.node != "args" {
            let message = format!("`{}` cannot be redacted", target.node);
            self.say(
                codes::WRONG_VALUE,
                target.span,
                message,
                format!("write `redact {} args: [\"…\"]`", tool.node),
            );
            return None;
        }
        self.pattern(tool);
        if paths.is_empty() {
            let message = format!("this redacts nothing of `{}`", tool.node);
            self.say(
                codes::BAD_FIELD,
                tool.span,
                message,
                "name at least one field, as in `[\"card.number\"]`",
            );
        }
        let mut fields = Vec::with_capacity(paths.len());
        for path in paths {
            fields.extend(self.redacted_field(path));
        }
        let subject = by.and_then(|by| self.subject(by));
        if by.is_some() && subject.is_none() {
            return None;
        }
        let subject = subject.unwrap_or_default();
        Some(Redaction { pattern: tool.node.clone(), fields, seal, subject })
    }

    /// The argument that names a person: one value, so no element of a list.
    fn subject(&mut self, by: &Spanned<String>) -> Option<Vec<FieldStep>> {
        let steps = self.redacted_field(by)?;
        if steps.contains(&FieldStep::Each) {
            let message = format!("`{}` names several values, and a field is sealed for one person", by.node);
            self.report(
                codes::BAD_FIELD
                    .at(by.span, message)
                    .with_help("name one argument, as in `seal by \"customer.id\"`"),
            );
            return None;
        }
        Some(steps)
    }

    /// The steps to a field under the arguments.
    fn redacted_field(&mut self, path: &Spanned<String>) -> Option<Vec<FieldStep>> {
        let steps = match field(&path.node) {
            Ok(steps) => steps,
            Err(why) => {
                let message = format!("`{}` is no field: {why}", path.node);
                let mut found = codes::BAD_FIELD
                    .at(path.span, message)
                    .with_help("write `card.number`, or `items[].ssn` for every element of a list");
                let every = without_indexes(&path.node);
                if every != path.node && field(&every).is_ok() {
                    found = found.with_fix(path.span, quote(&every), format!("write `{every}`"));
                }
                self.report(found);
                return None;
            }
        };
        if matches!(steps.as_slice(), [FieldStep::Key(first), _, ..] if first == "args") {
            let rest = path.node.strip_prefix("args.").unwrap_or(&path.node);
            let message = format!("`{}` is the field `args` of the arguments", path.node);
            let rest = quote(rest);
            self.report(
                codes::UNDER_ARGS
                    .at(path.span, message)
                    .with_help(format!("leave `args` out: `{rest}`"))
                    .with_fix(path.span, rest.as_str(), format!("write `{rest}`")),
            );
        }
        Some(steps)
    }
}

/// `items[0].ssn` as `items[].ssn`: every element instead of one.
fn without_indexes(path: &str) -> String {
    let mut text = String::with_capacity(path.len());
    let mut inside = false;
    for character in path.chars() {
        inside = character == '[' || inside && character.is_ascii_digit();
        if !(inside && character.is_ascii_digit()) {
            text.push(character);
        }
    }
    text
}

/// The steps of `card.number`, `items[].ssn`, `[].name`.
fn field(path: &str) -> Result<Vec<FieldStep>, &'static str> {
    let mut steps = Vec::new();
    for (index, part) in path.split('.').enumerate() {
        let name = part.trim_end_matches("[]");
        if name.contains(['[', ']']) {
            return Err("an element is written `[]`, and means every one");
        }
        if name.is_empty() {
            // Only the arguments themselves may be the list.
            if index > 0 || part.is_empty() {
                return Err("a name is missing");
            }
        } else {
            steps.push(FieldStep::Key(name.to_owned()));
        }
        let lists = (part.len() - name.len()) / 2;
        steps.extend(std::iter::repeat_n(FieldStep::Each, lists));
        if steps.len() > STEPS {
            return Err("it has more than 64 steps");
        }
    }
    Ok(steps)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn fields() {
        let key = |name: &str| FieldStep::Key(name.to_owned());
        for (path, expected) in [
            ("card.number", Some(vec![key("card"), key("number")])),
            ("items[].ssn", Some(vec![key("items"), FieldStep::Each, key("ssn")])),
            ("grid[][]", Some(vec![key("grid"), FieldStep::Each, FieldStep::Each])),
            ("[].name", Some(vec![FieldStep::Each, key("name")])),
            ("odd name-1", Some(vec![key("odd name-1")])),
            ("", None),
            ("a..b", None),
            ("a.", None),
            ("a.[]", None),
            ("items[0].ssn", None),
            ("items[", None),
        ] {
            assert_eq!(field(path).ok(), expected, "{path}");
        }
        assert!(field(&"a.".repeat(64)).is_err());
    }
}
