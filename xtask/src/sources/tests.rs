//! Each rule on sources: a breach is told, a near miss is not.

use super::*;

fn told(path: &str, text: &str) -> Vec<String> {
    check(&[File::new(path, text)]).into_iter().map(|finding| finding.what).collect()
}

#[test]
fn a_pure_crate_must_not_name_the_machine() {
    let breaches = [
        "use std::fs;",
        "use std::{fmt, env as surroundings};",
        "fn f() { let a = std::net::TcpStream::connect(1); }",
        "use std::time::Instant;",
        "use std::time;",
        "fn f() { let a = SystemTime::now(); }",
        "use std::collections::hash_map::RandomState;",
        "fn f() { g!(std::thread::spawn(h)); }",
        "use std::io::stdout;",
        "use std as s;",
    ];
    for text in breaches {
        let found = told("crates/decide/src/lib.rs", text);
        assert_eq!(found.len(), 1, "{text}: {found:?}");
        assert!(found[0].starts_with("a pure crate names"), "{found:?}");
        assert_eq!(told("crates/ledger/src/lib.rs", text), Vec::<String>::new(), "the ledger is not pure");
    }
}

#[test]
fn a_pure_crate_may_speak_of_the_machine() {
    let near_misses = [
        "//! Never std::fs.\nconst A: &str = \"std::fs::read\";",
        "use std::time::Duration;",
        "use crate::env::Environment; use std::fmt;",
        "#[cfg(test)] mod tests { use std::fs; }",
        "fn f(now: Instant) -> fs::Policy { thread::Name }",
        "use std::io::Write;",
    ];
    for text in near_misses {
        assert_eq!(told("crates/call/src/value.rs", text), Vec::<String>::new(), "{text}");
    }
    assert_eq!(told("crates/call/tests/files.rs", "use std::fs;"), Vec::<String>::new());
}

#[test]
fn a_module_declared_for_tests_is_a_test() {
    let parent = File::new("crates/dpr/src/chain.rs", "#[cfg(test)] mod cases;");
    let child = File::new("crates/dpr/src/chain/cases.rs", "use std::fs;");
    assert_eq!(check(&[parent, child.clone()]), vec![]);
    let parent = File::new("crates/dpr/src/chain.rs", "mod cases;");
    assert_eq!(check(&[parent, child]).len(), 1);
}

#[test]
fn only_the_ledger_makes_a_receipt() {
    let breaches = [
        "fn f() { Receipt { seq: 1 }; }",
        "fn f() { ledger::Receipt::new(1); }",
        "struct Receipt;",
        "#[cfg(feature = \"x\")] fn f() -> R { faramesh_ledger::Receipt { seq: 1 } }",
    ];
    for text in breaches {
        assert_eq!(told("crates/gate/src/lib.rs", text).len(), 1, "{text}");
    }
    let near_misses = [
        "fn f(r: &Receipt) { let Receipt { .. } = r; }",
        "fn f() { ReceiptView { seq: 1 }; Receipt::sequence(r); }",
        "// Receipt { seq: 1 }\nuse faramesh_ledger::Receipt;",
    ];
    for text in near_misses {
        assert_eq!(told("crates/gate/src/lib.rs", text), Vec::<String>::new(), "{text}");
    }
}

#[test]
fn the_ledger_keeps_its_receipt_closed() {
    let path = "crates/ledger/src/receipt.rs";
    assert_eq!(
        told(path, "pub struct Receipt { seq: u64 } fn f() { Receipt { seq: 1 }; }"),
        Vec::<String>::new()
    );
    assert_eq!(told(path, "pub struct Receipt { pub seq: u64 }").len(), 1);
    assert_eq!(told(path, "#[derive(Debug, Default)] pub struct Receipt { seq: u64 }").len(), 1);
}

#[test]
fn unsafe_stays_in_the_sandbox() {
    let breaches = [
        "fn f() { unsafe { g() } }",
        "unsafe impl Send for A {}",
        "#[cfg(test)] mod tests { unsafe fn f() {} }",
    ];
    for text in breaches {
        assert_eq!(told("crates/daemon/src/lib.rs", text), ["`unsafe` outside `sandbox/`"], "{text}");
        assert_eq!(told("sandbox/src/lib.rs", text), Vec::<String>::new(), "{text}");
    }
    let near = "#![forbid(unsafe_code)]\n// unsafe\nconst A: &str = \"unsafe\"; fn not_unsafe() {}";
    assert_eq!(told("crates/daemon/src/lib.rs", near), Vec::<String>::new());
}

#[test]
fn silencing_a_lint_needs_a_reason() {
    let breaches = [
        "#[allow(dead_code)] fn f() {}",
        "#![allow(clippy::all)]",
        "#[cfg_attr(unix, allow(unused))] fn f() {}",
        "#[cfg(test)] mod tests { #[expect(unused)] fn f() {} }",
    ];
    for text in breaches {
        assert_eq!(told("tiers/socket/src/lib.rs", text), ["a lint is silenced without a reason"], "{text}");
    }
    let near = "#[expect(dead_code, reason = \"read by hand\")] fn allow() { let a = v[allow(x)]; deny(y); }";
    assert_eq!(told("tiers/socket/src/lib.rs", near), Vec::<String>::new());
}

#[test]
fn every_manifest_inherits_the_lints() {
    let good = "[package]\nname = \"a\"\n[lints]\nworkspace = true\n";
    assert_eq!(told("crates/a/Cargo.toml", good), Vec::<String>::new());
    let bad = "[package]\nversion.workspace = true\n[dependencies]\nworkspace = true\n";
    assert_eq!(told("crates/a/Cargo.toml", bad), ["the crate does not inherit the workspace's lints"]);
    assert_eq!(
        told("Cargo.toml", "[workspace.lints.rust]\nunsafe_code = \"forbid\"\n"),
        Vec::<String>::new()
    );
    assert_eq!(told("Cargo.toml", "[workspace.lints.rust]\nunsafe_code = \"warn\"\n").len(), 1);
}

#[test]
fn a_file_that_does_not_parse_is_told() {
    assert_eq!(told("crates/a/src/lib.rs", "fn {").len(), 1);
}
