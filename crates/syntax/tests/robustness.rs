//! Any text at all: the tree holds every byte, nothing panics or overflows, work grows with length,
//! and each limit has its own message.

#![allow(clippy::unwrap_used, clippy::panic, clippy::indexing_slicing, reason = "a test")]

use faramesh_syntax::{Code, LineIndex, Parse, codes, format, limits, parse};
use proptest::prelude::*;

fn corpus() -> Vec<String> {
    let mut policies = faramesh_corpus::parsing();
    policies.extend(faramesh_corpus::invalid());
    policies.into_iter().map(|policy| policy.source).collect()
}

fn check(source: &str) -> Parse {
    let parsed = parse(source);
    assert_eq!(parsed.tree().text().to_string(), source);
    let lines = LineIndex::new(source);
    for found in parsed.diagnostics() {
        let ends = [found.span, found.fix.as_ref().map_or(found.span, |fix| fix.span)];
        for span in ends {
            let (start, end) = (usize::try_from(span.start).unwrap(), usize::try_from(span.end).unwrap());
            assert!(source.get(start..end).is_some(), "{found:?} is not a place in {source:?}");
        }
        let (line, column) = lines.line_column(found.span.start);
        assert!(line >= 1 && column >= 1);
        assert!(found.help.is_some(), "{found:?} in {source:?}");
        assert!(!found.message.ends_with('.') && !found.message.is_empty(), "{found:?}");
    }
    match format(source) {
        Ok(text) => assert_eq!(format(&text).as_deref(), Ok(text.as_str()), "canonical form of {source:?}"),
        Err(found) => assert!(parsed.has_errors(), "{found:?} for {source:?}"),
    }
    parsed
}

fn has(parsed: &Parse, code: Code) -> bool {
    parsed.diagnostics().iter().any(|found| found.code == code)
}

/// Pieces that mean something to the parser, to be put in any order.
const PIECES: &[&str] = &[
    "permit",
    "deny!",
    "defer",
    "if",
    "when",
    "and",
    "or",
    "not",
    "in",
    "contains",
    "agent",
    "rules",
    "budget",
    "var",
    "use",
    "import",
    "rate_limit",
    "redact",
    "trust",
    "key",
    "require",
    "manifest",
    "grant",
    "orchestrator",
    "as",
    "to",
    "per",
    "seal",
    "reason",
    "header",
    "host",
    "query",
    "env",
    "session",
    "history",
    "{",
    "}",
    "(",
    ")",
    "[",
    "]",
    "=",
    "==",
    "!=",
    "<",
    ">",
    "!",
    "&&",
    "||",
    "&",
    "=>",
    ",",
    ";",
    ":",
    ".",
    "/",
    "*",
    "+",
    "-",
    "%",
    "@",
    "\\",
    "\\\n",
    "\n",
    "#",
    "//",
    "/*",
    "*/",
    "\"",
    "\"a\"",
    "\"\\d\"",
    "\"\\u{",
    "'",
    "'a'",
    "“",
    "”",
    "$",
    "$5",
    "$1,000",
    "5",
    "-5",
    "5m",
    "5MB",
    "1.5",
    "1e",
    "a",
    "a/b",
    "a.b",
    "_x-y",
    "é",
    "\0",
    "\r",
    "\u{202e}",
    "\u{feff}",
    "\t",
    " ",
    "else",
    "true",
    "null",
];

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn any_text(source in any::<String>()) {
        check(&source);
    }

    #[test]
    fn any_bytes(bytes in prop::collection::vec(any::<u8>(), 0..400)) {
        check(&String::from_utf8_lossy(&bytes));
    }

    #[test]
    fn any_pieces(pieces in prop::collection::vec((0..PIECES.len(), any::<bool>()), 0..60)) {
        let text: String = pieces.iter().map(|&(piece, spaced)| format!("{}{}", PIECES[piece], if spaced { " " } else { "" })).collect();
        check(&text);
    }

    #[test]
    fn mutated_corpus(
        file in 0_usize..1000,
        edits in prop::collection::vec((any::<prop::sample::Index>(), 0..PIECES.len(), 0_usize..12), 1..6),
    ) {
        let sources = corpus();
        let mut text = sources[file % sources.len()].clone();
        for (place, piece, removed) in edits {
            let mut start = place.index(text.len() + 1);
            while !text.is_char_boundary(start) { start -= 1; }
            let mut end = (start + removed).min(text.len());
            while !text.is_char_boundary(end) { end += 1; }
            text.replace_range(start..end, PIECES[piece]);
        }
        check(&text);
    }
}

/// Texts that are deep or repeat what is costly, of about `size` bytes each.
fn hostile(size: usize) -> Vec<(String, String)> {
    let mut all: Vec<(String, String)> = Vec::new();
    for unit in [
        "(",
        "[",
        "{",
        "[[",
        "((",
        "not ",
        "!",
        "a.",
        "a and ",
        "a or b and ",
        "f(",
        "a.b(",
        "a {",
        "agent \"x\" {",
        "permit a ",
        "permit ",
        "\"",
        "'",
        "“",
        "\\",
        "/*",
        "//",
        "#",
        "# c\n",
        "}",
        ")",
        "a = [",
        "a = ",
        "a = 1;",
        "a[",
        "a[0]",
        "a.f().",
        "session.sum(",
        "1,",
        "\"a\" ",
        "- ",
        "$",
        "$1,000",
        ",",
        "é",
        "\0",
        "\u{202e}",
        "\r",
        "a/",
        "a b ",
        "permit x if a == ",
        "deny x reason ",
        "permit a, ",
        "if ",
        "rules {",
        "env(",
        "x x {",
        "trust { key \"a\" b:c ",
        "\"a\" \"b\" ",
        "= ",
        "else ",
        "a\n",
        "permit a\n",
        "alow b\n",
        "x = (",
        "permit a if (b c ",
    ] {
        all.push((format!("{unit:?} repeated"), unit.repeat(size / unit.len())));
        all.push((
            format!("{unit:?} repeated after a condition"),
            format!("permit a if {}", unit.repeat(size / unit.len())),
        ));
        all.push((
            format!("{unit:?} repeated in a value"),
            format!("a = {}", unit.repeat(size / unit.len())),
        ));
    }
    all
}

#[test]
fn nothing_overflows_the_stack_or_grows_faster_than_its_length() {
    // A thread's usual stack, half of that of a process.
    let worker = std::thread::Builder::new().stack_size(2 * 1024 * 1024).spawn(|| {
        let (small, large) = (hostile(4_000), hostile(40_000));
        for ((name, small), (_, large)) in small.into_iter().zip(large) {
            let (few, many) = (parse(&small).steps(), parse(&large).steps());
            assert!(many <= few * 14 + 10_000, "{name}: {few} steps, then {many} for ten times the text");
            assert!(many <= 40_000 * 60, "{name}: {many} steps for 40,000 bytes");
        }
    });
    worker.unwrap().join().unwrap();
}

#[test]
fn a_mebibyte_of_anything_is_read() {
    for unit in ["(", "[", "{", "not ", "!", "a.", "a and ", "f(", "permit a if x[", "a {", "\"", "é"] {
        let source = format!("permit a if {}", unit.repeat((1 << 20) / unit.len()));
        let parsed = parse(&source);
        assert!(parsed.has_errors(), "{unit}");
        assert_eq!(parsed.tree().text().len(), rowan::TextSize::of(source.as_str()), "{unit}");
        drop(parsed.into_parts());
    }
}

#[test]
fn long_chains_are_no_deep_trees() {
    for operator in ["and", "or"] {
        let source = format!("permit a if {}", vec!["x == 1"; 20_000].join(&format!(" {operator} ")));
        assert_eq!(parse(&source).diagnostics(), []);
    }
}

#[test]
fn each_limit_has_its_message() {
    let nesting = usize::try_from(limits::NESTING).unwrap();
    let string = |bytes: usize| format!("a = \"{}\"", "x".repeat(bytes));
    let list = |elements: usize| format!("a = [{}]", "1,".repeat(elements));
    let rules = |count: usize| "permit a\n".repeat(count);
    let group = |depth: usize| format!("permit a if {}x{}", "(".repeat(depth), ")".repeat(depth));
    let lists = |depth: usize| format!("a = {}{}", "[".repeat(depth), "]".repeat(depth));
    let blocks = |depth: usize| format!("{}{}", "a {".repeat(depth), "}".repeat(depth));
    let negations = |depth: usize| format!("permit a if {}x", "not ".repeat(depth));
    let path = |depth: usize| format!("permit a if x{}", ".y".repeat(depth));
    let methods = |depth: usize| format!("permit a if x{}", ".y()".repeat(depth));
    let calls = |depth: usize| format!("permit a if {}x{}", "f(".repeat(depth), ")".repeat(depth));
    for (code, fits, exceeds) in [
        (codes::STRING_TOO_LONG, string(limits::STRING_BYTES), string(limits::STRING_BYTES + 1)),
        (codes::LIST_TOO_LONG, list(limits::LIST_ELEMENTS), list(limits::LIST_ELEMENTS + 1)),
        (codes::TOO_MANY_RULES, rules(limits::RULES), rules(limits::RULES + 1)),
        (codes::TOO_DEEP, group(nesting), group(nesting + 1)),
        (codes::TOO_DEEP, lists(nesting), lists(nesting + 1)),
        (codes::TOO_DEEP, blocks(nesting), blocks(nesting + 1)),
        (codes::TOO_DEEP, negations(nesting - 1), negations(nesting)),
        (codes::TOO_DEEP, path(nesting), path(nesting + 1)),
        (codes::TOO_DEEP, methods(nesting - 1), methods(nesting)),
        (codes::TOO_DEEP, calls(nesting - 1), calls(nesting)),
    ] {
        let shown: String = exceeds.chars().take(40).collect();
        assert_eq!(parse(&fits).diagnostics(), [], "{shown}");
        let parsed = parse(&exceeds);
        assert!(has(&parsed, code), "{shown}: {:?}", parsed.diagnostics());
        assert_eq!(parsed.diagnostics().len(), 1, "{shown}: {:?}", parsed.diagnostics());
    }
}

/// Heights add up through arguments by name, whose values may be expressions again.
#[test]
fn height_is_counted_through_every_kind_of_nesting() {
    for (open, close) in [
        ("f(x=(not not not not not not not not not y.z(", ")))"),
        ("f(x=[(not not not not not not not not not y.z(", "))])"),
        ("f(x=(1 == (not not not not not not not not not y.z(", "))))"),
    ] {
        let nested = |depth: usize| format!("permit a if {}b{}", open.repeat(depth), close.repeat(depth));
        assert_eq!(parse(&nested(5)).diagnostics(), [], "{open}");
        let parsed = parse(&nested(20));
        assert!(has(&parsed, codes::TOO_DEEP), "{open}: {:?}", parsed.diagnostics());
        assert_eq!(parsed.ast().items, []);
    }
}

#[test]
fn a_source_may_be_four_mebibytes() {
    let mut source = "# é\n".repeat(limits::SOURCE_BYTES / 5);
    source.push_str(&"#".repeat(limits::SOURCE_BYTES - source.len()));
    assert_eq!(parse(&source).diagnostics(), []);
    source.push('#');
    let parsed = parse(&source);
    assert_eq!(parsed.diagnostics().len(), 1);
    assert!(has(&parsed, codes::SOURCE_TOO_LARGE));
    assert_eq!(parsed.ast().items, []);
}

#[test]
fn messages_are_bounded_and_the_rest_is_counted() {
    let parsed = parse(&"permit a if x = 1\n".repeat(limits::DIAGNOSTICS + 10));
    assert_eq!(parsed.diagnostics().len(), limits::DIAGNOSTICS + 1);
    let last = parsed.diagnostics().last().unwrap();
    assert_eq!(
        (last.code, last.message.as_str()),
        (codes::TOO_MANY_DIAGNOSTICS, "10 more messages follow that are not shown")
    );
}

#[test]
fn a_broken_rule_is_left_out() {
    let parsed =
        parse("permit a if (x\nrules {\n  permit b if x +\n  permit c if y =\n  alow d\n  deny e\n}");
    let text = format!("{:?}", parsed.ast());
    assert!(
        text.contains("\"e\"")
            && !text.contains("\"b\"")
            && !text.contains("\"c\"")
            && !text.contains("\"d\""),
        "{text}"
    );
}
