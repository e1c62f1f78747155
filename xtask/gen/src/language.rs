//! The reference of the language, from the tables that `check` reads policies with.

use faramesh_check::definitions::{
    AGENT, CLAUSES, Definition, EFFECTS, FILE, FUNCTIONS, LITERALS, Label, METHODS, NAMES, OPERATORS,
    PATTERNS, Shape, Status, Word,
};

use crate::limits;
use crate::page::{Page, cell, code};

/// Deepest block within a block that is written out.
const DEPTH: usize = 4;

/// The page.
pub fn page() -> Page {
    let mut page = Page::new(
        "docs/reference/language.md",
        "Language reference",
        "`crates/check/src/definitions` and the constants of the limits",
    );
    page.paragraph(
        "Everything that a `governance.fms` can hold. [Write your first policy](../first-policy.md) explains the \
         language, [From English to FPL](../from-english-to-fpl.md) shows it at work. What is marked *not yet* belongs \
         to the language and is refused by `check` until a version enforces it, so that a line of a policy is never \
         without effect.",
    );
    page.paragraph(
        "A source is UTF-8. `#` begins a comment, which ends with the line. Statements are separated by spaces, line \
         breaks or `;`. A setting is written `key = value` or `key value`.",
    );
    let file = Place { name: "", form: String::new(), status: Status::Enforced, depth: 0 };
    block(&mut page, &file, FILE);
    let form = "agent \"name\" { … }".to_owned();
    block(&mut page, &Place { name: "agent", form, ..file }, AGENT);
    rules(&mut page);
    conditions(&mut page);
    limits::section(&mut page);
    page
}

/// Where a block stands.
struct Place<'a> {
    /// Its name, after the blocks around it; empty for the file.
    name: &'a str,
    /// How it is written.
    form: String,
    /// Whether it and all blocks around it are enforced.
    status: Status,
    /// Blocks around it.
    depth: usize,
}

/// A block's table, and after it the blocks within.
fn block(page: &mut Page, place: &Place<'_>, members: &'static [Definition]) {
    let title = if place.name.is_empty() { "The file".to_owned() } else { code(place.name) };
    page.heading((place.depth + 2).min(DEPTH), &title);
    if !place.form.is_empty() {
        page.fence("", &place.form);
    }
    if place.status == Status::NotYet {
        page.paragraph("*Not yet* enforced, with all that is in it.");
    }
    if members.is_empty() {
        page.paragraph("It has no keys of its own.");
    } else {
        let rows: Vec<Vec<String>> = members.iter().map(|member| row(member, place)).collect();
        page.table(&["", "value", "default", "status", "meaning"], &rows);
    }
    if place.depth >= DEPTH {
        return;
    }
    for definition in members {
        let Shape::Block { label, members, open, .. } = definition.shape else { continue };
        // An agent is described once, wherever it may stand.
        if std::ptr::eq(members, AGENT) {
            continue;
        }
        let name = inner_name(place, definition.keyword);
        let status = if place.status == Status::NotYet { Status::NotYet } else { definition.status };
        let form = form(definition.keyword, label);
        block(page, &Place { name: &name, form, status, depth: place.depth + 1 }, members);
        if open {
            page.paragraph("Further keys depend on `type`.");
        }
    }
}

/// `runtime.cloud`; blocks of the file and of an agent by their own name.
fn inner_name(place: &Place<'_>, keyword: &str) -> String {
    if place.depth == 0 { keyword.to_owned() } else { format!("{}.{keyword}", place.name) }
}

fn form(keyword: &str, label: Label) -> String {
    match label {
        Label::None => format!("{keyword} {{ … }}"),
        Label::Optional => format!("{keyword} [\"name\"] {{ … }}"),
        Label::Required => format!("{keyword} \"name\" {{ … }}"),
    }
}

fn row(definition: &Definition, place: &Place<'_>) -> Vec<String> {
    let (value, default) = match definition.shape {
        Shape::Setting { kind, default, .. } => (
            cell(&kind.expected().replace("a text in quotes", "a text")),
            default.map(code).unwrap_or_default(),
        ),
        Shape::Block { .. } => {
            let anchor = inner_name(place, definition.keyword).replace('.', "");
            (format!("[a block](#{anchor})"), String::new())
        }
        Shape::Statement(form) => (code(form), String::new()),
    };
    // Within a block that is not enforced, nothing is.
    let status =
        if place.status == Status::NotYet { String::new() } else { status(definition.status).to_owned() };
    vec![code(definition.keyword), value, default, status, cell(definition.summary)]
}

fn status(status: Status) -> &'static str {
    match status {
        Status::Enforced => "enforced",
        Status::NotYet => "*not yet*",
    }
}

fn rules(page: &mut Page) {
    page.heading(2, "Rules");
    page.fence("", "EFFECT pattern [if condition] { clause }");
    page.paragraph(
        "Rules are read from top to bottom and the first that matches decides; then comes `default`. Every `deny!` is \
         checked before all other rules. `when` is another spelling of `if`.",
    );
    for (title, table) in [("Effects", EFFECTS), ("Tool patterns", PATTERNS), ("Clauses", CLAUSES)] {
        page.heading(3, title);
        words(page, table);
    }
}

fn conditions(page: &mut Page) {
    page.heading(2, "Conditions");
    page.paragraph(
        "A name is looked up among the builtin names, then the variables, then the arguments of the call. Members are \
         written `a.b`, `a[\"odd key\"]` and `items[0]`. Nothing is converted: a comparison of unlike types, or with a \
         field that is absent, is neither true nor false but unknown. A rule matches when its condition is true; a \
         wrong type in a `defer` or `deny` counts as a match too, and in a `deny!` whatever cannot be evaluated does.",
    );
    for (title, table) in [
        ("Operators", OPERATORS),
        ("Names", NAMES),
        ("Functions", FUNCTIONS),
        ("Methods", METHODS),
        ("Values", LITERALS),
    ] {
        page.heading(3, title);
        words(page, table);
    }
}

fn words(page: &mut Page, words: &[Word]) {
    let is_mixed = words.iter().any(|word| word.status == Status::NotYet);
    let rows: Vec<Vec<String>> = words
        .iter()
        .map(|word| {
            let status = if is_mixed { status(word.status).to_owned() } else { String::new() };
            vec![code(word.name), code(word.form), status, cell(word.summary)]
        })
        .collect();
    page.table(&["", "example", "status", "meaning"], &rows);
}
