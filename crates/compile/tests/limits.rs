//! Each limit of the language, from the text to the loaded program: what is just below it is accepted and
//! loads, what is just above gives the error that names it. The loader keeps the same limits by itself,
//! because it trusts no compiler.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a test that cannot go on must stop"
)]

use faramesh_check::{Options, Unenforced, check, codes};
use faramesh_compile::{compile, compile_to_bytes};
use faramesh_program::blocks::MAX_ITEMS;
use faramesh_program::image::{AgentImage, BlocksImage, Expression, Operand};
use faramesh_program::load::{MAX_DEPTH, MAX_REGEX_BYTES, MAX_REGEX_COMPILED_BYTES, MAX_RULES};
use faramesh_program::{Image, LoadError, Sources, encode, load};
use faramesh_syntax::{Code, limits};

/// The codes of the errors; none when the policy also compiles and loads.
fn errors(source: &str) -> Vec<Code> {
    let environment = |_: &str| None;
    let options = Options { dev: true, ..Options::new("p", &environment) };
    let checked = check(source, &options);
    if let Some(stack) = &checked.stack {
        load(&compile_to_bytes(stack).unwrap()).unwrap();
    }
    checked.diagnostics.iter().filter(|found| found.is_error()).map(|found| found.code).collect()
}

/// Accepts `below`, and refuses `above` with this error alone.
fn limit(code: Code, below: &str, above: &str) {
    assert_eq!(errors(below), [], "just below the limit of {code}");
    assert_eq!(errors(above), [code], "just above the limit of {code}");
}

fn condition(text: &str) -> String {
    format!("default deny\npermit a if {text}\n")
}

#[test]
fn nesting() {
    let depth = usize::try_from(limits::NESTING).unwrap();
    // Parentheses cost nothing once they are read.
    let parentheses = |depth: usize| condition(&format!("{}b{}", "(".repeat(depth), ")".repeat(depth)));
    limit(faramesh_syntax::codes::TOO_DEEP, &parentheses(depth - 3), &parentheses(depth + 1));
    let path = |members: usize| condition(&format!("has(b{})", ".c".repeat(members)));
    limit(faramesh_syntax::codes::TOO_DEEP, &path(depth), &path(depth + 1));
    // A condition also has a height, so that the clauses around it find room.
    let height = usize::try_from(faramesh_check::stack::MAX_HEIGHT).unwrap();
    let nots = |depth: usize| condition(&format!("{}b", "not ".repeat(depth)));
    limit(codes::TOO_DEEP.code, &nots(height - 2), &nots(height));
}

#[test]
fn strings() {
    let text = |bytes: usize| condition(&format!("b == \"{}\"", "x".repeat(bytes)));
    limit(
        faramesh_syntax::codes::STRING_TOO_LONG,
        &text(limits::STRING_BYTES),
        &text(limits::STRING_BYTES + 1),
    );
    // What counts is what an escape means, not how it is written.
    let escaped = |count: usize| condition(&format!("b == \"{}\"", "\\\\".repeat(count)));
    assert_eq!(errors(&escaped(limits::STRING_BYTES / 2)), []);
}

#[test]
fn lists() {
    let list = |elements: usize| {
        let numbers: Vec<String> = (0..elements).map(|number| number.to_string()).collect();
        condition(&format!("b in [{}]", numbers.join(", ")))
    };
    let most = limits::LIST_ELEMENTS;
    limit(faramesh_syntax::codes::LIST_TOO_LONG, &list(most), &list(most + 1));
}

#[test]
fn regular_expressions() {
    let regex = |regex: &str| condition(&format!("b matches \"{regex}\""));
    let long = |bytes: usize| regex(&"x".repeat(bytes));
    limit(codes::BAD_REGEX.code, &long(MAX_REGEX_BYTES), &long(MAX_REGEX_BYTES + 1));
    // The smallest repetition that is too large when compiled, and the one before it.
    let compiles = |count: usize| errors(&regex(&format!("^x{{{count}}}$"))).is_empty();
    let (mut below, mut above) = (1, MAX_REGEX_COMPILED_BYTES);
    assert!(compiles(below) && !compiles(above));
    while above - below > 1 {
        let middle = below.midpoint(above);
        if compiles(middle) { below = middle } else { above = middle }
    }
    // 256 KiB hold some thousand states; far from either bound the limit would not be this one.
    assert!((1_000..20_000).contains(&below), "{below}");
    limit(codes::BAD_REGEX.code, &regex(&format!("^x{{{below}}}$")), &regex(&format!("^x{{{above}}}$")));
}

#[test]
fn rules() {
    let rules = |count: usize| {
        let rules: String = (0..count).map(|number| format!("deny t{number}\n")).collect();
        format!("default deny\n{rules}")
    };
    assert_eq!(limits::RULES, MAX_RULES);
    limit(faramesh_syntax::codes::TOO_MANY_RULES, &rules(limits::RULES), &rules(limits::RULES + 1));
}

#[test]
fn source() {
    let source = |bytes: usize| {
        let rule = "default deny\npermit a\n";
        format!("{rule}{}", "#".repeat(bytes - rule.len()))
    };
    let most = limits::SOURCE_BYTES;
    limit(faramesh_syntax::codes::SOURCE_TOO_LARGE, &source(most), &source(most + 1));
}

fn loaded(image: &Image) -> Result<(), LoadError> {
    load(&encode(image, &Sources::default()).unwrap()).map(drop)
}

/// An agent with so many rules of this condition.
fn agent(rules: usize, condition: Option<u32>) -> AgentImage {
    let environment = |_: &str| None;
    let options = Options { dev: true, ..Options::new("p", &environment) };
    let stack = check("default deny\ndeny a\n", &options).stack.unwrap();
    let mut agent = compile(&stack).unwrap().0.agents.remove(0);
    let mut rule = agent.rules.remove(0);
    rule.condition = condition;
    agent.rules = vec![rule; rules];
    agent
}

#[test]
fn the_loader_keeps_the_limits_by_itself() {
    let rules = |count: usize| Image { agents: vec![agent(count, None)], ..Image::default() };
    assert!(loaded(&rules(MAX_RULES)).is_ok());
    assert!(matches!(loaded(&rules(MAX_RULES + 1)), Err(LoadError::Limit("number of rules"))));

    let regex = |regex: String| loaded(&Image { regexes: vec![regex], ..Image::default() });
    assert!(regex("x".repeat(MAX_REGEX_BYTES)).is_ok());
    assert!(matches!(regex("x".repeat(MAX_REGEX_BYTES + 1)), Err(LoadError::Limit(_))));
    assert!(matches!(regex("x{1000}{1000}".to_owned()), Err(LoadError::Regex(_))));

    let nots = |depth: u32| {
        let mut expressions = vec![Expression::Constant(true)];
        expressions.extend((0..depth - 1).map(Expression::Not));
        loaded(&Image { agents: vec![agent(1, Some(depth - 1))], expressions, ..Image::default() })
    };
    assert!(nots(MAX_DEPTH).is_ok());
    assert!(matches!(nots(MAX_DEPTH + 1), Err(LoadError::Limit("depth of a condition"))));
}

#[test]
fn the_loader_takes_no_reference_that_points_forwards_or_outside() {
    for image in [
        Image { expressions: vec![Expression::Not(0)], ..Image::default() },
        Image { expressions: vec![Expression::All(vec![1]), Expression::Constant(true)], ..Image::default() },
        Image { expressions: vec![Expression::Truth(0)], ..Image::default() },
        Image { expressions: vec![Expression::Has(0)], ..Image::default() },
        Image { operands: vec![Operand::Lower(0)], ..Image::default() },
        Image { operands: vec![Operand::Path(0)], ..Image::default() },
        Image { operands: vec![Operand::Constant(0)], ..Image::default() },
        Image { agents: vec![agent(1, Some(0))], ..Image::default() },
    ] {
        assert!(matches!(loaded(&image), Err(LoadError::Damaged(_))), "{image:?}");
    }
}

/// An image whose one agent carries the blocks of `source`, changed by hand.
fn carried(source: &str, change: impl FnOnce(&mut BlocksImage)) -> Image {
    let environment = |_: &str| None;
    let options = Options { dev: true, unenforced: Unenforced::Carry, ..Options::new("p", &environment) };
    let checked = check(&format!("agent \"a\" {{ default deny deny a {source} }}"), &options);
    let stack = checked.stack.unwrap_or_else(|| panic!("{:#?}", checked.diagnostics));
    let mut image = compile(&stack).unwrap().0;
    change(&mut image.agents[0].blocks);
    image
}

#[test]
fn the_loader_takes_no_block_that_names_nothing() {
    const BUDGET: &str = "budget daily { max $5 cost = amount }";
    const DELEGATE: &str = "delegate { target_agent = \"a\" scope = [\"b\"] }";
    const PHASE: &str =
        "phase \"p\" { duration = 1h next = \"enforce\" tools = [\"b\"] rules { permit b if x } }";
    for source in [BUDGET, DELEGATE, PHASE] {
        assert!(loaded(&carried(source, |_| ())).is_ok(), "{source}");
    }
    let damaged = [
        carried(BUDGET, |blocks| blocks.budgets[0].cost = Some(99)),
        carried(DELEGATE, |blocks| blocks.delegates[0].scope.as_mut().unwrap()[0].condition = Some(99)),
        carried(PHASE, |blocks| blocks.phases[0].rules[0].condition = Some(99)),
    ];
    for image in damaged {
        assert!(matches!(loaded(&image), Err(LoadError::Damaged(_))), "{:?}", image.agents[0].blocks);
    }
}

#[test]
fn the_loader_takes_no_more_blocks_than_it_may() {
    const BUDGET: &str = "budget daily { max $5 tools = [\"a\"] }";
    let budgets =
        |count: usize| carried(BUDGET, |blocks| blocks.budgets = vec![blocks.budgets[0].clone(); count]);
    assert!(loaded(&budgets(MAX_ITEMS)).is_ok());
    assert!(matches!(loaded(&budgets(MAX_ITEMS + 1)), Err(LoadError::Limit("blocks of an agent"))));
    let tools =
        |count: usize| carried(BUDGET, |blocks| blocks.budgets[0].tools = vec!["a".to_owned(); count]);
    assert!(loaded(&tools(MAX_ITEMS)).is_ok());
    assert!(matches!(loaded(&tools(MAX_ITEMS + 1)), Err(LoadError::Limit("elements of a list"))));
    let phases = carried("phase \"p\" { tools = [\"b\"] rules { permit b } }", |blocks| {
        let rules = &mut blocks.phases[0].rules;
        *rules = vec![rules[0].clone(); MAX_RULES + 1];
    });
    assert!(matches!(loaded(&phases), Err(LoadError::Limit("rules of phases"))));
}
