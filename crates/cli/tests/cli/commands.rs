//! What each command prints and how it ends, pinned: exit code, standard output, standard error.

use crate::stack::{POLICY, Run, Stack};

/// Pins a run. `INSTA_UPDATE=always cargo test -p faramesh-cli` writes what changed.
macro_rules! pinned {
    ($name:literal, $run:expr) => {{
        let run: Run = $run;
        insta::with_settings!({ prepend_module_to_snapshot => false, omit_expression => true }, {
            insta::assert_snapshot!($name, run.transcript());
        });
    }};
}

const BROKEN: &str = "agent \"a\" {\n  defautl deny\n  rules {\n    permit x if amount <\n  }\n}\n";

#[test]
fn check_a_good_policy() {
    pinned!("check_good", Stack::with(POLICY).run(&["check"]));
    pinned!("check_good_json", Stack::with(POLICY).run(&["check", "--format", "json"]));
}

#[test]
fn check_a_broken_policy() {
    let stack = Stack::with(BROKEN);
    pinned!("check_broken", stack.run(&["check"]));
    pinned!("check_broken_json", stack.run(&["check", "--format", "json"]));
}

#[test]
fn explain_a_message() {
    let stack = Stack::empty();
    pinned!("explain_code", stack.run(&["explain", "FPL0205"]));
    pinned!("explain_code_json", stack.run(&["explain", "nothing-to-close", "--format", "json"]));
    pinned!("explain_code_unknown", stack.run(&["explain", "unreachable"]));
    let by_number = stack.run(&["explain", "205"]);
    assert_eq!(by_number.transcript(), stack.run(&["explain", "skipped-when-absent"]).transcript());
}

#[test]
fn check_warnings_and_strictness() {
    let warned = POLICY.replace("  default deny\n", "");
    let stack = Stack::with(&warned);
    assert_eq!(stack.run(&["check"]).exit, 0);
    pinned!("check_strict", stack.run(&["check", "--strict"]));
}

#[test]
fn check_proves_statements() {
    let stack = Stack::with(POLICY);
    let holds = "no permit stripe/refund if amount >= 500";
    pinned!(
        "prove_holds",
        stack.run(&["check", "--prove", holds, "--prove", "every stripe/payouts is deny"])
    );
    let refuted = "no permit stripe/* if amount > 400 for support-bot";
    pinned!("prove_refuted", stack.run(&["check", "--prove", holds, "--prove", refuted]));
    pinned!("prove_refuted_json", stack.run(&["check", "--prove", refuted, "--format", "json"]));
    pinned!("prove_no_statement", stack.run(&["check", "--prove", "permit stripe/refund"]));
    pinned!("prove_no_agent", stack.run(&["check", "--prove", "no permit * for nobody"]));
    pinned!("prove_bad_condition", stack.run(&["check", "--prove", "no permit x if amount <"]));
    let open = POLICY.replace("if amount < $500", "if amount < limit.refund");
    pinned!("prove_undecided", Stack::with(&open).run(&["check", "--prove", holds]));
}

#[test]
fn check_without_a_policy() {
    let stack = Stack::empty();
    pinned!("check_missing", stack.run(&["check"]));
    pinned!("check_missing_folder", stack.run(&["check", "--dir", "nowhere"]));
    stack.write("governance.yaml", "");
    pinned!("check_only_yaml", stack.run(&["check"]));
}

#[test]
fn fmt_in_place_and_checked() {
    let stack = Stack::with("agent \"a\" { default deny\nrules {\npermit   x if amount<$5 # why\n}}\n");
    pinned!("fmt_check", stack.run(&["fmt", "--check"]));
    pinned!("fmt", stack.run(&["fmt"]));
    pinned!("fmt_again", stack.run(&["fmt", "--check"]));
    pinned!("fmt_stdin", stack.run_with(&["fmt", "-"], "permit  x"));
    pinned!("fmt_broken", stack.run_with(&["fmt", "-"], "permit x if"));
    let names: Vec<_> =
        std::fs::read_dir(stack.folder()).unwrap().map(|entry| entry.unwrap().file_name()).collect();
    assert_eq!(names, ["governance.fms"], "nothing is left beside it");
}

#[test]
fn fmt_to_other_spellings() {
    let stack =
        Stack::with("# first\nagent \"a\" {\n  default deny\n  rules { permit x if amount < $5 } # why\n}\n");
    pinned!("fmt_to_yaml", stack.run(&["fmt", "--to", "yaml"]));
    pinned!("fmt_to_yaml_text", stack.run_with(&["fmt", "--to", "yaml", "-"], "permit x # why\n"));
    pinned!("fmt_to_yaml_again", stack.run(&["fmt", "--to", "yaml", "governance.fms"]));
    pinned!("two_spellings", stack.run(&["check"]));
    pinned!("fmt_to_json", stack.run(&["fmt", "--to", "json", "governance.fms.yaml"]));
    std::fs::remove_file(stack.folder().join("governance.fms")).unwrap();
    std::fs::remove_file(stack.folder().join("governance.fms.json")).unwrap();
    assert_eq!(stack.run(&["fmt", "--check"]).exit, 0);
    stack.write("governance.fms.yaml", "rules:\n- {tool: x, effect: allow, when: 'amount<$5'} # why\n");
    pinned!("fmt_yaml_check", stack.run(&["fmt", "--check"]));
    assert_eq!(stack.run(&["fmt"]).exit, 0);
    assert_eq!(
        std::fs::read_to_string(stack.folder().join("governance.fms.yaml")).unwrap(),
        "rules:\n  - effect: permit\n    tool: x\n    if: amount < $5  # why\n"
    );
}

#[test]
fn policies_in_yaml_and_json() {
    let stack = Stack::empty();
    stack.write(
        "governance.fms.yaml",
        "agent:\n  - id: a\n    defualt: deny\n    rules:\n      - effect: permit\n        tool: x\n        if: amount <\n      - effect: premit\n        tool: z\n",
    );
    pinned!("check_broken_yaml", stack.run(&["check"]));
    std::fs::remove_file(stack.folder().join("governance.fms.yaml")).unwrap();
    stack.write("governance.fms.json", "{\"rules\": [{\"effect\": \"permit\", \"tool\": \"x\",}]}");
    pinned!("check_broken_json_policy", stack.run(&["check"]));
    for spelling in ["yaml", "json"] {
        let stack = Stack::empty();
        let name = format!("governance.fms.{spelling}");
        let good = stack.run_with(&["fmt", "--to", spelling, "-"], POLICY);
        stack.write(&name, &good.stdout);
        assert_eq!(stack.run(&["check"]).exit, 0, "{}", stack.run(&["check"]).stderr);
        assert_eq!(stack.run(&["fmt", "--check"]).exit, 0);
        assert_eq!(stack.run(&["plan"]).stdout, Stack::with(POLICY).run(&["plan"]).stdout);
    }
}

#[test]
fn without_a_daemon() {
    let stack = Stack::with(POLICY);
    pinned!("status_down", stack.run(&["status"]));
    pinned!("status_down_json", stack.run(&["status", "--format", "json"]));
    pinned!("approvals_down", stack.run(&["approvals", "list"]));
    pinned!("audit_without_ledger", stack.run(&["audit", "ls"]));
    pinned!("audit_tail_down", stack.run(&["audit", "tail"]));
    pinned!("explain_without_ledger", stack.run(&["explain", "dpr-1"]));
    pinned!("apply_stop_down", stack.run(&["apply", "--stop"]));
    pinned!("destroy_nothing", stack.run(&["destroy"]));
}

#[test]
fn plan_a_first_policy() {
    let stack = Stack::with(POLICY);
    pinned!("plan_first", stack.run(&["plan"]));
    assert_eq!(stack.run(&["plan", "--detailed-exitcode"]).exit, 2);
    stack.write("governance.fms", BROKEN);
    pinned!("plan_broken", stack.run(&["plan"]));
}

#[test]
fn init_writes_once() {
    let stack = Stack::empty();
    stack.write("pyproject.toml", "[project]\ndependencies = [\"langgraph>=0.2\", \"crewai\"]\n");
    stack.write(
        "tools.py",
        "from langchain_core.tools import tool\n\n@tool\ndef refund(order_id: str, amount: float):\n    \"\"\"Refunds an order.\"\"\"\n",
    );
    pinned!("init", stack.run(&["init", "--agent", "support-bot"]));
    let policy = std::fs::read_to_string(stack.folder().join("governance.fms")).unwrap();
    insta::with_settings!({ prepend_module_to_snapshot => false, omit_expression => true }, {
        insta::assert_snapshot!("init_policy", policy);
    });
    pinned!("init_checked", stack.run(&["check", "--strict"]));
    assert_eq!(stack.run(&["fmt", "--check"]).exit, 0);
    pinned!("init_again", stack.run(&["init"]));
    pinned!("init_yaml_beside", stack.run(&["init", "--yaml"]));
    std::fs::remove_file(stack.folder().join("governance.fms")).unwrap();
    pinned!("init_yaml", stack.run(&["init", "--yaml", "--agent", "support-bot"]));
    let policy = std::fs::read_to_string(stack.folder().join("governance.fms.yaml")).unwrap();
    insta::with_settings!({ prepend_module_to_snapshot => false, omit_expression => true }, {
        insta::assert_snapshot!("init_policy_yaml", policy);
    });
    assert_eq!(stack.run(&["check", "--strict"]).exit, 0);
    assert_eq!(stack.run(&["fmt", "--check"]).exit, 0);
}

#[test]
fn help_version_and_mistakes() {
    let stack = Stack::empty();
    pinned!("help", stack.run(&["--help"]));
    pinned!("help_status", stack.run(&["status", "--help"]));
    pinned!("version", stack.run(&["version"]));
    pinned!("unknown_command", stack.run(&["aply"]));
    pinned!("csv_where_there_is_none", stack.run(&["status", "--format", "csv"]));
    for shell in ["bash", "zsh", "fish"] {
        let run = stack.run(&["completions", shell]);
        assert!(run.exit == 0 && run.stdout.contains("faramesh") && run.stdout.len() > 1_000, "{shell}");
    }
}

#[test]
fn colours_are_only_for_terminals() {
    let run = Stack::with(BROKEN).run(&["check"]);
    assert!(!run.stdout.contains('\u{1b}') && !run.stderr.contains('\u{1b}'));
}
