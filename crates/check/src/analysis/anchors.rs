//! Regular expressions on addresses and hosts that let more through than they seem to: without `$`,
//! `example\.com` also matches `example.com.evil.net`.

use faramesh_program::image::{Root, Step};
use faramesh_syntax::ast::Span;
use faramesh_syntax::quote;
use regex_syntax::hir::Look;

use crate::checker::Checker;
use crate::codes;
use crate::rules::Reading;
use crate::stack::Operand;
use crate::types::Typed;

/// Fields that hold an address or a host.
const FIELDS: &[&str] =
    &["host", "hostname", "domain", "email", "address", "recipient", "sender", "to", "cc", "bcc", "from"];

impl Checker<'_> {
    /// Warns where a regular expression widens a rule because it is open at an end.
    pub fn open_regex(&mut self, text: &Typed, regex: &str, span: Span, reading: &Reading<'_>) {
        let Some(is_host) = kind(&text.operand, regex) else { return };
        if !reading.widens {
            return;
        }
        let Ok(parsed) = regex_syntax::parse(regex) else { return };
        let properties = parsed.properties();
        let ends = properties.look_set_suffix().contains(Look::End);
        let separated = ["\\.", "@", "[.]", "[@]", "[@.]"].iter().any(|start| regex.starts_with(start));
        let starts = properties.look_set_prefix().contains(Look::Start)
            || separated
            || regex.contains("(^|")
            || regex.contains("(?:^|");
        let open_start = is_host && !starts;
        let (message, help) = if !ends {
            let message = format!("`{regex}` also matches where more follows: it has no `$` at its end");
            let help = "end it with `$`, so that `example.com.evil.net` does not match";
            (message, help)
        } else if open_start {
            let message =
                format!("`{regex}` also matches where more stands before it: it has no `^` at its start");
            let help = "begin it with `^` or `(^|\\\\.)`, so that `evil-example.com` does not match";
            (message, help)
        } else {
            return;
        };
        let found = codes::OPEN_REGEX.at(span, message).with_help(help);
        // A regular expression in a variable has its text elsewhere.
        self.report(if self.first_byte(span) == Some(b'"') {
            let (start, end) = (if open_start { "^" } else { "" }, if ends { "" } else { "$" });
            let fixed = quote(&format!("{start}{}{end}", grouped(regex)));
            let title = format!("write `{fixed}`");
            found.with_fix(span, fixed, title)
        } else {
            found
        });
    }
}

/// The regular expression, in a group if an anchor would else belong to one of its alternatives.
fn grouped(regex: &str) -> String {
    if regex.contains('|') { format!("(?:{regex})") } else { regex.to_owned() }
}

/// Whether the operand is a host (`true`) or an address (`false`), if it is either.
fn kind(operand: &Operand, regex: &str) -> Option<bool> {
    match operand {
        Operand::Lower(of) => kind(of, regex),
        Operand::Domain(_) => Some(false),
        Operand::Path(path) if path.root == Root::Host => Some(true),
        Operand::Path(path) => {
            let Some(Step::Key(last)) = path.steps.last() else { return None };
            let last = last.to_ascii_lowercase();
            let field =
                FIELDS.iter().copied().find(|field| last == *field || last.ends_with(&format!("_{field}")));
            // `address` may be that of a house, `from` a date.
            let is_address = regex.contains('@');
            match field {
                Some("host" | "hostname" | "domain") if !is_address => Some(true),
                Some(_) if is_address || regex.contains("\\.") => Some(false),
                _ => None,
            }
        }
        _ => None,
    }
}
