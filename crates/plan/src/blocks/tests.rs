//! Every block is told of, and no two policies are taken for one.

use crate::compare::{Policy, Setting, compare};

fn policy(source: &str) -> Policy {
    let environment = |_: &str| None;
    let options =
        faramesh_check::Options { dev: true, ..faramesh_check::Options::new("p.fms", &environment) };
    let checked = faramesh_check::check(source, &options);
    let stack = checked.stack.unwrap_or_else(|| panic!("{source}: {:?}", checked.diagnostics));
    Policy::read(&faramesh_compile::compile_to_bytes(&stack).unwrap()).unwrap()
}

fn of_agent(block: &str) -> String {
    format!(
        "agent \"bot\" {{ default deny\n rules {{ permit look permit act }}\n {block} }}\nagent \"w\" {{ default deny\n rules {{ permit look }} }}"
    )
}

#[test]
fn a_change_of_any_block_is_told() {
    for (old, new, expected) in [
        ("", r#"rate_limit "act": 5 per minute"#, "bot act: nothing → 5 per 1m burst 5"),
        (
            r#"budget daily { max $10 }"#,
            r#"budget daily { max $20 }"#,
            "bot daily: max $10 window daily on_exceed deny → max $20 window daily on_exceed deny",
        ),
        (r#"egress { allow = ["a.example"] }"#, "", "bot egress: allow [a.example] deny [] → nothing"),
        (
            "",
            r#"model_policy { deny = ["x-*"] }"#,
            "bot model_policy: nothing → allow every model deny [x-*]",
        ),
        ("session { max_calls 2 }", "session { max_calls 3 }", "bot session: max_calls 2 → max_calls 3"),
        (
            "",
            r#"spawn { allow = ["w"] max_concurrent = 2 }"#,
            "bot spawn: nothing → allow [w] max_concurrent 2",
        ),
        ("", r#"completion_gate { require called "act" }"#, "bot completion_gate: nothing → called act"),
        (
            r#"phase "p" { permit look }"#,
            r#"phase "p" { permit act }"#,
            "bot phase p: number 1 tools []: permit look → number 1 tools []: permit act",
        ),
        (
            "",
            "ambient { max_calls_per_day = 5 }",
            "bot ambient: nothing → max_calls_per_day 5 on_exceed deny",
        ),
        ("", r#"alert { on = "deny" notify = "stderr://" }"#, "bot alert: nothing → on deny → stderr://"),
    ] {
        let changes = compare(Some(&policy(&of_agent(old))), &policy(&of_agent(new)));
        let side = |side: &Option<String>| side.clone().unwrap_or_else(|| "nothing".to_owned());
        let line =
            |setting: &Setting| format!("{}: {} → {}", setting.name, side(&setting.from), side(&setting.to));
        let told: Vec<String> =
            changes.rate_limits.iter().chain(&changes.budgets).chain(&changes.blocks).map(line).collect();
        assert_eq!(told, [expected], "{old} → {new}");
        assert_eq!(changes.count(), 1);
    }
}

#[test]
fn two_policies_are_never_taken_for_one() {
    let source = of_agent("");
    for (old, new) in [
        (source.clone(), format!("runtime {{ signing = \"off\" }}\n{source}")),
        (source.clone(), format!("runtime {{ wal_retention = 10d }}\n{source}")),
        (source.clone(), format!("manifest grant bot to w max 3\n{source}")),
        (source.clone(), source.replacen("permit look", "permit look if amount < 5", 1)),
        (source.clone(), source.replacen("agent \"bot\" {", "agent \"bot\" { framework = \"x\"", 1)),
    ] {
        let (old, new) = (policy(&old), policy(&new));
        assert_eq!(compare(Some(&old), &new).is_empty(), old.hash() == new.hash());
        assert!(compare(Some(&new), &new).is_empty());
    }
}
