//! What may be written next in a rule: its tool, its condition, its clauses.

use faramesh_check::definitions::{self, CLAUSES};
use faramesh_syntax::SyntaxKind as K;

use crate::cursor::{Before, Place};

/// Classifies what follows `rule`, whose first token is the effect.
pub fn classify(rule: &[Before], fresh_line: bool) -> Place {
    let mut rest = rule.get(1..).unwrap_or_default();
    if rest.first().is_some_and(|token| token.kind == K::BANG) {
        rest = rest.get(1..).unwrap_or_default();
    }
    let Some((_, after)) = rest.split_first() else {
        return if fresh_line { Place::Statement } else { Place::Pattern };
    };
    let joined = after.iter().take_while(|token| token.touches).count();
    tail(after.get(joined..).unwrap_or_default())
}

/// Where the reading of a rule's tail stands.
enum State<'t> {
    /// After the tool, or after a clause's value.
    Between,
    /// In the condition, whose tokens begin here.
    Condition(usize),
    /// In a clause, whose value begins here.
    Clause(&'t str, usize),
}

fn tail(tokens: &[Before]) -> Place {
    let mut state = State::Between;
    let mut open = 0_usize;
    for (index, token) in tokens.iter().enumerate() {
        match token.kind {
            K::LEFT_BRACKET | K::LEFT_PAREN => open += 1,
            K::RIGHT_BRACKET | K::RIGHT_PAREN => open = open.saturating_sub(1),
            _ => {}
        }
        if open > 0 || token.kind != K::WORD {
            continue;
        }
        let before = index.checked_sub(1).and_then(|before| tokens.get(before));
        let may_begin = match state {
            State::Between => true,
            State::Condition(start) => start < index && before.is_some_and(ends_operand),
            State::Clause(_, start) => start < index && !before.is_some_and(|token| is_join(token.kind)),
        };
        if !may_begin {
            continue;
        }
        if token.is("if") || token.is("when") {
            state = State::Condition(index + 1);
        } else if definitions::word(CLAUSES, &token.text).is_some() {
            state = State::Clause(&token.text, index + 1);
        }
    }
    match state {
        State::Between => Place::Tail,
        State::Condition(start) => condition(tokens.get(start..).unwrap_or_default()),
        State::Clause(clause, start) => clause_value(clause, tokens.get(start..).unwrap_or_default(), open),
    }
}

fn is_join(kind: K) -> bool {
    matches!(kind, K::EQUAL | K::COLON | K::COMMA | K::SLASH | K::DOT)
}

fn clause_value(clause: &str, tokens: &[Before], open: usize) -> Place {
    let value = Place::ClauseValue { clause: clause.to_owned() };
    let keyed = matches!(clause, "query" | "header");
    match tokens.last() {
        None if keyed => Place::Nothing,
        None => value,
        Some(_) if open > 0 => value,
        Some(sign) if matches!(sign.kind, K::COLON | K::EQUAL) => value,
        Some(_) => Place::Tail,
    }
}

/// Classifies what follows the tokens of a condition.
fn condition(tokens: &[Before]) -> Place {
    let Some(last) = tokens.last() else { return Place::Operand { left: None } };
    if last.kind == K::DOT {
        return Place::Member { path: path_before(tokens) };
    }
    if ends_operand(last) {
        return Place::Operator;
    }
    Place::Operand { left: compared(tokens) }
}

/// Whether a token can end a value.
fn ends_operand(token: &Before) -> bool {
    match token.kind {
        K::WORD => !matches!(
            token.text.as_str(),
            "if" | "when" | "and" | "or" | "not" | "in" | "contains" | "matches"
        ),
        K::RIGHT_PAREN | K::RIGHT_BRACKET | K::PATTERN | K::ODD_TEXT => true,
        kind => kind.is_string() || kind.is_number(),
    }
}

/// The names before the dot that `tokens` end with.
fn path_before(tokens: &[Before]) -> Vec<String> {
    let mut path = Vec::new();
    let mut expects_name = true;
    for token in tokens.iter().rev().skip(1) {
        match token.kind {
            K::WORD if expects_name => path.push(token.text.clone()),
            K::DOT if !expects_name => {}
            _ => break,
        }
        expects_name = !expects_name;
    }
    path.reverse();
    path
}

/// The name that the value at hand is compared with: `agent` in `agent == …` and `agent in [ …`.
fn compared(tokens: &[Before]) -> Option<String> {
    let list = tokens.iter().rposition(|token| token.kind == K::LEFT_BRACKET);
    let closed = tokens.iter().rposition(|token| token.kind == K::RIGHT_BRACKET);
    let end = match list {
        Some(list) if closed.is_none_or(|closed| closed < list) => list,
        _ => tokens.len(),
    };
    let (operator, before) = tokens.get(..end)?.split_last()?;
    let compares = matches!(operator.kind, K::EQUAL_EQUAL | K::BANG_EQUAL) || operator.is("in");
    if !compares {
        return None;
    }
    let negated = before.last().is_some_and(|token| token.is("not"));
    let before = before.get(..before.len() - usize::from(negated))?;
    let (name, rest) = before.split_last().filter(|(name, _)| name.kind == K::WORD)?;
    let mut text = name.text.clone();
    if let [.., root, dot] = rest
        && dot.kind == K::DOT
    {
        text = format!("{}.{text}", root.text);
    }
    Some(text)
}
