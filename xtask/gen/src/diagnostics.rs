//! The table of every message of `check`, each with its page.

use faramesh_manual::{Entry, entries};

use crate::page::{Page, cell};

/// Whether a message belongs under a heading.
type Belongs = fn(&Entry) -> bool;

/// The page.
pub fn page() -> Page {
    let mut page = Page::new(
        "docs/reference/diagnostics.md",
        "Messages of `check`",
        "`codes.rs` of `crates/syntax`, `crates/check` and `crates/spell`",
    );
    page.paragraph(
        "An error refuses the policy. A warning lets it pass: it can be used and probably does not mean what it says. \
         A note is worth knowing. A code is never given another meaning. `faramesh explain FPL0012` prints the page of \
         a code, and so does its number or name.",
    );
    let parts: [(&str, Belongs); 5] = [
        ("The text", |entry| entry.code.0 < 90),
        ("Limits of the text", |entry| (90..100).contains(&entry.code.0)),
        ("Names, places and types", |entry| {
            (100..200).contains(&entry.code.0) && !(170..180).contains(&entry.code.0)
        }),
        ("Policies as YAML and JSON", |entry| (170..180).contains(&entry.code.0)),
        ("What is allowed and probably not meant", |entry| entry.code.0 >= 200),
    ];
    for (title, belongs) in parts {
        page.heading(2, title);
        let rows: Vec<Vec<String>> = entries().filter(belongs).map(|entry| row(&entry)).collect();
        page.table(&["code", "name", "", "meaning"], &rows);
    }
    page
}

fn row(entry: &Entry) -> Vec<String> {
    vec![
        format!("[{0}](../diagnostics/{0}.md)", entry.code),
        format!("`{}`", entry.name),
        entry.severity.to_string(),
        cell(entry.meaning),
    ]
}
