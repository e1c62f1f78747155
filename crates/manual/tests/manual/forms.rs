//! The examples in the tables of the definitions, from which the reference is made, are policies.

use faramesh_check::codes::NOT_ENFORCED;
use faramesh_check::definitions::{
    CLAUSES, EFFECTS, FUNCTIONS, LITERALS, METHODS, NAMES, OPERATORS, PATTERNS, Status, Word,
};

use crate::sources::checked;

/// Tables, and a source around each form.
const TABLES: &[(&[Word], &str)] = &[
    (EFFECTS, "FORM"),
    (PATTERNS, "FORM"),
    (CLAUSES, "defer a FORM"),
    (NAMES, "var limit = 5\npermit a if has(args) or FORM"),
    (FUNCTIONS, "permit a if FORM"),
    (METHODS, "permit a if FORM"),
    (OPERATORS, "permit a if FORM"),
    (LITERALS, "permit a if FORM"),
];

#[test]
fn every_example_is_valid_or_not_enforced_as_the_table_says() {
    let mut failures = Vec::new();
    for (words, around) in TABLES {
        for word in *words {
            // A name alone may be no condition.
            let is_name = word.form == "session.id" || word.form == "vars.limit";
            let form = if is_name { format!("{} == \"x\"", word.form) } else { word.form.to_owned() };
            let form = if word.form == "vars.limit" { "vars.limit == 5".to_owned() } else { form };
            let found = checked(&around.replace("FORM", &form), "").diagnostics;
            let errors: Vec<_> = found.iter().filter(|found| found.is_error()).collect();
            let refused = !errors.is_empty() && errors.iter().all(|error| error.code == NOT_ENFORCED.code);
            let fits = if word.status == Status::NotYet { refused } else { errors.is_empty() };
            if !fits {
                failures.push(format!("{}: {errors:?}", word.form));
            }
        }
    }
    assert!(failures.is_empty(), "{}", failures.join("\n"));
}
