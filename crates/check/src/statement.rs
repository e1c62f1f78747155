//! Statements about a policy that a person wants proved: `no permit stripe/refund if amount > 500`,
//! `every shell/* is deny for ops`. The pattern and the condition are read as in a rule of the agent.

use faramesh_call::Effect;
use faramesh_syntax::Diagnostic;
use faramesh_syntax::ast::{Body, Item, Spanned};

use crate::Options;
use crate::checker::Checker;
use crate::scope::Scope;
use crate::stack::Rule;

/// A statement.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Statement {
    /// Whether every call has the effect, or none.
    pub every: bool,
    /// The effect.
    pub effect: Effect,
    /// The agent, when the statement names one.
    pub agent: Option<String>,
    /// Pattern and condition, as a rule.
    rule: String,
}

/// Why a text is no statement.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("`{0}` is not a statement")]
pub struct NotAStatement(pub String);

/// How statements are written.
pub const FORMS: &str = "write `no EFFECT PATTERN [if CONDITION] [for AGENT]` or `every PATTERN [if CONDITION] is EFFECT [for AGENT]`";

impl Statement {
    /// Reads a statement; its pattern and condition are read with [`Statement::rule`].
    ///
    /// # Errors
    /// The text has none of the two forms.
    pub fn read(text: &str) -> Result<Self, NotAStatement> {
        Self::parse(text.trim()).ok_or_else(|| NotAStatement(text.trim().to_owned()))
    }

    fn parse(text: &str) -> Option<Self> {
        let (quantifier, rest) = text.split_once(char::is_whitespace)?;
        let (rest, agent) = match last_word(rest, "for") {
            Some((before, name)) => (before, Some(name)),
            None => (rest.trim().to_owned(), None),
        };
        let (every, effect, rule) = match quantifier {
            "no" => {
                let (word, rest) = rest.split_once(char::is_whitespace)?;
                (false, effect(word)?, rest.trim().to_owned())
            }
            "every" => {
                let (before, word) = last_word(&rest, "is")?;
                (true, effect(&word)?, before)
            }
            _ => return None,
        };
        // The effect of this rule is of no consequence; it is there to be read.
        (!rule.is_empty()).then(|| Self { every, effect, agent, rule: format!("permit {rule}") })
    }

    /// The pattern and the condition as a rule of an agent of a policy that has no errors, with that
    /// agent's variables.
    ///
    /// # Errors
    /// They are wrong.
    pub fn rule(&self, policy: &str, agent: &str, options: &Options<'_>) -> Result<Rule, Vec<Diagnostic>> {
        let (body, _) = faramesh_syntax::parse(policy).into_parts();
        let (own, diagnostics) = faramesh_syntax::parse(&self.rule).into_parts();
        if diagnostics.iter().any(Diagnostic::is_error) {
            return Err(diagnostics);
        }
        let mut checker = Checker::new(&self.rule, options);
        let mut scope = checker.scope(&Scope::default(), body.items.iter());
        if let Some(items) = items_of(&body, agent) {
            scope = checker.scope(&scope, items.iter());
        }
        let rule = match own.items.as_slice() {
            [Spanned { node: Item::Rule(rule), span }] => checker.rule(rule, *span, &scope),
            _ => None,
        };
        let found: Vec<Diagnostic> = checker.finish().into_iter().filter(Diagnostic::is_error).collect();
        match rule {
            Some(rule) if found.is_empty() => Ok(rule),
            _ => Err(found),
        }
    }
}

/// What stands before a last word that follows `keyword`, and the word without its quotes.
fn last_word(text: &str, keyword: &str) -> Option<(String, String)> {
    let text = text.trim();
    let (before, word) = match text.strip_suffix('"') {
        Some(open) => {
            let start = open.rfind('"')?;
            (text.get(..start)?, open.get(start + 1..)?)
        }
        None => text.rsplit_once(char::is_whitespace)?,
    };
    let before = before.trim_end().strip_suffix(keyword)?;
    let is_apart = before.ends_with(char::is_whitespace) && !word.is_empty();
    is_apart.then(|| (before.trim_end().to_owned(), word.to_owned()))
}

fn effect(word: &str) -> Option<Effect> {
    match word {
        "permit" | "allow" | "approve" => Some(Effect::Permit),
        "defer" => Some(Effect::Defer),
        "deny" | "block" | "reject" => Some(Effect::Deny),
        _ => None,
    }
}

fn items_of<'b>(body: &'b Body, agent: &str) -> Option<&'b [Spanned<Item>]> {
    body.items.iter().find_map(|item| match &item.node {
        Item::Block { keyword, labels, body } if keyword.node == "agent" => {
            labels.first().is_some_and(|label| label.node == agent).then_some(body.items.as_slice())
        }
        _ => None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn statements_are_read() {
        let read = |text: &str| {
            Statement::read(text).map(|found| (found.every, found.effect, found.agent, found.rule))
        };
        for (text, every, effect, agent, rule) in [
            ("no permit stripe/refund", false, Effect::Permit, None, "permit stripe/refund"),
            (
                "no permit stripe/refund if amount > 500",
                false,
                Effect::Permit,
                None,
                "permit stripe/refund if amount > 500",
            ),
            ("no allow shell/* for ops", false, Effect::Permit, Some("ops"), "permit shell/*"),
            (
                "no deny * if who == \"x for y\" for \"my bot\"",
                false,
                Effect::Deny,
                Some("my bot"),
                "permit * if who == \"x for y\"",
            ),
            (
                "no permit t if who == \"x for y\"",
                false,
                Effect::Permit,
                None,
                "permit t if who == \"x for y\"",
            ),
            ("every shell/* is deny", true, Effect::Deny, None, "permit shell/*"),
            ("every t if a.b == 1 is defer for a", true, Effect::Defer, Some("a"), "permit t if a.b == 1"),
        ] {
            let expected = (every, effect, agent.map(str::to_owned), rule.to_owned());
            assert_eq!(read(text), Ok(expected), "{text}");
        }
        for text in ["", "no", "no permit", "no refund", "every t", "every t is fine", "all t is deny"] {
            assert_eq!(read(text), Err(NotAStatement(text.to_owned())), "{text}");
        }
    }
}
