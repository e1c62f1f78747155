//! Everything that the language has is in the program: for each setting and each form that the definitions
//! list, two values make two programs. A construct that is added to the definitions and has no place in
//! the program fails here.

#![allow(clippy::unwrap_used, clippy::panic, reason = "a test")]

use faramesh_check::definitions::{AGENT, CLAUSES, Definition, FILE, FUNCTIONS, Kind, PACK, Shape};
use faramesh_check::{Options, PackFile, Resolver, Unenforced, Unresolved, check};
use faramesh_compile::compile;
use faramesh_program::{Sources, encode};

struct Catalog;

impl Resolver for Catalog {
    fn resolve(&self, path: &str) -> Result<PackFile, Unresolved> {
        let name = path.rsplit('/').next().unwrap().to_owned();
        let text = "agent \"p\" { var most = 5 permit packed if amount < most }".to_owned();
        Ok(PackFile { name, text })
    }
}

fn bytes(source: &str) -> Vec<u8> {
    // What is shared says where.
    let shared = source.contains("fleet") && !source.contains("budget_backend");
    let backend = if shared { "runtime { budget_backend = \"redis://b\" } " } else { "" };
    let source = &format!("{backend}{source}");
    let environment = |_: &str| None;
    let options = Options {
        dev: true,
        unenforced: Unenforced::Carry,
        packs: &Catalog,
        ..Options::new("governance.fms", &environment)
    };
    let checked = check(source, &options);
    let stack = checked.stack.unwrap_or_else(|| panic!("{source}\n{:#?}", checked.diagnostics));
    let (image, _) = compile(&stack).unwrap();
    encode(&image, &Sources::default()).unwrap()
}

/// Two values of a kind. Keys whose values must fit something else in the file are named.
fn values(block: &str, key: &str, kind: Kind) -> (String, String) {
    let two = |first: &str, second: &str| (first.to_owned(), second.to_owned());
    match (block, key) {
        ("runtime", "backend") => return two("\"sqlite\"", "\"postgres\" postgres_url = \"postgres://d/x\""),
        ("runtime", "postgres_url" | "wal_backend") => {
            return two("\"postgres://d/x\"", "\"postgres://d/y\"");
        }
        ("runtime", "budget_backend") => return two("\"redis://a\"", "\"redis://b\""),
        ("runtime", "tls_cert_file") => {
            return two("\"a\" tls_key_file = \"k\"", "\"b\" tls_key_file = \"k\"");
        }
        ("runtime", "tls_key_file") => {
            return two("\"a\" tls_cert_file = \"c\"", "\"b\" tls_cert_file = \"c\"");
        }
        ("runtime", "signing_required") => return two("false", "true"),
        ("identity", "type") => return two("\"aws-workload\"", "\"gcp-workload\""),
        ("attest", "token") => {
            let (one, two) = ("1".repeat(64), "2".repeat(64));
            return (format!("\"sha256:{one}\""), format!("[\"sha256:{one}\", \"sha256:{two}\"]"));
        }
        ("attest", "exe") => return two("\"/bin/a\"", "\"/bin/b\""),
        ("trust", "keys") => {
            let key = "ed25519:nxNjaQnS3L+zzKrRq48XfYBDWlFXkNJkxUiTD8j0sFs=";
            return (format!("[\"a/b {key}\"]"), format!("[\"a/c {key}\"]"));
        }
        ("phase", "next") => return two("enforce duration = 1h", "\"other\" duration = 1h"),
        ("credential", "max_scope") => return two("[\"a\"]", "[\"b\"]"),
        ("selector", "timeout") => return two("3s", "4s"),
        ("ambient", "customer") => {
            return two("amount max_customers_per_day = 5", "args.total max_customers_per_day = 5");
        }
        ("budget", "id") => return two("\"first\"", "\"second\""),
        ("budget", "window") => return two("\"session\"", "\"monthly\""),
        _ => {}
    }
    match kind {
        Kind::Choice(words) | Kind::Choices(words) | Kind::DurationOr(words) => {
            (format!("\"{}\"", words.first().unwrap()), format!("\"{}\"", words.last().unwrap()))
        }
        Kind::Text | Kind::Texts | Kind::TextOrNumber | Kind::Any => two("\"one\"", "\"two\""),
        Kind::Secret => two("env(\"ONE\")", "env(\"TWO\")"),
        Kind::Bool => two("true", "false"),
        Kind::Number | Kind::Whole | Kind::Port | Kind::Money => two("3", "4"),
        Kind::Share => two("0.25", "0.5"),
        Kind::Duration => two("3h", "4h"),
        Kind::Size => two("1mb", "2mb"),
        Kind::Patterns | Kind::Scopes => two("[one]", "[two/*]"),
        Kind::Hosts | Kind::Network => two("[\"one.example.com\"]", "[\"10.0.0.0/8\"]"),
        Kind::Targets => two("\"slack://#one\"", "\"slack://#two\""),
        Kind::Url => two("\"https://one\"", "\"https://two\""),
        Kind::Listener => two("\"127.0.0.1:1\"", "\"127.0.0.1:2\""),
        Kind::Zone => two("\"Europe/Berlin\"", "\"Asia/Tokyo\""),
        Kind::AgentName | Kind::AgentNames => two("\"one\"", "\"two\""),
        Kind::BudgetNames => two("[\"budget.one\"]", "[\"budget.two\"]"),
        Kind::ProviderName => two("\"one\"", "\"two\""),
        Kind::PhaseName => two("\"enforce\"", "\"other\""),
        Kind::Operand => two("amount", "args.total"),
    }
}

/// What a block needs beside the key at hand.
fn needed(block: &str, key: &str) -> &'static str {
    match (block, key) {
        ("budget", "max" | "usd" | "daily" | "max_calls") => "",
        ("budget", _) => "max_calls = 5",
        ("provider" | "identity", "type") => "",
        ("provider", _) => "type = \"t\"",
        ("identity", "trust_domain" | "socket") => "type = \"aws-workload\"",
        ("identity", _) => "type = \"gcp-workload\"",
        ("cloud", "url") => "",
        ("cloud", _) => "url = \"https://c\"",
        ("spawn", "allow" | "allowed_types") => "",
        ("spawn", _) => "allow = [\"one\"]",
        ("delegate", "to" | "target_agent") => "",
        ("delegate", _) => "to = \"one\"",
        ("selector", "source") => "",
        ("selector", _) => "source = \"https://s\"",
        ("alert", "on") => "notify = \"stderr://\"",
        ("alert", "notify") => "on = deny",
        ("alert", _) => "on = deny notify = \"stderr://\"",
        ("ambient", "on_exceed") => "max_calls_per_day = 5",
        ("attest", "uid") => "exe = \"/bin/a\"",
        ("attest", _) => "uid = 5",
        _ => "",
    }
}

fn stack(file: &str, agent: &str) -> String {
    format!(
        "{file}\nprovider \"one\" {{ type = \"t\" }} provider \"two\" {{ type = \"t\" }}\n\
         agent \"one\" {{ default deny }} agent \"two\" {{ default deny }}\n\
         agent \"whole\" {{ {agent} permit x budget one {{ max $1 }} budget two {{ max $1 }} phase other {{ permit y }} }}"
    )
}

fn differ(first: &str, second: &str) {
    assert!(bytes(first) != bytes(second), "this changes nothing:\n{first}\n{second}");
}

/// Every setting of a block, which `place` puts into a file.
fn settings(block: &str, members: &[Definition], place: &dyn Fn(&str) -> String) -> u32 {
    let mut seen = 0;
    for member in members {
        match member.shape {
            Shape::Setting { kind, .. } => {
                let (first, second) = values(block, member.keyword, kind);
                let key = member.keyword;
                let with = |value: &str| place(&format!("{} {key} = {value}", needed(block, key)));
                differ(&with(&first), &with(&second));
                seen += 1;
            }
            Shape::Block { members, .. } if member.keyword == "cloud" => {
                seen += settings("cloud", members, &|inside| place(&format!("cloud {{ {inside} }}")));
            }
            _ => {}
        }
    }
    seen
}

#[test]
fn every_setting_has_a_place_in_the_program() {
    let mut seen = 0;
    for definition in FILE {
        let Shape::Block { members, .. } = definition.shape else { continue };
        let word = definition.keyword;
        if matches!(word, "agent" | "pack") {
            continue;
        }
        seen += settings(word, members, &|inside| {
            let label = if matches!(word, "provider" | "identity") { "\"labelled\"" } else { "" };
            stack(&format!("{word} {label} {{ {inside} }}"), "default deny")
        });
    }
    for definition in AGENT {
        let word = definition.keyword;
        match definition.shape {
            Shape::Block { members, .. } => {
                let labelled = matches!(word, "budget" | "phase" | "credential" | "selector");
                let label = if labelled { "\"labelled\"" } else { "" };
                seen += settings(word, members, &|inside| {
                    // `id` is the name itself.
                    let label = if inside.contains(" id = ") { "" } else { label };
                    stack("", &format!("default deny {word} {label} {{ {inside} }}"))
                });
            }
            Shape::Setting { kind, .. } => {
                let (first, second) = values("agent", word, kind);
                differ(&stack("", &format!("{word} = {first}")), &stack("", &format!("{word} = {second}")));
                seen += 1;
            }
            Shape::Statement(_) => {}
        }
    }
    assert!(seen > 100, "{seen}");
}

/// Two of each form that is neither a setting nor a block; those of a file, of agents, and inside blocks.
const FORMS: &[(&str, &str, &str)] = &[
    ("file", "import", "import \"x/policies/one@1.0.0\""),
    ("file", "import", "import \"x/policies/one@1.0.1\""),
    ("file", "manifest", "manifest grant one to two"),
    ("file", "manifest", "manifest grant one to two max 3"),
    ("file", "manifest", "manifest grant one to two max 3 approval"),
    ("file", "manifest", "manifest orchestrator one"),
    ("file", "manifest", "manifest orchestrator one undeclared defer"),
    ("file", "key", "trust { key \"a/b\" ed25519:nxNjaQnS3L+zzKrRq48XfYBDWlFXkNJkxUiTD8j0sFs= }"),
    ("file", "key", "trust { key \"a/b\" ed25519:AxNjaQnS3L+zzKrRq48XfYBDWlFXkNJkxUiTD8j0sFs= }"),
    ("agent", "var", "var limit = 5 permit v if amount < limit"),
    ("agent", "var", "var limit = 6 permit v if amount < limit"),
    ("agent", "use", "use one"),
    ("agent", "use", "use one { most = 6 }"),
    ("agent", "rules", "rules { permit r }"),
    ("agent", "rules", "rules { permit r reason \"x\" }"),
    ("agent", "rate_limit", "rate_limit r: 1 per day"),
    ("agent", "rate_limit", "rate_limit r: 1 per day burst 2"),
    ("agent", "rate_limit", "rate_limit r: 1 per day scope = fleet"),
    ("agent", "redact", "redact r args: [\"a\"]"),
    ("agent", "redact", "redact r args: [\"a\"] seal"),
    ("agent", "require", "completion_gate { require no_pending_approvals }"),
    ("agent", "require", "completion_gate { require budget_under_limit }"),
    ("agent", "require", "completion_gate { require no_uncommitted_writes }"),
    ("agent", "require", "completion_gate { require called a }"),
    ("agent", "require", "completion_gate { require called b }"),
    ("agent", "reason", "defer r reason \"x\""),
    ("agent", "notify", "defer r notify \"#x\""),
    ("agent", "host", "defer r host \"x\""),
    ("agent", "port", "defer r port 80"),
    ("agent", "method", "defer r method GET"),
    ("agent", "path", "defer r path \"/x\""),
    ("agent", "query", "defer r query x=\"1\""),
    ("agent", "header", "defer r header x=\"1\""),
    ("agent", "explain", "defer r explain false"),
    ("agent", "reeval", "defer r reeval true"),
    ("agent", "approvals_required", "defer r approvals_required 2"),
    ("agent", "has", "permit f if has(a)"),
    ("agent", "within", "permit f if within(path, \"./a\")"),
    ("agent", "purpose", "permit f if purpose(\"a\")"),
    ("agent", "session.calls", "permit f if session.calls < 5"),
    ("agent", "session.cost", "permit f if session.cost < 5"),
    ("agent", "session.sum", "permit f if session.sum(a.b) < 5"),
    ("agent", "session.sum", "permit f if session.sum(a.b, window=1h) < 5"),
    ("agent", "session.count", "permit f if session.count(a) < 5"),
    ("agent", "session.count", "permit f if session.count(a, window=1h) < 5"),
    ("agent", "history.contains", "permit f if history.contains(a)"),
    ("agent", "history.contains", "permit f if history.contains(a, within=1h)"),
    ("agent", "selector", "selector s { source \"https://x\" } permit f if s == 5"),
    ("agent", "selector", "selector s { source \"https://x\" } permit f if s.level == 5"),
];

#[test]
fn every_form_has_a_place_in_the_program() {
    let whole = |(place, _, text): &(&str, &str, &str)| match *place {
        "file" => stack(text, "default deny"),
        _ => stack("import \"x/policies/one@1.0.0\"", &format!("default deny {text}")),
    };
    let programs: Vec<Vec<u8>> = FORMS.iter().map(|form| bytes(&whole(form))).collect();
    for (index, program) in programs.iter().enumerate() {
        let same = programs.iter().take(index).position(|other| other == program);
        assert!(
            same.is_none(),
            "{:?} is the same as {:?}",
            FORMS.get(index),
            same.and_then(|at| FORMS.get(at))
        );
    }
    let statements = |members: &[Definition]| {
        let found = members.iter().filter(|member| matches!(member.shape, Shape::Statement(_)));
        found.map(|member| member.keyword).collect::<Vec<_>>()
    };
    let inner = FILE.iter().chain(AGENT).filter_map(|definition| match definition.shape {
        Shape::Block { members, .. } => Some(statements(members)),
        _ => None,
    });
    let words = CLAUSES.iter().chain(FUNCTIONS).map(|word| word.name);
    let known = statements(FILE).into_iter().chain(statements(AGENT)).chain(inner.flatten()).chain(words);
    for keyword in known {
        assert!(FORMS.iter().any(|(_, known, _)| *known == keyword), "`{keyword}` has no example here");
    }
    assert!(PACK.iter().all(|member| !member.summary.is_empty()));
}
