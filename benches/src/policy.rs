//! Policies for the benches, as text and as loaded programs.

use faramesh_check::{Options, check};
use faramesh_program::{Program, encode, load};

use crate::Outcome;

/// Twenty rules of one agent over numbers, strings, lists and regular expressions; the call of
/// [`crate::wire::CALL`] is decided by the last ones.
pub const TWENTY_RULES: &str = r#"
agent "payments" {
  default deny
  rules {
    deny!  shell/* reason "no shell, ever"
    permit kb/search
    permit kb/read      if args.space in ["public", "support"]
    permit ticket/read
    defer  ticket/close if priority >= 3
    permit ticket/close
    permit mail/send    if to.domain == "@corp.example"
    defer  mail/send    if not (subject matches "(?i)^(re|fwd):")
    permit mail/send
    deny   stripe/refund if currency != "eur" and currency != "usd" reason "only euro and dollar"
    deny   stripe/refund if customer matches "^test_[0-9]+$"
    deny   stripe/refund if country in ["kp", "ir", "sy", "cu"]
    defer  stripe/refund if amount >= 500
    defer  stripe/refund if note contains "urgent"
    deny   stripe/refund if channel == "api" and amount > 250
    permit stripe/refund if amount < 100 and reason_code in ["duplicate", "fraud", "requested_by_customer"]
    defer  stripe/refund
    deny   stripe/payouts reason "payouts are made by finance"
    permit stripe/balance
    defer  stripe/*
  }
}
"#;

/// The twenty rules, and `count` rules on other tools: exact names and patterns.
#[must_use]
pub fn with_other_tools(count: u32) -> String {
    let mut rules = String::new();
    for number in 0..count {
        let line = match number % 4 {
            0 => format!("    permit other{number}/read\n"),
            1 => format!("    deny other{number}/*\n"),
            2 => format!("    defer other{number}/write if amount > {number}\n"),
            _ => format!("    permit *_other{number} if region == \"r{number}\"\n"),
        };
        rules.push_str(&line);
    }
    TWENTY_RULES.replacen("    permit kb/search\n", &format!("    permit kb/search\n{rules}"), 1)
}

/// Compiles a policy to bytes.
///
/// # Errors
/// The policy is wrong.
pub fn compile(source: &str) -> Outcome<Vec<u8>> {
    let environment = |_: &str| None;
    let options = Options { dev: true, ..Options::new("governance.fms", &environment) };
    let checked = check(source, &options);
    let stack = checked.stack.ok_or_else(|| format!("{:?}", checked.diagnostics))?;
    let (image, sources) = faramesh_compile::compile(&stack)?;
    Ok(encode(&image, &sources)?)
}

/// Compiles and loads a policy.
///
/// # Errors
/// The policy is wrong.
pub fn program(source: &str) -> Outcome<Program> {
    Ok(load(&compile(source)?)?)
}
