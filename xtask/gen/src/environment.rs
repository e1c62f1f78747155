//! The table of environment variables. A test looks for names in the code that the table lacks.

use crate::page::{Page, cell};

/// A variable, who reads it, and what it does.
struct Variable {
    name: &'static str,
    reader: &'static str,
    default: &'static str,
    meaning: &'static str,
}

const COMMAND: &str = "the `faramesh` command";
const DAEMON: &str = "the daemon";
const SDK: &str = "the SDKs";
const TESTS: &str = "the tests";

const VARIABLES: &[Variable] = &[
    Variable {
        name: "FARAMESH_SOCKET",
        reader: "the `faramesh` command and the SDKs",
        default: "the stack's socket, else `~/.faramesh/runtime/faramesh.sock`",
        meaning: "the socket of the daemon; `apply` and `dev` write it to `.faramesh/runtime/agent.env`",
    },
    Variable {
        name: "FARAMESH_CATALOG",
        reader: COMMAND,
        default: "none",
        meaning: "a folder of packs that imports are looked for in after `.faramesh/catalog` of the stack",
    },
    Variable {
        name: "FARAMESH_ARCHIVE",
        reader: DAEMON,
        default: "`archive` in the ledger's folder",
        meaning: "where the bodies of old records go: a folder, or `s3://bucket/prefix` with the account in `AWS_…`",
    },
    Variable {
        name: "FARAMESH_URL",
        reader: SDK,
        default: "none",
        meaning: "the HTTP door of a daemon elsewhere, when there is no `FARAMESH_SOCKET`",
    },
    Variable {
        name: "FARAMESH_TOKEN",
        reader: SDK,
        default: "none",
        meaning: "the bearer token for the door that `FARAMESH_URL` names, and for no other",
    },
    Variable {
        name: "FARAMESH_AGENT_ID",
        reader: SDK,
        default: "none",
        meaning: "which agent this process is, when the code does not say",
    },
    Variable {
        name: "FARAMESH_SESSION_ID",
        reader: SDK,
        default: "none",
        meaning: "the id of the session, when the code does not say",
    },
    Variable {
        name: "FARAMESH_TIMEOUT_MS",
        reader: SDK,
        default: "5000",
        meaning: "how long one request may take, in milliseconds",
    },
    Variable {
        name: "FARAMESH_AUTOLOAD",
        reader: SDK,
        default: "none",
        meaning: "`1` governs the tools of the agent frameworks that the process imports, and says what it patched; \
                  `strict` makes the import of one that cannot be patched fail",
    },
    Variable {
        name: "NO_COLOR",
        reader: COMMAND,
        default: "none",
        meaning: "set to anything, the output has no colours; so does `--no-color`",
    },
    Variable {
        name: "HOME",
        reader: COMMAND,
        default: "none",
        meaning: "sockets are in `~/.faramesh/runtime` unless the policy names one",
    },
    Variable {
        name: "FARAMESH_SOAK",
        reader: TESTS,
        default: "none",
        meaning: "set to anything, the long form of the reliability tests runs",
    },
    Variable {
        name: "FARAMESH_ORACLE_SEED",
        reader: TESTS,
        default: "1",
        meaning: "the seed that the comparison of engine and oracle begins with, to repeat a disagreement",
    },
    Variable {
        name: "FARAMESH_ORACLE_PAIRS",
        reader: TESTS,
        default: "20000",
        meaning: "how many calls engine and oracle decide",
    },
    Variable {
        name: "FARAMESH_UPDATE",
        reader: TESTS,
        default: "none",
        meaning: "set to anything, the pinned messages of `crates/check` are rewritten",
    },
    Variable {
        name: "FARAMESH_MOTO",
        reader: TESTS,
        default: "`moto_server` on the path",
        meaning: "the S3-compatible server that archives are tried against; without one that test is skipped",
    },
    Variable {
        name: "FARAMESH_BIN",
        reader: TESTS,
        default: "the debug build",
        meaning: "the `faramesh` that the SDK's tests start",
    },
    Variable {
        name: "FARAMESH_CACHE",
        reader: TESTS,
        default: "`~/.cache/faramesh`",
        meaning: "where Python environments of the tests and of the demo are kept",
    },
    Variable {
        name: "FARAMESH_CHROMIUM",
        reader: TESTS,
        default: "`chromium` from the path",
        meaning: "the browser that the page which verifies bundles is tested in",
    },
    Variable {
        name: "FARAMESH_TEST_POSTGRES",
        reader: TESTS,
        default: "the newest in `/usr/lib/postgresql`",
        meaning: "the folder of the PostgreSQL server's programs that the ledger's tests start",
    },
];

/// The page.
pub fn page() -> Page {
    let mut page =
        Page::new("docs/reference/environment.md", "Environment variables", "`xtask/gen/src/environment.rs`");
    page.paragraph(
        "A policy reads other variables with `env(\"NAME\")`, once, when it is compiled. Nothing else in Faramesh \
         depends on the environment.",
    );
    for reader in [
        ("For those who use Faramesh", [COMMAND, SDK].as_slice()),
        ("For those who work on it", [TESTS].as_slice()),
    ] {
        let (title, readers) = reader;
        page.heading(2, title);
        let is_here = |variable: &&Variable| readers.iter().any(|reader| variable.reader.contains(reader));
        let rows: Vec<Vec<String>> = VARIABLES
            .iter()
            .filter(is_here)
            .map(|variable| {
                vec![
                    format!("`{}`", variable.name),
                    cell(variable.reader),
                    cell(variable.default),
                    cell(variable.meaning),
                ]
            })
            .collect();
        page.table(&["variable", "read by", "default", "meaning"], &rows);
    }
    page
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Names in examples of policies, and those by which tests tell their own children something.
    const FOREIGN: &[&str] = &[
        "FARAMESH_KILL_TEST_FOLDER",
        "FARAMESH_KMS_KEY_ARN",
        "FARAMESH_PG_URL",
        "FARAMESH_POSTGRES_KILL_TEST_URL",
        "FARAMESH_TEST_OF_A_VARIABLE_THAT_IS_NOT_SET",
        "FARAMESH_STACK_ID",
        "FARAMESH_STACK_KEY",
    ];

    #[test]
    #[allow(clippy::unwrap_used, reason = "a test that cannot go on must stop")]
    fn every_variable_that_code_reads_is_listed() {
        let mut folders = vec![];
        for folder in ["crates", "tiers", "sdk/python/src", "sdk/typescript/src"] {
            folders.push(crate::root().join(folder));
        }
        let mut found = 0;
        while let Some(folder) = folders.pop() {
            for entry in std::fs::read_dir(folder).unwrap() {
                let path = entry.unwrap().path();
                if path.is_dir() {
                    folders.push(path);
                } else if path.extension().is_some_and(|end| end == "rs" || end == "py" || end == "ts") {
                    let text = std::fs::read_to_string(&path).unwrap();
                    for part in text.split("\"FARAMESH_").skip(1) {
                        let end = part.find('"').unwrap_or(0);
                        let name = format!("FARAMESH_{}", part.get(..end).unwrap());
                        let is_name =
                            end > 0 && name.bytes().all(|byte| byte == b'_' || byte.is_ascii_uppercase());
                        if is_name && !FOREIGN.contains(&name.as_str()) {
                            found += 1;
                            let known = VARIABLES.iter().any(|variable| variable.name == name);
                            assert!(known, "{name} in {} is not in the table", path.display());
                        }
                    }
                }
            }
        }
        assert!(found > 5, "only {found} names");
    }
}
