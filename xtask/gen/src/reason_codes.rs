//! The table of reason codes, as replies and records have them.

use faramesh_call::Code;

use crate::page::{Page, cell};

/// The page.
pub fn page() -> Page {
    let mut page = Page::new("docs/reference/reason-codes.md", "Reason codes", "`crates/call/src/code.rs`");
    page.paragraph(
        "Every reply and every record of a decision has one code. `resolution.type` of a reply says what would make \
         the call run: `rule_block` is another call or another policy, `pending_approval` a person's answer, \
         `retry_after` time. *Retryable* means that the same call may have another result later although nobody \
         changed the policy. [Debug a denial](../debug-a-denial.md) says what to do about each.",
    );
    let rows: Vec<Vec<String>> = Code::ALL
        .iter()
        .map(|code| {
            vec![
                format!("`{code}`"),
                cell(code.meaning().trim_end_matches('.')),
                code.resolution().map_or_else(String::new, |word| format!("`{word}`")),
                if code.retryable() { "yes".to_owned() } else { String::new() },
            ]
        })
        .collect();
    page.table(&["code", "meaning", "resolution", "retryable"], &rows);
    page
}
