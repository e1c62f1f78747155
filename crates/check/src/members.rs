//! Reads the settings of a block against its definition: spelling, place, repetition and types. What
//! the values mean is for the caller. Inside a block that is not enforced, all but the meaning is checked.

use faramesh_call::call::MAX_ID_BYTES;
use faramesh_syntax::ast::{Body, Item, Name, Span, Spanned, Value};
use faramesh_syntax::{Diagnostic, nearest};

use crate::blocks::Block;
use crate::checker::Checker;
use crate::codes;
use crate::definitions::{self, Definition, Kind, Label, Shape, Status, one_of};

/// The settings of a block that have the right type, each once.
#[derive(Debug, Default)]
pub(crate) struct Settings<'b> {
    found: Vec<(&'b Name, &'b Spanned<Value>)>,
    /// Blocks inside, for the caller to read.
    pub blocks: Vec<Block<'b>>,
}

impl<'b> Settings<'b> {
    pub fn iter(&self) -> impl Iterator<Item = (&'b Name, &'b Spanned<Value>)> {
        self.found.iter().copied()
    }

    pub fn get(&self, key: &str) -> Option<&'b Spanned<Value>> {
        self.found.iter().find(|(name, _)| name.node == key).map(|(_, value)| *value)
    }
}

/// A block at hand.
#[derive(Clone, Copy)]
pub(crate) struct Owner {
    /// Its keyword.
    pub keyword: &'static str,
    /// What it holds.
    pub members: &'static [Definition],
    /// Whether keys beyond those are for somebody else to know.
    pub open: bool,
    /// Whether what is in it takes effect.
    pub status: Status,
}

impl Owner {
    /// A block whose keys take effect.
    pub fn of(keyword: &'static str, members: &'static [Definition]) -> Self {
        Self { keyword, members, open: false, status: Status::Enforced }
    }
}

/// The word that a statement begins with, and where it stands.
pub(crate) fn keyword(item: &Spanned<Item>) -> (&str, Span) {
    let head = |length: u32| Span { start: item.span.start, end: item.span.start.saturating_add(length) };
    match &item.node {
        Item::Import { .. } => ("import", head(6)),
        Item::Use { .. } => ("use", head(3)),
        Item::Setting { key, .. } => (&key.node, key.span),
        Item::Var { name, .. } => ("var", name.span),
        Item::Block { keyword, .. } => (&keyword.node, keyword.span),
        Item::Rules(_) => ("rules", head(5)),
        Item::Rule(rule) => ("rules", rule.effect.span),
        Item::RateLimit { .. } => ("rate_limit", head(10)),
        Item::Redact { .. } => ("redact", head(6)),
        Item::TrustKey { .. } => ("key", head(3)),
        Item::Require { .. } => ("require", head(7)),
        Item::ManifestOrchestrator { .. } | Item::ManifestGrant { .. } => ("manifest", head(8)),
    }
}

impl Checker<'_> {
    /// Reads a block that consists of settings, and of blocks that are not enforced.
    pub fn settings<'b>(&mut self, owner: Owner, body: &'b Body) -> Settings<'b> {
        let mut settings = Settings::default();
        for item in &body.items {
            let (word, span) = keyword(item);
            let Some(definition) = definitions::find(owner.members, word) else {
                match &item.node {
                    Item::Setting { key, value } if owner.open => {
                        if !self.is_repeated(&settings.found, key) {
                            settings.found.push((key, value));
                        }
                    }
                    _ => self.unknown(owner, item),
                }
                continue;
            };
            if definition.status == Status::NotYet && owner.status == Status::Enforced {
                self.not_yet(format!("{}.{word}", owner.keyword), span);
            }
            if let Item::Setting { key, value } = &item.node {
                if self.is_repeated(&settings.found, key) || !self.fits(definition, key, value) {
                    continue;
                }
                settings.found.push((key, value));
            } else if let Some(block) = Block::of(definition, item) {
                settings.blocks.push(block);
            } else {
                self.spelling(definition, item);
            }
        }
        settings
    }

    fn is_repeated(&mut self, found: &[(&Name, &Spanned<Value>)], key: &Name) -> bool {
        let Some((first, _)) = found.iter().find(|(name, _)| name.node == key.node) else { return false };
        self.report(
            codes::DUPLICATE_KEY
                .at(key.span, format!("`{}` is written twice", key.node))
                .with_help("keep one of the two")
                .with_label(first.span, "the first one"),
        );
        true
    }

    /// Checks the form and spelling of a construct whose meaning is not read, to the last level;
    /// gives whether a setting has the type that it takes.
    pub fn spelling(&mut self, definition: &'static Definition, item: &Spanned<Item>) -> bool {
        match (&item.node, definition.shape) {
            (Item::Setting { key, value }, _) => self.fits(definition, key, value),
            (Item::Block { keyword, .. }, Shape::Statement(form)) => {
                let message = format!("`{}` is not a block", keyword.node);
                self.say(codes::WRONG_VALUE, keyword.span, message, format!("write `{form}`"));
                false
            }
            (Item::Block { keyword, .. }, Shape::Setting { .. }) => {
                let message = format!("`{}` is a key, not a block", keyword.node);
                self.say(codes::WRONG_VALUE, keyword.span, message, format!("write `{} = …`", keyword.node));
                false
            }
            _ => true,
        }
    }

    fn wrong_form(&mut self, key: &Name, form: &str) {
        let message = format!("`{}` is not a key with a value", key.node);
        self.say(codes::WRONG_VALUE, key.span, message, format!("write `{form}`"));
    }

    /// The name of a block, when it has one and it is well formed.
    pub fn label<'b>(
        &mut self,
        wanted: Label,
        keyword: &Name,
        labels: &'b [Spanned<String>],
    ) -> Option<&'b Spanned<String>> {
        let word = &keyword.node;
        if let Some(extra) = labels.get(usize::from(wanted != Label::None)) {
            let message = format!("`{word}` has no name `{}`", extra.node);
            let form = if wanted == Label::None {
                format!("{word} {{ … }}")
            } else {
                format!("{word} \"name\" {{ … }}")
            };
            self.say(codes::WRONG_LABEL, extra.span, message, format!("write `{form}`"));
        }
        let label = labels.first().filter(|_| wanted != Label::None);
        match label {
            None if wanted == Label::Required => {
                let message = format!("this `{word}` has no name");
                self.say(
                    codes::WRONG_LABEL,
                    keyword.span,
                    message,
                    format!("write `{word} \"name\" {{ … }}`"),
                );
                None
            }
            Some(label) if !is_name(&label.node) => {
                let message = format!(
                    "the name of this `{word}` is empty, too long, or has characters that cannot be seen"
                );
                self.say(codes::WRONG_LABEL, label.span, message, "use 1 to 128 visible characters");
                None
            }
            label => label,
        }
    }

    /// Whether a value has the type that its key takes. Environment variables are looked up later.
    fn fits(&mut self, definition: &'static Definition, key: &Name, value: &Spanned<Value>) -> bool {
        let Shape::Setting { kind, .. } = definition.shape else {
            match definition.shape {
                Shape::Statement(form) => self.wrong_form(key, form),
                _ => self.wrong_form(key, &format!("{} {{ … }}", key.node)),
            }
            return false;
        };
        if kind_takes(kind, &value.node) {
            return true;
        }
        let mut diagnostic =
            codes::WRONG_VALUE.at(value.span, format!("`{}` takes {}", key.node, kind.expected()));
        let written = match &value.node {
            Value::Word(word) | Value::String(word) => Some(word),
            _ => None,
        };
        if let (Kind::Choice(words), Some(written)) = (kind, written)
            && let Some(meant) = nearest(written, words.iter().copied())
        {
            let replacement =
                if matches!(value.node, Value::Word(_)) { meant.to_owned() } else { format!("\"{meant}\"") };
            diagnostic = diagnostic.with_help(format!("did you mean `{meant}`?")).with_fix(
                value.span,
                replacement,
                format!("write `{meant}`"),
            );
        } else {
            diagnostic = diagnostic.with_help(format!("write `{} = {}`", key.node, kind.example()));
        }
        self.report(diagnostic);
        false
    }

    /// A statement that the block at hand does not have.
    pub fn unknown(&mut self, owner: Owner, item: &Spanned<Item>) {
        let (word, span) = keyword(item);
        let is_block = matches!(item.node, Item::Block { .. });
        let place =
            if owner.keyword.is_empty() { "the file".to_owned() } else { format!("`{}`", owner.keyword) };
        let words = owner.members.iter().map(|definition| definition.keyword);
        let near = nearest(word, words.clone());
        let home = definitions::home(word);
        let diagnostic = match (near, home) {
            (None, Some(home)) => {
                let help = match home {
                    None => "move it to the top of the file, outside of any block".to_owned(),
                    Some(block) => format!("move it into `{block} {{ … }}`"),
                };
                let message = match owner.keyword {
                    "" => format!("`{word}` does not belong at the top of a file"),
                    _ => format!("`{word}` does not belong in {place}"),
                };
                codes::MISPLACED.at(span, message).with_help(help)
            }
            (near, _) => {
                let (finding, what) =
                    if is_block { (codes::UNKNOWN_BLOCK, "block") } else { (codes::UNKNOWN_KEY, "key") };
                let diagnostic = finding.at(span, format!("there is no {what} `{word}` in {place}"));
                with_nearest(diagnostic, near, span, || {
                    let known: Vec<&str> = words.clone().collect();
                    if known.is_empty() {
                        "remove it".to_owned()
                    } else {
                        format!("{place} takes {}", one_of(&known))
                    }
                })
            }
        };
        self.report(diagnostic);
    }
}

/// A message with "did you mean", or with what else helps.
pub(crate) fn with_nearest(
    diagnostic: Diagnostic,
    near: Option<&str>,
    span: Span,
    otherwise: impl FnOnce() -> String,
) -> Diagnostic {
    match near {
        Some(near) => diagnostic.with_help(format!("did you mean `{near}`?")).with_fix(
            span,
            near,
            format!("write `{near}`"),
        ),
        None => diagnostic.with_help(otherwise()),
    }
}

/// Whether a text can be the name of something in records and on the screen.
fn is_name(text: &str) -> bool {
    let length = text.chars().count();
    (1..=128).contains(&length)
        && text.len() <= MAX_ID_BYTES
        && !text.chars().any(char::is_control)
        && text.trim() == text
}

fn kind_takes(kind: Kind, value: &Value) -> bool {
    if matches!(value, Value::Env { .. }) {
        return true;
    }
    let list_of = |kind: Kind| match value {
        Value::List(items) => items.iter().all(|item| kind_takes(kind, &item.node)),
        other => kind_takes(kind, other),
    };
    match kind {
        Kind::Any => true,
        Kind::TextOrNumber => matches!(value, Value::String(_) | Value::Word(_) | Value::Number(_)),
        Kind::Text
        | Kind::Secret
        | Kind::Url
        | Kind::Listener
        | Kind::Zone
        | Kind::AgentName
        | Kind::ProviderName
        | Kind::PhaseName => matches!(value, Value::String(_) | Value::Word(_)),
        Kind::Choice(words) => {
            matches!(value, Value::String(text) | Value::Word(text) if words.contains(&text.as_str()))
        }
        Kind::Choices(words) => list_of(Kind::Choice(words)),
        Kind::Bool => matches!(value, Value::Bool(_)),
        Kind::Number | Kind::Whole | Kind::Share | Kind::Port => matches!(value, Value::Number(_)),
        Kind::Money => matches!(value, Value::Number(_) | Value::Money(_)),
        Kind::Duration => is_duration(value),
        Kind::DurationOr(words) => is_duration(value) || kind_takes(Kind::Choice(words), value),
        Kind::Size => matches!(value, Value::Size(_) | Value::Number(_)),
        Kind::Texts
        | Kind::Patterns
        | Kind::Scopes
        | Kind::Hosts
        | Kind::Network
        | Kind::Targets
        | Kind::AgentNames
        | Kind::BudgetNames => list_of(Kind::Text),
        Kind::Operand => {
            matches!(value, Value::Number(_) | Value::Money(_) | Value::Word(_) | Value::Expr(_))
        }
    }
}

fn is_duration(value: &Value) -> bool {
    matches!(value, Value::Duration(text) | Value::String(text) if crate::values::duration_ms(text).is_some())
}
