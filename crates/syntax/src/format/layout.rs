//! Where lines break. A statement stays on one line if its author wrote its lists and blocks so and it
//! fits; otherwise blocks and lists have one part per line, rules one clause per line.

use super::WIDTH;
use super::atoms::{Atom, Comment, atoms, comment};
use super::printer::Printer;
use crate::kind::{SyntaxElement, SyntaxKind, SyntaxNode};
use crate::parser::words;

const STEP: usize = 2;

pub(super) fn file(root: &SyntaxNode) -> String {
    let mut printer = Printer::default();
    statements(&mut printer, root, 0);
    printer.finish()
}

/// A statement or comment of a body.
enum Part {
    Statement { node: SyntaxNode, blank_before: bool, effect_width: usize, semicolon: bool },
    Comment { comment: Comment, blank_before: bool },
}

/// The statements and comments of a file or body, one per line.
fn statements(printer: &mut Printer, body: &SyntaxNode, indent: usize) {
    for part in parts(body) {
        match part {
            Part::Comment { comment, blank_before } => {
                if comment.own_line {
                    printer.line(indent);
                }
                if blank_before {
                    printer.blank();
                }
                printer.comment(&comment, indent);
            }
            Part::Statement { node, blank_before, effect_width, semicolon } => {
                printer.line(indent);
                if blank_before {
                    printer.blank();
                }
                statement(printer, &node, indent, effect_width);
                if semicolon {
                    printer.raw(";");
                }
            }
        }
    }
}

fn parts(body: &SyntaxNode) -> Vec<Part> {
    let mut parts: Vec<Part> = Vec::new();
    let mut breaks = 0;
    for element in body.children_with_tokens() {
        let blank_before = breaks > 1 && !parts.is_empty();
        match element {
            SyntaxElement::Node(node) => {
                parts.push(Part::Statement { node, blank_before, effect_width: 0, semicolon: false });
                breaks = 0;
            }
            SyntaxElement::Token(token) => match token.kind() {
                SyntaxKind::WHITESPACE => breaks += token.text().matches('\n').count(),
                SyntaxKind::COMMENT => {
                    let own_line = breaks > 0 || body.kind() == SyntaxKind::FILE && parts.is_empty();
                    parts.push(Part::Comment { comment: comment(&token, own_line), blank_before });
                    breaks = 0;
                }
                SyntaxKind::LEFT_BRACE => breaks = 0,
                _ => {}
            },
        }
    }
    align(&mut parts);
    separate(&mut parts);
    parts
}

/// Gives the rules of each run of lines the same width of effect.
fn align(parts: &mut [Part]) {
    let mut start = 0;
    while start < parts.len() {
        let length =
            1 + parts.get(start + 1..).unwrap_or_default().iter().take_while(|part| in_run(part)).count();
        let run = parts.get_mut(start..start + length).unwrap_or_default();
        let width = run.iter().filter_map(effect_length).max().unwrap_or(0);
        for part in run {
            if let Part::Statement { effect_width, .. } = part {
                *effect_width = width;
            }
        }
        start += length;
    }
}

/// Whether a part goes on with the run of rules before it.
fn in_run(part: &Part) -> bool {
    match part {
        Part::Statement { node, blank_before, .. } => node.kind() == SyntaxKind::RULE && !blank_before,
        Part::Comment { comment, .. } => !comment.own_line,
    }
}

fn effect_length(part: &Part) -> Option<usize> {
    let Part::Statement { node, .. } = part else { return None };
    if node.kind() != SyntaxKind::RULE {
        return None;
    }
    match atoms(node).into_iter().next() {
        Some(Atom::Text { text, .. }) => Some(text.len()),
        _ => None,
    }
}

/// Keeps a `;` before a setting whose name would be read as a part of the statement before it.
fn separate(parts: &mut [Part]) {
    let mut last: Option<usize> = None;
    for index in 0..parts.len() {
        let Some(Part::Statement { node, .. }) = parts.get(index) else { continue };
        let continues = node.kind() == SyntaxKind::SETTING && {
            let key = node.first_token().map(|token| token.text().to_owned()).unwrap_or_default();
            words::is_clause(&key)
                || matches!(
                    key.as_str(),
                    "burst" | "scope" | "seal" | "by" | "undeclared" | "max" | "approval" | "as"
                )
        };
        let before = last.and_then(|last| parts.get_mut(last));
        if let (true, Some(Part::Statement { node, semicolon, .. })) = (continues, before) {
            use SyntaxKind as K;
            *semicolon = matches!(node.kind(), K::RULE | K::RATE_LIMIT | K::REDACT | K::MANIFEST | K::IMPORT);
        }
        last = Some(index);
    }
}

fn statement(printer: &mut Printer, node: &SyntaxNode, indent: usize, effect_width: usize) {
    if let Some(line) = flat(node, effect_width)
        && indent + line.chars().count() <= WIDTH
    {
        printer.text(&line, false, false);
        return;
    }
    match node.kind() {
        SyntaxKind::RULE => rule(printer, node, indent, effect_width),
        _ => broken(printer, node, indent),
    }
}

/// The node on one line, unless it has a comment or a list or block that its author broke.
fn flat(node: &SyntaxNode, effect_width: usize) -> Option<String> {
    let mut line = Printer::default();
    flat_into(&mut line, node, effect_width)?;
    let mut text = line.finish();
    text.truncate(text.trim_end().len());
    Some(text)
}

fn flat_into(line: &mut Printer, node: &SyntaxNode, effect_width: usize) -> Option<()> {
    let kind = node.kind();
    let is_broken = || node.text().contains_char('\n') && !is_empty_list(node);
    if kind == SyntaxKind::BODY {
        return flat_body(line, node);
    }
    if kind == SyntaxKind::LIST && is_broken() {
        return None;
    }
    let mut parts = atoms(node).into_iter().peekable();
    while let Some(part) = parts.next() {
        match part {
            Atom::Comment(_) => return None,
            Atom::Node(child) => {
                if child.kind() == SyntaxKind::CLAUSE {
                    line.raw(" ");
                }
                flat_into(line, &child, 0)?;
            }
            Atom::Text { kind: SyntaxKind::COMMA, .. }
                if kind == SyntaxKind::LIST && at_closer(parts.peek()) => {}
            Atom::Text { text, kind, touches_before, touches_after } => {
                line.text(&text, touches_before, touches_after);
                if kind == SyntaxKind::EFFECT {
                    line.pad(&text, effect_width);
                }
            }
        }
    }
    Some(())
}

/// `[]` with nothing but blanks inside, which is never broken.
fn is_empty_list(node: &SyntaxNode) -> bool {
    use SyntaxKind as K;
    let blank = |kind| matches!(kind, K::LEFT_BRACKET | K::RIGHT_BRACKET | K::WHITESPACE | K::CONTINUATION);
    node.kind() == K::LIST && node.children_with_tokens().all(|part| blank(part.kind()))
}

fn at_closer(next: Option<&Atom>) -> bool {
    matches!(next, Some(Atom::Text { kind: SyntaxKind::RIGHT_BRACKET, .. }))
}

fn flat_body(line: &mut Printer, body: &SyntaxNode) -> Option<()> {
    let parts = parts(body);
    if parts.is_empty() {
        line.text("{}", false, false);
        return Some(());
    }
    if body.text().contains_char('\n') {
        return None;
    }
    line.text("{", false, false);
    for (index, part) in parts.iter().enumerate() {
        let Part::Statement { node, semicolon, .. } = part else { return None };
        if index > 0 {
            line.raw(" ");
        }
        flat_into(line, node, 0)?;
        if *semicolon {
            line.raw(";");
        }
    }
    line.text("}", false, false);
    Some(())
}

/// A statement over several lines: blocks and lists have one part per line.
fn broken(printer: &mut Printer, node: &SyntaxNode, indent: usize) {
    let mut before_body: Vec<Comment> = Vec::new();
    let has_body = node.children().any(|child| child.kind() == SyntaxKind::BODY);
    for atom in atoms(node) {
        match atom {
            Atom::Comment(comment) if has_body => before_body.push(comment),
            Atom::Comment(comment) => printer.comment(&comment, indent + STEP),
            Atom::Text { text, touches_before, touches_after, .. } => {
                printer.text(&text, touches_before, touches_after)
            }
            Atom::Node(child) if child.kind() == SyntaxKind::BODY => {
                block(printer, &child, indent, &before_body)
            }
            Atom::Node(child) => inner(printer, &child, indent),
        }
    }
}

/// A part of a statement: on the line if it fits, broken otherwise.
fn inner(printer: &mut Printer, node: &SyntaxNode, indent: usize) {
    if let Some(text) = flat(node, 0)
        && text.chars().count() <= printer.room()
    {
        let touches = matches!(node.kind(), SyntaxKind::ARGUMENTS | SyntaxKind::INDEX);
        printer.text(&text, touches, false);
        return;
    }
    if is_empty_list(node) {
        return printer.text("[]", false, false);
    }
    if node.kind() == SyntaxKind::LIST { list(printer, node) } else { broken(printer, node, indent) }
}

fn block(printer: &mut Printer, body: &SyntaxNode, indent: usize, before: &[Comment]) {
    printer.text("{", false, false);
    for (index, comment) in before.iter().enumerate() {
        if index == 0 {
            printer.trailing(comment, indent + STEP)
        } else {
            printer.comment(&own_line(comment), indent + STEP)
        }
    }
    statements(printer, body, indent + STEP);
    printer.line(indent);
    printer.text("}", false, false);
}

fn own_line(comment: &Comment) -> Comment {
    Comment { own_line: true, ..comment.clone() }
}

/// One element per line, each with its comma.
fn list(printer: &mut Printer, node: &SyntaxNode) {
    let outer = printer.line_indent;
    let indent = outer + STEP;
    let mut comma_due = false;
    let mut after_element: Vec<Comment> = Vec::new();
    for atom in atoms(node) {
        // An element may be of several parts, such as a path; its comma or the end closes it.
        let closes = matches!(&atom, Atom::Text { kind: SyntaxKind::COMMA | SyntaxKind::RIGHT_BRACKET, .. });
        if closes && comma_due {
            printer.text(",", true, false);
            comma_due = false;
            for (index, comment) in after_element.drain(..).enumerate() {
                if index == 0 && !comment.own_line {
                    printer.trailing(&comment, indent);
                } else {
                    printer.comment(&own_line(&comment), indent);
                }
            }
            printer.line(indent);
        }
        match atom {
            Atom::Comment(comment) if comma_due => after_element.push(comment),
            Atom::Comment(comment) if comment.own_line => printer.comment(&comment, indent),
            Atom::Comment(comment) => printer.trailing(&comment, indent),
            Atom::Text { kind: SyntaxKind::COMMA, .. } => {}
            Atom::Text { kind: SyntaxKind::LEFT_BRACKET, .. } => {
                printer.text("[", false, false);
                printer.line(indent);
            }
            Atom::Text { kind: SyntaxKind::RIGHT_BRACKET, .. } => {
                printer.line(outer);
                printer.text("]", true, false);
            }
            Atom::Text { text, touches_before, touches_after, .. } => {
                printer.text(&text, touches_before, touches_after);
                comma_due = true;
            }
            Atom::Node(child) => {
                inner(printer, &child, indent);
                comma_due = true;
            }
        }
    }
}

/// A rule over several lines: the condition behind the tool, each clause on its own line.
fn rule(printer: &mut Printer, node: &SyntaxNode, indent: usize, effect_width: usize) {
    for atom in atoms(node) {
        match atom {
            Atom::Comment(comment) => printer.comment(&comment, indent + STEP),
            Atom::Text { text, kind, touches_before, touches_after } => {
                printer.text(&text, touches_before, touches_after);
                if kind == SyntaxKind::EFFECT {
                    printer.pad(&text, effect_width);
                }
            }
            Atom::Node(child) if child.kind() == SyntaxKind::CLAUSE => {
                printer.line(indent + STEP);
                inner(printer, &child, indent + STEP);
            }
            Atom::Node(child) => condition(printer, &child, indent + STEP),
        }
    }
}

/// A condition: on the line if it fits; otherwise each `and` and `or` outside of parentheses begins a line.
fn condition(printer: &mut Printer, node: &SyntaxNode, indent: usize) {
    if let Some(text) = flat(node, 0)
        && text.chars().count() <= printer.room()
    {
        printer.text(&text, false, false);
        return;
    }
    for atom in atoms(node) {
        match atom {
            Atom::Comment(comment) => printer.comment(&comment, indent),
            Atom::Text { text, touches_before, touches_after, .. } => {
                if matches!(text.as_str(), "and" | "or") {
                    printer.line(indent);
                }
                printer.text(&text, touches_before, touches_after);
            }
            Atom::Node(child) => inner(printer, &child, indent),
        }
    }
}
