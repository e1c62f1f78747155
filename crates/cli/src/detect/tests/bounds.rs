//! What is left out of a project, the bounds of the walk, and projects with a fault.

use std::fs;
use std::path::PathBuf;

use super::super::walk::Limits;
use super::super::*;
use super::tools;

/// A folder that is removed when the test is over.
struct Folder(PathBuf);

impl Folder {
    fn new(name: &str, files: &[(&str, &str)]) -> Self {
        let folder = std::env::temp_dir().join(format!("faramesh-detect-{}-{name}", std::process::id()));
        let _ = fs::remove_dir_all(&folder);
        fs::create_dir_all(&folder).unwrap();
        for (path, text) in files {
            let path = folder.join(path);
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            fs::write(path, text).unwrap();
        }
        Self(folder)
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.0);
    }
}

const TOOL: &str = "from strands import tool\n@tool\ndef NAME(a): ...\n";

fn tool(name: &str) -> String {
    TOOL.replace("NAME", name)
}

#[test]
fn installed_hidden_and_test_code_is_left_out() {
    let shown = tool("shown");
    let hidden = tool("hidden");
    let folder = Folder::new(
        "left-out",
        &[
            ("app.py", &shown),
            ("tests/app.py", &hidden),
            ("test_app.py", &hidden),
            ("conftest.py", &hidden),
            (".hidden/app.py", &hidden),
            (".venv/lib/app.py", &hidden),
            ("my-env/pyvenv.cfg", ""),
            ("my-env/lib/app.py", &hidden),
            ("lib/site-packages/app.py", &hidden),
            ("node_modules/a/index.ts", "import { tool } from 'ai'; tool({ name: 'hidden' });"),
            ("app.test.ts", "import { tool } from 'ai'; tool({ name: 'hidden' });"),
            ("notes.txt", &hidden),
        ],
    );
    #[cfg(unix)]
    std::os::unix::fs::symlink(folder.0.join("tests"), folder.0.join("linked")).unwrap();
    let project = detect(&folder.0).unwrap();
    assert_eq!(tools(&project), ["app.py:3 shown(a)"]);
    assert_eq!(project.warnings, Vec::<String>::new());
}

#[test]
fn each_bound_that_is_hit_is_named() {
    let deep = tool("deep");
    let long = format!("{}# {}\n", tool("long"), "x".repeat(300));
    let (first, second) = (tool("first"), tool("second"));
    let folder =
        Folder::new("bounds", &[("a.py", &first), ("b.py", &second), ("l.py", &long), ("x/y/z.py", &deep)]);
    let found = |limits: Limits| {
        let project = detect_within(&folder.0, &limits).unwrap();
        let names: Vec<String> = project.tools.iter().map(|tool| tool.name.clone()).collect();
        (names.join(" "), project.warnings.join("; "))
    };
    let limits = Limits::DEFAULT;
    assert_eq!(found(limits), ("first second long deep".to_owned(), String::new()));
    let (names, warning) = found(Limits { files: 2, ..limits });
    assert_eq!(
        (names.as_str(), warning.as_str()),
        ("first second", "only 2 files were read; the project has more")
    );
    let (names, warning) = found(Limits { file_bytes: 300, ..limits });
    assert_eq!(
        (names.as_str(), warning.as_str()),
        ("first second deep", "`l.py` has more than 300 bytes and was left out")
    );
    let (names, warning) = found(Limits { depth: 1, ..limits });
    assert_eq!(
        (names.as_str(), warning.as_str()),
        ("first second long", "folders more than 1 deep were left out")
    );
    let (_, warning) = found(Limits { entries: 3, ..limits });
    assert_eq!(warning, "the project has more than 3 names; the rest was left out");
}

#[test]
fn what_parses_is_kept_and_names_are_merged() {
    let broken = format!("{}\ndef broken(:\n", tool("kept"));
    let again = "from strands import tool\n@tool\ndef kept(other):\n    'Described here.'\n";
    let folder = Folder::new("broken", &[("a.py", &broken), ("b.py", again), ("package.json", "{")]);
    let project = detect(&folder.0).unwrap();
    assert_eq!(tools(&project), ["a.py:3 kept(a)"]);
    assert_eq!(project.tools[0].description.as_deref(), Some("Described here."));
    assert_eq!(project.warnings.len(), 2, "{:?}", project.warnings);
    assert!(project.warnings[0].starts_with("cannot read `package.json`"));
    assert_eq!(project.warnings[1], "`a.py` does not parse fully; its tools may be incomplete");
}

#[test]
fn an_empty_folder_is_nothing_and_a_missing_one_an_error() {
    let folder = Folder::new("empty", &[]);
    let project = detect(&folder.0).unwrap();
    assert_eq!((project.language, project.frameworks.len(), project.tools.len()), (Language::Unknown, 0, 0));
    let missing = folder.0.join("missing");
    assert!(matches!(detect(&missing), Err(DetectError::NotAFolder(path)) if path == missing));
}

#[test]
fn two_frameworks_are_a_choice() {
    let folder = Folder::new("choice", &[("requirements.txt", "crewai\nlanggraph\nanthropic\nmcp\n")]);
    let project = detect(&folder.0).unwrap();
    let choices: Vec<&str> = project.choices().iter().map(|found| found.framework.profile()).collect();
    assert_eq!(choices, ["langgraph", "crewai"]);
    assert_eq!(project.frameworks.len(), 4);
}
