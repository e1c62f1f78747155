//! Conditions: every operator, method and builtin, mostly on values of a fitting type.

use faramesh_syntax::quote;

use super::choices::Choices;
use super::pools::{ADDRESSES, DOMAINS, FOLDERS, NUMBERS, PATHS, REGEXES, TEXTS, TOOLS};

const NUMBER_READS: &[&str] = &[
    "amount",
    "count",
    "card.number",
    "stripe.amount",
    "items[0]",
    "args.count",
    "user[\"age\"]",
    "note.length",
    "items.length",
    "port",
    "time.hour",
    "query.page",
    "vars.limit",
    "stripe.refund.amount",
];
const TEXT_READS: &[&str] = &[
    "note",
    "kind",
    "owner",
    "card.brand",
    "s3.bucket",
    "card[\"odd key\"]",
    "principal.role",
    "tags.team",
    "query.page",
    "headers[\"X-Team\"]",
    "headers[\"x-env\"]",
    "kind.lower",
    "tool",
    "agent",
    "model",
    "session",
    "session.id",
    "method",
    "host",
    "items[1].name",
    "card[\"length\"]",
    "note.lower",
    "owner.lower.lower",
    "team",
    "web.note",
];
const ADDRESS_READS: &[&str] = &["to", "email.to", "cc", "args.to", "to.domain", "mail.to", "to.lower"];
const PATH_READS: &[&str] = &["path", "args.path", "target", "path.lower", "files.path"];
const BOOL_READS: &[&str] = &["flag", "card.valid", "args.flag", "enabled", "tags.urgent"];
const LIST_READS: &[&str] = &["items", "recipients", "args.items", "card.codes", "tags.groups"];
const PRESENT: &[&str] = &[
    "amount",
    "card.number",
    "s3.bucket",
    "stripe.amount",
    "items[0]",
    "items[1].name",
    "path",
    "host",
    "query.page",
    "headers[\"x-team\"]",
    "principal.role",
    "session",
    "model",
    "tags.team",
    "args.note",
    "args",
    "tags",
    "principal",
    "card[\"odd key\"]",
    "stripe.refund.amount",
    "note.text",
];

/// A condition of at most so many levels.
pub fn condition(choices: &mut Choices<'_>, depth: usize) -> String {
    let shape = if depth == 0 { 5 } else { choices.below(9) };
    let (and, or, not) = if choices.percent(30) { ("&&", "||", "!") } else { ("and", "or", "not ") };
    match shape {
        0 | 1 => {
            format!("({} {and} {})", condition(choices, depth - 1), condition(choices, depth - 1))
        }
        2 => format!("({} {or} {})", condition(choices, depth - 1), condition(choices, depth - 1)),
        3 => format!("{not}({})", condition(choices, depth - 1)),
        _ => leaf(choices),
    }
}

fn leaf(choices: &mut Choices<'_>) -> String {
    match choices.below(25) {
        0..4 => compare_numbers(choices),
        4 | 5 => compare_texts(choices),
        6 | 7 => addresses(choices),
        8 | 9 => paths(choices),
        10 => among(choices),
        11 | 12 => among_reads(choices),
        13 => format!("{} in {}", scalar(choices), choices.pick(LIST_READS)),
        14 => format!("{} not in {}", any_read(choices), list(choices)),
        15 => format!("{} contains {}", text_read(choices), quote(choices.pick(TEXTS))),
        16 | 17 => format!("{} contains {}", choices.pick(LIST_READS), scalar(choices)),
        18 => format!("{} matches {}", text_read(choices), quote(choices.pick(REGEXES))),
        19 => affix(choices),
        20 => format!("has({})", choices.pick(PRESENT)),
        21 => choices.pick(BOOL_READS).to_owned(),
        22 => times(choices),
        23 => odd(choices),
        _ => builtins(choices),
    }
}

fn compare_numbers(choices: &mut Choices<'_>) -> String {
    let op = choices.pick(&["<", "<=", ">", ">=", "<", "<=", ">", ">=", "==", "!="]);
    let read = choices.pick(NUMBER_READS);
    let constant = if read == "time.hour" { choices.below(24).to_string() } else { number(choices) };
    match choices.below(8) {
        0 => format!("{constant} {op} {read}"),
        1 => format!("{read} {op} {}", choices.pick(NUMBER_READS)),
        _ => format!("{read} {op} {constant}"),
    }
}

fn compare_texts(choices: &mut Choices<'_>) -> String {
    let op = choices.pick(&["==", "==", "==", "!=", "<", ">="]);
    let read = choices.pick(TEXT_READS);
    match choices.below(6) {
        0 => format!("{} {op} {read}", quote(choices.pick(TEXTS))),
        1 => format!("{read} {op} {}", choices.pick(TEXT_READS)),
        _ => format!("{read} {op} {}", quote(choices.pick(TEXTS))),
    }
}

fn addresses(choices: &mut Choices<'_>) -> String {
    let read = choices.pick(ADDRESS_READS);
    match choices.below(7) {
        0 => format!("{read} != {}", quote(choices.pick(DOMAINS))),
        1 => format!("{} == {read}", quote(choices.pick(DOMAINS))),
        2 => format!("{read} in [{}, {}]", quote(choices.pick(DOMAINS)), quote(choices.pick(ADDRESSES))),
        3 => format!("{} in recipients", quote(choices.pick(DOMAINS))),
        4 => format!("recipients contains {}", quote(choices.pick(DOMAINS))),
        5 => format!("{read}.domain == {}", quote(choices.pick(DOMAINS))),
        _ => format!("{read} == {}", quote(choices.pick(DOMAINS))),
    }
}

fn paths(choices: &mut Choices<'_>) -> String {
    let read = choices.pick(PATH_READS);
    match choices.below(7) {
        0 | 1 => format!("within({read}, {})", quote(choices.pick(FOLDERS))),
        2 | 3 => format!("{read}.starts_with({})", quote(choices.pick(FOLDERS))),
        4 => format!("{read} in [{}, {}]", quote(choices.pick(PATHS)), quote(choices.pick(FOLDERS))),
        5 => format!("{read} == {}", quote(choices.pick(PATHS))),
        _ => format!("within({read}, {})", choices.pick(&["target", "note", "owner"])),
    }
}

fn among(choices: &mut Choices<'_>) -> String {
    let read = any_read(choices);
    let word = choices.pick(&["in", "in", "not in"]);
    if choices.percent(20) {
        return format!("{} contains {read}", list(choices));
    }
    format!("{read} {word} {}", list(choices))
}

/// A list of which an element is read from the call.
fn among_reads(choices: &mut Choices<'_>) -> String {
    let mut elements = vec![any_read(choices)];
    for _ in 0..choices.below(3) {
        elements.push(if choices.percent(50) { scalar(choices) } else { any_read(choices) });
    }
    if choices.percent(50) {
        elements.reverse();
    }
    let item = if choices.percent(80) { any_read(choices) } else { scalar(choices) };
    let word = choices.pick(&["in", "in", "not in"]);
    format!("{item} {word} [{}]", elements.join(", "))
}

fn affix(choices: &mut Choices<'_>) -> String {
    let method = choices.pick(&["starts_with", "ends_with", "ends_with"]);
    let argument = if choices.percent(80) { quote(choices.pick(TEXTS)) } else { text_read(choices) };
    format!("{}.{method}({argument})", text_read(choices))
}

fn times(choices: &mut Choices<'_>) -> String {
    match choices.below(4) {
        0 => format!("time.hour >= {}", choices.below(24)),
        1 => format!("time.weekday in [\"{}\", \"sun\"]", choices.pick(&["mon", "tue", "fri", "sat"])),
        2 => format!("time.weekday == \"{}\"", choices.pick(&["mon", "tue", "wed", "thu"])),
        _ => format!("time.now < \"{}\"", choices.pick(&["2026-07-01T00:00:00.000Z", "2027"])),
    }
}

fn builtins(choices: &mut Choices<'_>) -> String {
    match choices.below(6) {
        0 => format!("tool == {}", quote(choices.pick(TOOLS))),
        1 => format!("agent == \"{}\"", choices.pick(&["first", "second", "anonymous"])),
        2 => format!("action != \"{}\"", choices.pick(&["tool_call", "spawn", "model_call"])),
        3 => "model.starts_with(\"gpt\")".to_owned(),
        4 => format!("method in [\"GET\", \"{}\"]", choices.pick(&["POST", "get"])),
        _ => format!("port in [443, {}]", choices.pick(&["80", "8080"])),
    }
}

/// What authors rarely write and may.
fn odd(choices: &mut Choices<'_>) -> String {
    match choices.below(9) {
        0 => format!("{} == null", any_read(choices)),
        1 => format!("{} in [null]", any_read(choices)),
        2 => format!("{} == {}", any_read(choices), any_read(choices)),
        3 => format!("{} in []", any_read(choices)),
        4 => choices.pick(&["true", "false"]).to_owned(),
        5 => format!("{} == true", any_read(choices)),
        6 => format!("{} in [{}]", quote(choices.pick(PATHS)), choices.pick(&["path", "path, target"])),
        7 => format!("{} in [{}, null]", any_read(choices), scalar(choices)),
        _ => format!("{} != {}", choices.pick(LIST_READS), choices.pick(LIST_READS)),
    }
}

fn number(choices: &mut Choices<'_>) -> String {
    match choices.below(12) {
        0 => "$500".to_owned(),
        1 => "10kb".to_owned(),
        2 => "limit".to_owned(),
        _ => choices.pick(NUMBERS).to_owned(),
    }
}

fn text_read(choices: &mut Choices<'_>) -> String {
    let pool = choices.weighted(&[(2, TEXT_READS), (1, ADDRESS_READS), (1, PATH_READS)]);
    choices.pick(pool).to_owned()
}

fn any_read(choices: &mut Choices<'_>) -> String {
    let pools = [
        (3, TEXT_READS),
        (3, NUMBER_READS),
        (2, ADDRESS_READS),
        (1, PATH_READS),
        (1, BOOL_READS),
        (1, LIST_READS),
    ];
    let pool = choices.weighted(&pools);
    choices.pick(pool).to_owned()
}

/// A literal or variable of one value.
pub fn scalar(choices: &mut Choices<'_>) -> String {
    match choices.below(12) {
        0..4 => quote(choices.pick(TEXTS)),
        4..7 => number(choices),
        7 => quote(choices.pick(ADDRESSES)),
        8 => quote(choices.pick(DOMAINS)),
        9 => quote(choices.pick(PATHS)),
        10 => choices.pick(&["true", "false", "null"]).to_owned(),
        _ => choices.pick(&["team", "env(\"TEAM\")", "env(\"UNSET\", \"eu\")", "vars.corp"]).to_owned(),
    }
}

fn list(choices: &mut Choices<'_>) -> String {
    match choices.below(6) {
        0 => "teams".to_owned(),
        1 => "vars.mixed".to_owned(),
        2 => {
            let numbers: Vec<&str> = (0..3).map(|_| choices.pick(NUMBERS)).collect();
            format!("[{}]", numbers.join(", "))
        }
        3 => {
            let long: Vec<String> =
                TEXTS.iter().take(10 + choices.below(10)).map(|text| quote(text)).collect();
            format!("[{}]", long.join(", "))
        }
        _ => {
            let count = 1 + choices.below(4);
            let items: Vec<String> = (0..count).map(|_| scalar(choices)).collect();
            format!("[{}]", items.join(", "))
        }
    }
}
