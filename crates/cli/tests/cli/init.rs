//! `faramesh init` on the projects of `tests/corpus/init`: what it finds, and that what it writes is good in each
//! spelling, permits nothing, and decides a call of each tool by the tool's own rule.

use std::collections::BTreeMap;
use std::fs;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::{Path, PathBuf};

use faramesh_call::{Value, json};

use crate::stack::{Stack, at, text};

/// What each framework is called in a stack, and how many projects of each language there are at least.
const FRAMEWORKS: &[(&str, &str)] = &[
    ("python", "ag2"),
    ("python", "anthropic-sdk"),
    ("python", "autogen"),
    ("python", "bedrock"),
    ("python", "crewai"),
    ("python", "deepagents"),
    ("python", "google-adk"),
    ("python", "langchain"),
    ("python", "langgraph"),
    ("python", "llama-index"),
    ("python", "mcp"),
    ("python", "none"),
    ("python", "openai-agents"),
    ("python", "pydantic-ai"),
    ("python", "strands"),
    ("typescript", "ai-sdk"),
    ("typescript", "langgraph"),
    ("typescript", "mastra"),
    ("typescript", "mcp"),
    ("typescript", "openai-agents"),
];

const INIT: [&str; 6] = ["init", "--non-interactive", "--agent", "agent", "--format", "json"];

/// What must come of a project.
#[derive(Default)]
struct Expected {
    framework: String,
    beside: Vec<String>,
    tools: Vec<String>,
    /// File and name of what only looks like a tool, or is one that cannot be found.
    absent: Vec<(String, String)>,
    warnings: Vec<String>,
    made: Vec<(String, String, String)>,
}

fn corpus() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../../tests/corpus/init")
}

fn projects() -> Vec<(String, Expected)> {
    let mut found: Vec<(String, Expected)> = Vec::new();
    for entry in fs::read_dir(corpus()).unwrap() {
        let entry = entry.unwrap();
        let name = entry.file_name().into_string().unwrap();
        if name == "README.md" {
            continue;
        }
        let text = fs::read_to_string(entry.path().join("expected")).unwrap_or_else(|_| panic!("{name}"));
        found.push((name, read(&text)));
    }
    found.sort_by(|left, right| left.0.cmp(&right.0));
    found
}

fn read(text: &str) -> Expected {
    let mut expected = Expected::default();
    for line in text.lines().filter(|line| !line.starts_with('#')) {
        let (kind, rest) = line.split_once(' ').unwrap();
        let (first, second) = rest.split_once(' ').unwrap_or((rest, ""));
        match kind {
            "framework" => expected.framework = rest.to_owned(),
            "beside" => expected.beside.push(rest.to_owned()),
            "tool" => expected.tools.push(rest.to_owned()),
            "decoy" | "missed" => {
                let (name, reason) = second.split_once(": ").unwrap_or_else(|| panic!("no reason: {line}"));
                assert!(!reason.is_empty());
                expected.absent.push((first.to_owned(), name.to_owned()));
            }
            "warning" => expected.warnings.push(rest.to_owned()),
            "large" => expected.made.push((kind.to_owned(), first.to_owned(), second.to_owned())),
            "rename" | "link" => {
                let to = second.strip_prefix("-> ").unwrap().to_owned();
                expected.made.push((kind.to_owned(), first.to_owned(), to));
            }
            _ => panic!("what is `{kind}`?"),
        }
    }
    expected.tools.sort();
    expected.warnings.sort();
    expected
}

/// A copy of a project, with what a repository cannot hold.
fn copied(name: &str, expected: &Expected) -> Stack {
    let stack = Stack::empty();
    let mut left = vec![PathBuf::new()];
    let from = corpus().join(name).join("project");
    while let Some(folder) = left.pop() {
        fs::create_dir_all(stack.folder().join(&folder)).unwrap();
        for entry in fs::read_dir(from.join(&folder)).unwrap() {
            let entry = entry.unwrap();
            let path = folder.join(entry.file_name());
            if entry.file_type().unwrap().is_dir() {
                left.push(path);
            } else {
                fs::copy(entry.path(), stack.folder().join(path)).unwrap();
            }
        }
    }
    for (kind, first, second) in &expected.made {
        let place = stack.folder().join(first);
        match kind.as_str() {
            "rename" => fs::rename(place, stack.folder().join(second)).unwrap(),
            "link" => std::os::unix::fs::symlink(second, place).unwrap(),
            _ => {
                let tool = "from strands import tool\n\n\n@tool\ndef generated(a): ...\n\n\n";
                let size: usize = second.parse().unwrap();
                fs::write(place, tool.repeat(size.div_ceil(tool.len()))).unwrap();
            }
        }
    }
    stack
}

fn parsed(text: &str) -> Value {
    json::parse(text.as_bytes()).unwrap_or_else(|_| panic!("{text}"))
}

fn list<'v>(value: &'v Value, key: &str) -> &'v [Value] {
    at(value, &[key]).as_list().unwrap()
}

/// Compares what was found with what is expected.
fn compare(name: &str, found: &Value, expected: &Expected) {
    let framework = |value: &Value| format!("{} {}", text(value, &["profile"]), text(value, &["manifest"]));
    let frameworks: Vec<String> = list(found, "frameworks").iter().map(framework).collect();
    if expected.framework == "none" {
        assert!(frameworks.is_empty(), "{name}: {frameworks:?}");
    } else {
        assert_eq!(framework(at(found, &["framework"])), expected.framework, "{name}");
        let beside: Vec<&String> = frameworks.iter().filter(|it| **it != expected.framework).collect();
        assert_eq!(beside, expected.beside.iter().collect::<Vec<_>>(), "{name}");
    }
    let tool = |tool: &Value| {
        let parameters: Vec<&str> = list(tool, "parameters").iter().filter_map(Value::as_str).collect();
        format!("{} {}({})", text(tool, &["file"]), text(tool, &["name"]), parameters.join(", "))
    };
    let mut tools: Vec<String> = list(found, "tools").iter().map(tool).collect();
    tools.sort();
    assert_eq!(tools, expected.tools, "{name}");
    let mut warnings: Vec<&str> = list(found, "warnings").iter().filter_map(Value::as_str).collect();
    warnings.sort_unstable();
    assert_eq!(warnings, expected.warnings, "{name}");
}

/// What is said not to be found stands in the project all the same.
fn absent(name: &str, found: &Value, stack: &Stack, expected: &Expected) {
    for (file, decoy) in &expected.absent {
        let bytes = fs::read(stack.folder().join(file)).unwrap_or_else(|_| panic!("{name}: {file}"));
        let shown = decoy.trim_end_matches('*');
        assert!(
            String::from_utf8_lossy(&bytes).contains(shown) || decoy.contains('_'),
            "{name}: {file} {decoy}"
        );
        let tools = list(found, "tools");
        assert!(tools.iter().all(|tool| text(tool, &["name"]) != decoy), "{name}: {decoy}");
    }
}

/// The written policy is good, permits nothing, and each tool is deferred by the rule that names it.
fn decides(name: &str, stack: &Stack, found: &Value, spelling: &str) {
    let file = format!("governance.{spelling}");
    let checked = stack.run(&["check", "--strict"]);
    assert_eq!(checked.exit, 0, "{name} {spelling}: {}{}", checked.stdout, checked.stderr);
    assert_eq!(stack.run(&["fmt", "--check"]).exit, 0, "{name} {spelling}");
    let proved = stack.run(&["check", "--prove", "no permit *"]);
    assert_eq!(proved.exit, 0, "{name} {spelling}: {}{}", proved.stdout, proved.stderr);
    let names: Vec<&str> = list(found, "tools")
        .iter()
        .map(|tool| text(tool, &["name"]))
        .filter(|name| !name.contains('*'))
        .collect();
    let policy = fs::read_to_string(stack.folder().join(&file)).unwrap();
    let lines: Vec<usize> = (1..)
        .zip(policy.lines())
        .filter(|(_, line)| line.trim_start().starts_with("defer "))
        .map(|(number, _)| number)
        .collect();
    if spelling == "fms" && !names.is_empty() {
        assert_eq!(lines.len(), names.len(), "{name}: {policy}");
    }
    let case = |(place, tool): (usize, &&str)| {
        let tool = String::from_utf8(json::canonical(&Value::from(*tool))).unwrap();
        let rule = match lines.get(place) {
            Some(line) if spelling == "fms" => format!(r#", "rule_ref": "{file}:{line}""#),
            _ => String::new(),
        };
        format!(r#"{{"name": {tool}, "tool": {tool}, "args": {{}}, "expect": {{"effect": "DEFER"{rule}}}}}"#)
    };
    let cases: Vec<String> = names.iter().enumerate().map(case).collect();
    stack.write(
        "tests/init.fmtest.json",
        &format!(r#"{{"fixture": "init", "agent_id": "agent", "cases": [{}]}}"#, cases.join(",\n")),
    );
    if !names.is_empty() {
        let tested = stack.run(&["test", "--coverage"]);
        assert_eq!(tested.exit, 0, "{name} {spelling}: {}{}\n{policy}", tested.stdout, tested.stderr);
    }
}

#[test]
fn every_framework_has_projects() {
    let mut counts: BTreeMap<(String, String), usize> = BTreeMap::new();
    for (name, expected) in projects() {
        let language = name.split('-').next().unwrap_or_default().to_owned();
        let framework = expected.framework.split(' ').next().unwrap_or_default().to_owned();
        *counts.entry((language, framework)).or_default() += 1;
    }
    for (language, framework) in FRAMEWORKS {
        let count =
            counts.get(&((*language).to_owned(), (*framework).to_owned())).copied().unwrap_or_default();
        assert!(count >= 2, "{language} {framework}: {count}");
    }
}

#[test]
fn the_tools_of_real_looking_projects_are_found() {
    let failed: Vec<String> = projects()
        .into_iter()
        .filter(|(name, expected)| catch_unwind(AssertUnwindSafe(|| first_policy(name, expected))).is_err())
        .map(|(name, _)| name)
        .collect();
    assert_eq!(failed, Vec::<String>::new());
}

fn first_policy(name: &str, expected: &Expected) {
    let stack = copied(name, expected);
    let run = stack.run(&INIT);
    assert_eq!(run.exit, 0, "{name}: {}{}", run.stdout, run.stderr);
    let found = parsed(&run.stdout);
    compare(name, &found, expected);
    absent(name, &found, &stack, expected);
    decides(name, &stack, &found, "fms");
    let policy = fs::read_to_string(stack.folder().join("governance.fms")).unwrap();
    // Nothing is overwritten, in any spelling.
    for other in [&[][..], &["--yaml"], &["--json"]] {
        let again = stack.run(&[&INIT[..], other].concat());
        assert_eq!(again.exit, 1, "{name}: {}{}", again.stdout, again.stderr);
        assert!(again.stderr.contains("exists already"), "{name}: {}", again.stderr);
    }
    let planned = stack.run(&["plan"]).stdout;
    assert_eq!(fs::read_to_string(stack.folder().join("governance.fms")).unwrap(), policy, "{name}");
    fs::remove_file(stack.folder().join("governance.fms")).unwrap();
    for spelling in ["yaml", "json"] {
        let run = stack.run(&[&INIT[..], &[&format!("--{spelling}")]].concat());
        assert_eq!(run.exit, 0, "{name}: {}{}", run.stdout, run.stderr);
        let file = format!("fms.{spelling}");
        decides(name, &stack, &parsed(&run.stdout), &file);
        assert_eq!(stack.run(&["plan"]).stdout, planned, "{name} {spelling}");
        fs::remove_file(stack.folder().join(format!("governance.{file}"))).unwrap();
    }
    // The same project gives the same policy, to the letter.
    assert_eq!(stack.run(&INIT).exit, 0);
    assert_eq!(fs::read_to_string(stack.folder().join("governance.fms")).unwrap(), policy, "{name}");
}
