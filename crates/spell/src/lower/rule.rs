//! Rules: `{effect, tool, if, reason, notify, …}`.

use faramesh_check::definitions::CLAUSES;
use faramesh_syntax::ast::{Clause, Effect, Expr, Item, Rule, Spanned, Value};
use faramesh_syntax::{Diagnostic, codes as syntax_codes, limits, nearest};

use super::{Items, Lower};
use crate::codes;
use crate::names::clause_mode;
use crate::tree::{Data, Entry, Node};

/// Every spelling of an effect.
pub(crate) const EFFECTS: &[(&str, Effect)] = &[
    ("permit", Effect::Permit),
    ("defer", Effect::Defer),
    ("deny", Effect::Deny),
    ("deny!", Effect::DenyAlways),
    ("allow", Effect::Permit),
    ("approve", Effect::Permit),
    ("block", Effect::Deny),
    ("reject", Effect::Deny),
];

/// Keys of a rule that are no clauses, the first of each kind as it is written.
pub(crate) const EFFECT: &[&str] = &["effect"];
pub(crate) const TOOL: &[&str] = &["tool", "pattern"];
pub(crate) const CONDITION: &[&str] = &["if", "condition", "when"];

const FORM: &str =
    "write `- effect: permit` and below `tool: name`, then `if: …` and clauses such as `reason: …`";

/// Clauses with a name beside their value.
pub(crate) fn is_keyed(keyword: &str) -> bool {
    matches!(keyword, "query" | "header")
}

/// As a help shows a text of YAML and JSON alike: in quotes where YAML would read something else.
fn quoted(text: &str) -> String {
    let plain = text.starts_with(|first: char| first.is_ascii_alphabetic())
        && text.chars().all(|letter| letter.is_ascii_alphanumeric() || "_/-.*".contains(letter));
    if plain { text.to_owned() } else { format!("\"{text}\"") }
}

impl Lower<'_> {
    pub(super) fn rules(&mut self, entry: &Entry, items: &mut Items) {
        let Data::List(elements) = &entry.value.data else {
            return self.wrong(&entry.value, "`rules`", "a list", FORM).unwrap_or_default();
        };
        let rules: Vec<_> = elements.iter().filter_map(|element| self.rule(element)).collect();
        let before = self.rules;
        self.rules += elements.len();
        if before <= limits::RULES && self.rules > limits::RULES {
            let message = format!("this policy has more than {} rules", limits::RULES);
            let help = "name several tools by one pattern such as `stripe/*`";
            self.report(
                Diagnostic::error(syntax_codes::TOO_MANY_RULES, entry.key.span, message).with_help(help),
            );
            return;
        }
        items.push(Spanned { node: Item::Rules(rules), span: entry.span() });
    }

    fn rule(&mut self, node: &Node) -> Option<Spanned<Rule>> {
        let entries = self.map(node, "a rule", FORM)?;
        if self.begins_with_effect(entries) {
            return None;
        }
        let before = self.diagnostics.len();
        let effect = self.part(node, entries, EFFECT).and_then(|entry| self.effect(entry));
        let pattern = self.part(node, entries, TOOL).and_then(|entry| {
            self.text(
                &entry.value,
                "the tool of a rule",
                "write a name or pattern, in quotes if it begins with `*`",
            )
        });
        let condition = match self.one_of(entries, CONDITION) {
            Some(entry) => self.rule_condition(entry),
            None => None,
        };
        let mut clauses = Vec::new();
        for entry in entries {
            let key = entry.key.node.as_str();
            if ![EFFECT, TOOL, CONDITION].concat().contains(&key) {
                self.clause(entry, &mut clauses);
            }
        }
        // A rule of which any part did not read must not be taken for what is left of it.
        let intact = self.diagnostics.get(before..).unwrap_or_default().iter().all(|found| !found.is_error());
        let rule = Rule { effect: effect?, pattern: pattern?, condition, clauses };
        intact.then_some(Spanned { node: rule, span: node.span })
    }

    /// Reports `- permit: docs/search`, the rule as FPL would have it.
    fn begins_with_effect(&mut self, entries: &[Entry]) -> bool {
        let is_effect = |entry: &&Entry| EFFECTS.iter().any(|(word, _)| *word == entry.key.node);
        let Some(entry) = entries.iter().find(is_effect) else { return false };
        let word = &entry.key.node;
        let tool = match &entry.value.data {
            Data::Text(tool, _) => quoted(tool),
            _ => "name".to_owned(),
        };
        let message = format!("`{word}` is an effect, and no key of a rule");
        let help = format!("write `effect: {}` and `tool: {tool}`", quoted(word));
        self.report(Diagnostic::error(codes::UNKNOWN_FORM, entry.key.span, message).with_help(help));
        true
    }

    /// The entry under one of `keys`, which a rule must have.
    fn part<'n>(&mut self, node: &Node, entries: &'n [Entry], keys: &[&str]) -> Option<&'n Entry> {
        let found = self.one_of(entries, keys);
        if found.is_none() {
            let key = keys.first().unwrap_or(&"");
            let span = entries.first().map_or(node.span, |entry| entry.key.span);
            let message = format!("this rule has no `{key}`");
            self.report(Diagnostic::error(codes::WRONG_SHAPE, span, message).with_help(FORM));
        }
        found
    }

    /// The one entry under any of `keys`, which mean the same.
    pub(super) fn one_of<'n>(&mut self, entries: &'n [Entry], keys: &[&str]) -> Option<&'n Entry> {
        let mut found = entries.iter().filter(|entry| keys.contains(&entry.key.node.as_str()));
        let first = found.next()?;
        if let Some(second) = found.next() {
            let message = format!("`{}` means the same as `{}`", second.key.node, first.key.node);
            self.report(
                Diagnostic::error(codes::REPEATED_KEY, second.key.span, message)
                    .with_help("keep one of the two")
                    .with_label(first.key.span, "the first one"),
            );
        }
        Some(first)
    }

    fn effect(&mut self, entry: &Entry) -> Option<Spanned<Effect>> {
        let text =
            self.text(&entry.value, "the effect of a rule", "write `permit`, `defer`, `deny` or `deny!`")?;
        let found = EFFECTS.iter().find(|(word, _)| *word == text.node);
        if let Some((_, effect)) = found {
            return Some(Spanned { node: *effect, span: text.span });
        }
        let message = format!("`{}` is no effect", text.node);
        let found = Diagnostic::error(syntax_codes::UNKNOWN_EFFECT, text.span, message);
        self.report(match nearest(&text.node, EFFECTS.iter().map(|(word, _)| *word)) {
            Some(near) => found.with_help(format!("did you mean `{near}`?")).with_fix(
                text.span,
                near,
                format!("write `{near}`"),
            ),
            None => found.with_help("write `permit`, `defer`, `deny` or `deny!`"),
        });
        None
    }

    fn rule_condition(&mut self, entry: &Entry) -> Option<Spanned<Expr>> {
        let what = format!("`{}`", entry.key.node);
        if let Data::Bool(value) = entry.value.data {
            return Some(Spanned { node: Expr::Value(Value::Bool(value)), span: entry.value.span });
        }
        let text = self.text(&entry.value, &what, "write a condition such as `amount < $500`")?;
        let Data::Text(_, style) = entry.value.data else { return None };
        let places = self.places(&text.node, style, text.span);
        self.condition(&text.node, &places)
    }

    fn clause(&mut self, entry: &Entry, clauses: &mut Vec<Spanned<Clause>>) {
        let keyword = &entry.key;
        let words = CLAUSES.iter().map(|word| word.name);
        if !words.clone().any(|word| word == keyword.node) {
            let known = [EFFECT, TOOL, CONDITION].concat();
            return self.unknown_key(keyword, known.into_iter().chain(words), "a rule");
        }
        let what = format!("`{}`", keyword.node);
        let mode = clause_mode(&keyword.node);
        let mut push = |key, value, span| {
            let clause = Clause { keyword: keyword.clone(), key, value };
            clauses.push(Spanned { node: clause, span });
        };
        if is_keyed(&keyword.node) {
            let help = format!("write `{}:` and below `name: value`, indented", keyword.node);
            for inner in self.map(&entry.value, &what, &help).unwrap_or_default() {
                if let Some(value) = self.value(&inner.value, mode, &what) {
                    push(Some(inner.key.clone()), value, inner.span());
                }
            }
            return;
        }
        let Some(value) = self.value(&entry.value, mode, &what) else { return };
        match value.node {
            // FPL has one `notify` for each place that is told.
            Value::List(places) if keyword.node == "notify" => {
                for place in places {
                    let span = place.span;
                    push(None, place, span);
                }
            }
            node => push(None, Spanned { node, span: value.span }, entry.span()),
        }
    }
}
