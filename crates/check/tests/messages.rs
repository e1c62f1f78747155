//! Mistakes and what is said about them: `messages.txt` holds sources, each followed by the indented
//! messages it must give, as name, text at the place, message and help. A source without messages is
//! right. `FARAMESH_UPDATE=1` rewrites the file, to be read before it is committed.

#![allow(clippy::unwrap_used, clippy::panic, clippy::indexing_slicing, reason = "a test")]

use faramesh_check::{Options, check, codes};
use faramesh_syntax::Diagnostic;

const FILE: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/messages.txt");

fn shown(source: &str, found: &Diagnostic) -> String {
    let place = usize::try_from(found.span.start).unwrap()..usize::try_from(found.span.end).unwrap();
    let name = codes::ALL.iter().find(|known| known.code == found.code).map_or("syntax", |known| known.name);
    let severity = found.severity;
    let at = source[place].replace('\n', " ");
    let help = found.help.as_deref().unwrap_or_else(|| panic!("{found:#?} has no help"));
    format!("  {severity}: {name} at `{at}`: {} | {help}\n", found.message)
}

fn messages(source: &str) -> String {
    let environment = |_: &str| None;
    let options = Options {
        file_name: "governance.fms".to_owned(),
        environment: &environment,
        strict_env: false,
        dev: true,
    };
    let checked = check(source, &options);
    assert_eq!(checked.stack.is_none(), checked.has_errors(), "{source}");
    checked
        .diagnostics
        .iter()
        // Nearly every source here is too short to say `default deny`.
        .filter(|found| found.code != codes::MISSING_DEFAULT.code)
        .map(|found| shown(source, found))
        .collect()
}

#[test]
fn mistakes_are_named_with_place_and_remedy() {
    let file = std::fs::read_to_string(FILE).unwrap();
    let mut written = String::new();
    for case in file.trim_end().split("\n\n") {
        let source: Vec<&str> = case.lines().filter(|line| !line.starts_with("  ")).collect();
        let source = source.join("\n");
        written.push_str(&format!("{source}\n{}\n", messages(&source)));
    }
    if std::env::var_os("FARAMESH_UPDATE").is_some() {
        std::fs::write(FILE, written.trim_end().to_owned() + "\n").unwrap();
        return;
    }
    for (is, should) in written.trim_end().split("\n\n").zip(file.trim_end().split("\n\n")) {
        assert_eq!(is.trim_end(), should.trim_end());
    }
}

#[test]
fn most_kinds_of_message_are_in_the_file() {
    let file = std::fs::read_to_string(FILE).unwrap();
    // These need a source larger than a table should hold, or other options; `limits.rs` has them.
    let elsewhere = [
        codes::NOT_ENFORCED,
        codes::NO_IDENTITY,
        codes::TOO_DEEP,
        codes::ANALYSIS_BOUNDED,
        codes::MESSAGES_BOUNDED,
        codes::MISSING_DEFAULT,
    ];
    for known in codes::ALL.iter().filter(|known| !elsewhere.contains(known)) {
        let wanted = format!("  {}: {} at ", known.severity, known.name);
        assert!(file.contains(&wanted), "no example of {}", known.name);
    }
}
