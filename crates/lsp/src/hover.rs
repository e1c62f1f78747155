//! Hover: what the word at a place means. The word's role comes from the lossless tree, so that it also
//! works beside a mistake.
//!
//! INVARIANT no secret on the screen: the value of an environment variable is shown where it becomes part
//! of the policy; in blocks whose values are handed to providers only whether it is set.

use faramesh_check::definitions::{
    self, CLAUSES, Definition, FUNCTIONS, METHODS, NAMES, Shape, Status, Word,
};
use faramesh_syntax::ast::Span;
use faramesh_syntax::{SyntaxKind as K, SyntaxToken};
use rowan::{TextSize, TokenAtOffset};

use crate::completion::form;
use crate::document::Document;
use crate::outline::{Declaration, Kind};
use crate::surroundings::Surroundings;
use crate::words;

/// Blocks whose values may be secrets.
const SECRET_BLOCKS: &[&str] =
    &["provider", "identity", "credential", "cloud", "trust", "runtime", "selector"];

/// Longest value that is shown, in characters.
const SHOWN: usize = 200;

/// Value of an environment variable.
pub type Environment<'a> = &'a dyn Fn(&str) -> Option<String>;

/// What is known about the word at an offset, in Markdown, and where the word is.
pub fn at(document: &Document, offset: u32, environment: Environment<'_>) -> Option<(String, Span)> {
    let token = token_at(document, offset)?;
    let span = span_of(&token);
    let outline = document.outline();
    if let Some(declaration) = outline.declaration_at(offset)
        && (token.kind() == K::WORD || token.kind().is_string())
    {
        return Some((declared(document, declaration, environment), span));
    }
    if let Some(text) = environment_at(&token, environment) {
        return Some((text, span));
    }
    let text = match token.kind() {
        K::EFFECT => effect(&token),
        K::PATTERN | K::STRING if is_pattern(&token) => Some(pattern(token.text())),
        K::WORD if is_pattern(&token) => Some(pattern(token.text())),
        K::WORD => word(&token),
        _ => words::operator(token.text())
            .filter(|_| is_in_condition(&token))
            .map(|text| code(token.text(), text)),
    };
    text.map(|text| (text, span))
}

/// The token at an offset; of two that meet there, the one with a meaning.
fn token_at(document: &Document, offset: u32) -> Option<SyntaxToken> {
    let tree = document.parse().tree();
    let end = u32::from(tree.text_range().end());
    let weight = |token: &SyntaxToken| match token.kind() {
        kind if kind.is_trivia() => 0,
        K::WORD | K::EFFECT | K::PATTERN => 3,
        kind if kind.is_string() => 2,
        _ => 1,
    };
    let token = match tree.token_at_offset(TextSize::from(offset.min(end))) {
        TokenAtOffset::None => None,
        TokenAtOffset::Single(token) => Some(token),
        TokenAtOffset::Between(left, right) => {
            Some(if weight(&right) >= weight(&left) { right } else { left })
        }
    };
    token.filter(|token| !token.kind().is_trivia())
}

fn span_of(token: &SyntaxToken) -> Span {
    Span { start: token.text_range().start().into(), end: token.text_range().end().into() }
}

fn code(form: &str, text: &str) -> String {
    format!("```fpl\n{form}\n```\n{text}")
}

fn effect(token: &SyntaxToken) -> Option<String> {
    let text: String = token.text().split_whitespace().collect();
    words::effect(&text).map(|meaning| code(&text, meaning))
}

/// The meaning of a definition, with its values and default.
pub fn defined(definition: &Definition) -> String {
    let mut text = code(&form(definition), definition.summary);
    if let Shape::Setting { kind, default } = definition.shape {
        text.push_str(&format!("\n\nTakes {}.", kind.expected()));
        if let Some(default) = default {
            text.push_str(&format!(" When absent: `{default}`."));
        }
    }
    text + not_yet(definition.status)
}

fn not_yet(status: Status) -> &'static str {
    match status {
        Status::Enforced => "",
        Status::NotYet => "\n\n*Not enforced yet: a policy that has it is refused.*",
    }
}

fn explained(word: &Word) -> String {
    code(word.form, word.summary) + not_yet(word.status)
}

/// A word that names nothing of this document.
fn word(token: &SyntaxToken) -> Option<String> {
    let text = token.text();
    if is_in_condition(token) {
        return in_condition(token);
    }
    let around = Surroundings::of(token);
    let parent = token.parent()?;
    let is_first = parent.first_token().is_some_and(|first| first == *token);
    match parent.kind() {
        K::CLAUSE if is_first => definitions::word(CLAUSES, text).map(explained),
        K::CLAUSE => None,
        K::REQUIRE if !is_first => crate::completion::is_requirement(text)
            .then(|| code(text, "what must be true before a task is complete")),
        K::SETTING | K::BLOCK | K::RULES | K::USE if !is_first => {
            words::effect(text).map(|meaning| code(text, meaning))
        }
        _ => {
            around.find(text).map(defined).or_else(|| words::effect(text).map(|meaning| code(text, meaning)))
        }
    }
}

fn is_in_condition(token: &SyntaxToken) -> bool {
    let mut inside = token.parent_ancestors().take_while(|node| node.kind() != K::BODY);
    inside.any(|node| matches!(node.kind(), K::CONDITION | K::ARGUMENTS | K::GROUP))
}

fn in_condition(token: &SyntaxToken) -> Option<String> {
    let text = token.text();
    let next = beside(token, SyntaxToken::next_token);
    let previous = beside(token, SyntaxToken::prev_token);
    let follows_dot = previous.as_ref().is_some_and(|sign| sign.kind() == K::DOT);
    if follows_dot {
        let root = previous.and_then(|dot| beside(&dot, SyntaxToken::prev_token));
        let full = root.map(|root| format!("{}.{text}", root.text())).unwrap_or_default();
        let function = definitions::word(FUNCTIONS, &full).map(explained);
        return function.or_else(|| definitions::word(METHODS, text).map(explained));
    }
    if let Some(meaning) = words::operator(text) {
        return Some(code(text, meaning));
    }
    if next.is_some_and(|sign| sign.kind() == K::LEFT_PAREN)
        && let Some(function) = definitions::word(FUNCTIONS, text)
    {
        return Some(explained(function));
    }
    if let Some(name) = definitions::word(NAMES, text) {
        return Some(explained(name));
    }
    let constant = matches!(text, "true" | "false" | "null");
    (!constant).then(|| {
        code(
            &format!("args.{text}"),
            "an argument of the tool; while it is absent, the condition does not hold",
        )
    })
}

/// The next token in a direction that is no trivia.
fn beside(token: &SyntaxToken, step: impl Fn(&SyntaxToken) -> Option<SyntaxToken>) -> Option<SyntaxToken> {
    let mut found = step(token)?;
    while found.kind().is_trivia() {
        found = step(&found)?;
    }
    Some(found)
}

/// Whether a token is the tool of a rule.
fn is_pattern(token: &SyntaxToken) -> bool {
    token.kind() == K::PATTERN && token.parent().is_some_and(|parent| parent.kind() != K::SETTING)
        || token.parent().is_some_and(|parent| parent.kind() == K::RULE)
            && beside(token, SyntaxToken::prev_token).is_some_and(|before| before.kind() == K::EFFECT)
}

fn pattern(written: &str) -> String {
    let pattern = written.trim_matches('"');
    let meaning = match pattern.split_once('*') {
        _ if pattern == "*" => "every tool".to_owned(),
        None => format!("the tool `{pattern}`"),
        Some((before, "")) if before.ends_with('/') => format!("every tool below `{before}`"),
        _ => "tools of this form: a `*` between slashes is one segment, inside of a segment any run of \
              characters, at the end after a slash everything below"
            .to_owned(),
    };
    code(written, &meaning)
}

/// What a declaration is, and its value.
fn declared(document: &Document, declaration: &Declaration, environment: Environment<'_>) -> String {
    let written = document.slice(declaration.span);
    let line = written.lines().next().unwrap_or_default();
    let place = if document.outline().is_of_file(declaration) { "this file" } else { "this agent" };
    let what = match declaration.kind {
        Kind::Agent => "an agent of this file".to_owned(),
        Kind::Variable => format!("a constant of {place}"),
        Kind::Selector => "a value fetched from outside".to_owned(),
        Kind::Import => "an import of this file".to_owned(),
        Kind::Provider => "a provider of this file".to_owned(),
        Kind::Phase => format!("a phase of {place}"),
        Kind::Budget => format!("a budget of {place}"),
    };
    let shown = if declaration.kind == Kind::Variable { shortened(written) } else { shortened(line) };
    let mut text = code(&shown, &what);
    if let Some(value) = declaration.value
        && let Some((name, default)) = environment_call(document.slice(value))
    {
        text.push_str(&format!("\n\n{}", resolved(&name, default.as_deref(), true, environment)));
    }
    text
}

fn shortened(text: &str) -> String {
    let mut shown: String = text.chars().take(SHOWN).collect();
    if shown.len() < text.len() {
        shown.push('…');
    }
    shown
}

/// The name and default of `env("NAME", "default")`.
fn environment_call(text: &str) -> Option<(String, Option<String>)> {
    let inner = text.strip_prefix("env")?.trim_start().strip_prefix('(')?.trim_end().strip_suffix(')')?;
    let (name, default) = match inner.split_once(',') {
        Some((name, default)) => (name, Some(default)),
        None => (inner, None),
    };
    let unquoted = |text: &str| text.trim().trim_matches('"').to_owned();
    Some((unquoted(name), default.map(unquoted)))
}

fn environment_at(token: &SyntaxToken, environment: Environment<'_>) -> Option<String> {
    let call = token.parent_ancestors().find(|node| node.kind() == K::ENV)?;
    let (name, default) = environment_call(&call.text().to_string())?;
    let around = Surroundings::of(token);
    let is_shown = !around.blocks.iter().any(|block| SECRET_BLOCKS.contains(&block.keyword.as_str()));
    let meaning =
        "an environment variable, read when the policy is compiled and never when a call is decided";
    let text = code(&call.text().to_string(), meaning);
    Some(format!("{text}\n\n{}", resolved(&name, default.as_deref(), is_shown, environment)))
}

fn resolved(name: &str, default: Option<&str>, is_shown: bool, environment: Environment<'_>) -> String {
    match (environment(name), default) {
        (Some(value), _) if is_shown => format!("`{name}` is {} here", quoted(&value)),
        (Some(_), _) => format!("`{name}` is set here; its value is not shown"),
        (None, Some(default)) if is_shown => {
            format!("`{name}` is not set here, so this is {}", quoted(default))
        }
        (None, Some(_)) => format!("`{name}` is not set here, so the default counts"),
        (None, None) => format!("`{name}` is not set here"),
    }
}

fn quoted(value: &str) -> String {
    format!("`{}`", faramesh_syntax::quote(&shortened(value)))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::marked::marked;

    fn hovered(text: &str) -> Option<String> {
        let (document, offset) = marked(text);
        let environment = |name: &str| (name == "REGION").then(|| "eu".to_owned());
        at(&document, offset, &environment).map(|(text, _)| text)
    }

    #[test]
    fn every_word_says_what_it_means() {
        for (text, expected) in [
            ("run¦time { mode = \"audit\" }", "settings of the daemon"),
            ("runtime { mo¦de = \"audit\" }", "When absent: `\"enforce\"`"),
            ("agent \"a\" { bud¦get daily { max $5 } }", "a ceiling on money or calls in a window"),
            ("agent \"a\" { selec¦tor \"x\" { } }", "a value fetched from outside"),
            ("agent \"a\" { creden¦tial \"x\" { } }", "Not enforced yet"),
            ("agent \"a\" { budget daily { m¦ax $5 } }", "most money in the window"),
            ("rules { per¦mit a }", "the call runs"),
            ("rules { deny!¦ a }", "whatever any other rule"),
            ("rules { permit stripe/¦* }", "every tool below `stripe/`"),
            ("rules { permit refund i¦f a > 1 }", "only when the condition holds"),
            ("rules { permit refund if a ¦> 1 }", "greater"),
            ("rules { permit refund if a mat¦ches \"x\" }", "regular expression"),
            ("rules { permit refund if ha¦s(a) }", "whether a field is present"),
            ("rules { permit refund if a.low¦er == \"x\" }", "small letters"),
            ("rules { permit refund if ti¦me.hour > 1 }", "0 to 23"),
            ("rules { permit refund if session.su¦m(a.b) > 1 }", "sum of a field over calls"),
            ("rules { permit refund if amo¦unt > 1 }", "an argument of the tool"),
            ("rules { permit refund reas¦on \"x\" }", "people are told"),
            ("var limit = 500\nrules { permit refund if amount < li¦mit }", "var limit = 500"),
            (
                "var region = env(\"REGION\", \"us\")\nrules { permit a if r == reg¦ion }",
                "`REGION` is `\"eu\"` here",
            ),
            ("var region = env(\"UN¦SET\", \"us\")", "`UNSET` is not set here, so this is `\"us\"`"),
            ("agent \"b\" { }\nagent \"a\" { spawn { allow = [\"b¦\"] } }", "agent \"b\" { }"),
            ("import \"x/policies/stripe@1.0.0\" as stripe\nagent \"a\" { use str¦ipe }", "stripe@1.0.0"),
            // Beside mistakes.
            ("runtime { mo¦de = }", "whether decisions bind"),
            ("agent \"a\" { rules { permit refund if amount < } }\nrun¦time {", "settings of the daemon"),
        ] {
            let found = hovered(text).unwrap_or_else(|| panic!("nothing is said of {text}"));
            assert!(found.contains(expected), "{text}: {found}");
        }
    }

    #[test]
    fn a_secret_is_not_shown() {
        let found = hovered("provider \"v\" { token = env(\"REG¦ION\") }").unwrap();
        assert!(found.contains("is set here") && !found.contains("eu"), "{found}");
        assert_eq!(hovered("# perm¦it"), None);
    }
}
