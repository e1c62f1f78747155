//! The parts of a node in canonical spelling: aliases replaced, optional signs added or dropped, and
//! what touches what. No layout.

use crate::ast::Effect;
use crate::kind::{SyntaxElement, SyntaxKind, SyntaxNode, SyntaxToken};
use crate::parser::words;

/// A part of a node.
pub(super) enum Atom {
    Text { text: String, kind: SyntaxKind, touches_before: bool, touches_after: bool },
    Node(SyntaxNode),
    Comment(Comment),
}

/// A comment and whether it stands on a line of its own.
#[derive(Clone)]
pub(super) struct Comment {
    pub text: String,
    pub own_line: bool,
}

impl Atom {
    fn text(text: &str, kind: SyntaxKind) -> Self {
        Self::Text { text: text.to_owned(), kind, touches_before: false, touches_after: false }
    }
}

/// Keys that a budget with a name writes without `=`.
const COMPACT: &[&str] =
    &["id", "max", "usd", "daily", "max_calls", "window", "warn_at", "on_exceed", "tools", "cost", "scope"];

/// The parts of `node` in canonical spelling, without whitespace.
pub(super) fn atoms(node: &SyntaxNode) -> Vec<Atom> {
    let parent = node.kind();
    let mut atoms: Vec<Atom> = Vec::new();
    let mut new_line = false;
    // How many tokens and nodes came before, which is what tells a key from a value.
    let mut significant = 0_usize;
    let equal_after = equal_position(node);
    for element in node.children_with_tokens() {
        match element {
            SyntaxElement::Token(token) if token.kind() == SyntaxKind::COMMENT => {
                atoms.push(Atom::Comment(comment(&token, new_line)));
                new_line = false;
            }
            SyntaxElement::Token(token) if token.kind().is_trivia() => {
                new_line |= token.kind() == SyntaxKind::WHITESPACE && token.text().contains('\n');
            }
            SyntaxElement::Token(token) => {
                new_line = false;
                if dropped(&token, parent, equal_after) {
                    continue;
                }
                insert_before(&mut atoms, parent, token.kind(), significant, equal_after);
                significant += 1;
                atoms.push(spelled(&token, parent));
            }
            SyntaxElement::Node(child) => {
                new_line = false;
                insert_before(&mut atoms, parent, child.kind(), significant, equal_after);
                significant += 1;
                atoms.push(Atom::Node(child));
            }
        }
    }
    atoms
}

pub(super) fn comment(token: &SyntaxToken, own_line: bool) -> Comment {
    Comment { text: token.text().trim_end().to_owned(), own_line }
}

/// After how many parts a setting has its `=`: nothing if it is written without.
fn equal_position(node: &SyntaxNode) -> Option<usize> {
    match node.kind() {
        SyntaxKind::VAR => Some(2),
        SyntaxKind::SETTING => (!is_compact(node)).then_some(1),
        _ => None,
    }
}

fn is_compact(setting: &SyntaxNode) -> bool {
    let mut parts = setting.children_with_tokens().filter(|part| !part.kind().is_trivia());
    let key = parts.next().and_then(SyntaxElement::into_token);
    let Some(key) = key else { return false };
    let values: Vec<_> = parts.map(|part| part.kind()).filter(|&kind| kind != SyntaxKind::EQUAL).collect();
    let is_path = values
        .iter()
        .enumerate()
        .all(|(index, &kind)| kind == if index % 2 == 0 { SyntaxKind::WORD } else { SyntaxKind::DOT });
    let in_named_budget = || {
        let block = setting.parent().and_then(|body| body.parent());
        let words = block.into_iter().flat_map(|block| block.children_with_tokens());
        let mut words = words.filter_map(SyntaxElement::into_token).filter(|token| !token.kind().is_trivia());
        words.next().is_some_and(|word| word.text() == "budget") && words.next().is_some()
    };
    (values.len() == 1 || is_path)
        && (key.text() == "default" || COMPACT.contains(&key.text()) && in_named_budget())
}

fn dropped(token: &SyntaxToken, parent: SyntaxKind, equal_after: Option<usize>) -> bool {
    use SyntaxKind as K;
    match (parent, token.kind()) {
        (_, K::SEMICOLON) => true,
        (K::SETTING, K::EQUAL) => equal_after.is_none(),
        (K::RATE_LIMIT, K::COLON | K::EQUAL) | (K::REDACT, K::COLON | K::EQUAL) => true,
        (K::CLAUSE, K::COLON) => !is_keyed(token),
        (K::ARGUMENTS | K::ENV, K::COMMA) => next_kind(token) == Some(K::RIGHT_PAREN),
        _ => false,
    }
}

/// Whether this sign stands between the name and the value of `query` or `header`.
fn is_keyed(sign: &SyntaxToken) -> bool {
    let before = sign.siblings_with_tokens(rowan::Direction::Prev).skip(1);
    before.filter(|part| !part.kind().is_trivia()).count() == 2
}

fn next_kind(token: &SyntaxToken) -> Option<SyntaxKind> {
    let after = token.siblings_with_tokens(rowan::Direction::Next).skip(1);
    after.map(|part| part.kind()).find(|kind| !kind.is_trivia())
}

/// Adds the signs that the canonical form has before the part at `position`.
fn insert_before(
    atoms: &mut Vec<Atom>,
    parent: SyntaxKind,
    next: SyntaxKind,
    position: usize,
    equal_after: Option<usize>,
) {
    use SyntaxKind as K;
    let previous = atoms.iter().rev().find_map(|atom| match atom {
        Atom::Text { text, .. } => Some(text.as_str()),
        _ => None,
    });
    let sign = match parent {
        K::SETTING | K::VAR if Some(position) == equal_after && next != K::EQUAL => Some(("=", K::EQUAL)),
        K::RATE_LIMIT if position == 2 => Some((":", K::COLON)),
        K::RATE_LIMIT if position > 4 && previous == Some("scope") => Some(("=", K::EQUAL)),
        K::REDACT if position == 3 => Some((":", K::COLON)),
        _ => None,
    };
    if let Some((text, kind)) = sign {
        let touches_before = kind == K::COLON;
        atoms.push(Atom::Text { text: text.to_owned(), kind, touches_before, touches_after: false });
    }
}

fn spelled(token: &SyntaxToken, parent: SyntaxKind) -> Atom {
    use SyntaxKind as K;
    let kind = token.kind();
    let touching = |before, after| Atom::Text {
        text: token.text().to_owned(),
        kind,
        touches_before: before,
        touches_after: after,
    };
    match (parent, kind) {
        (_, K::EFFECT) => Atom::text(effect(token.text()), kind),
        (K::CONDITION, K::WORD) if token.text() == "when" && token.prev_sibling_or_token().is_none() => {
            Atom::text("if", kind)
        }
        (_, K::AND_AND) => Atom::text("and", kind),
        (_, K::OR_OR) => Atom::text("or", kind),
        (_, K::BANG) => Atom::text("not", kind),
        (K::RATE_LIMIT, K::SLASH) => Atom::text("per", kind),
        (K::CLAUSE, K::COLON) => {
            Atom::Text { text: "=".to_owned(), kind: K::EQUAL, touches_before: true, touches_after: true }
        }
        (K::CLAUSE | K::ARGUMENTS, K::EQUAL) | (K::TRUST_KEY, K::COLON) | (_, K::DOT) => touching(true, true),
        (K::ARGUMENTS | K::INDEX | K::ENV, K::LEFT_PAREN | K::LEFT_BRACKET) => touching(true, true),
        (_, K::LEFT_PAREN | K::LEFT_BRACKET) => touching(false, true),
        (_, K::COMMA | K::RIGHT_PAREN | K::RIGHT_BRACKET | K::COLON) => touching(true, false),
        _ => touching(false, false),
    }
}

fn effect(written: &str) -> &'static str {
    if written.ends_with('!') {
        return "deny!";
    }
    match words::effect(written) {
        Some(Effect::Permit) => "permit",
        Some(Effect::Defer) => "defer",
        _ => "deny",
    }
}
