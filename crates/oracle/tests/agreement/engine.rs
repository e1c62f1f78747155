//! The way of a policy through the real parts, and one decision at its end.

use faramesh_call::{Call, Code, Effect, Timestamp};
use faramesh_decide::{Input, Moment, NO_PSEUDONYMS, NOTHING_SELECTED, decide};
use faramesh_oracle::generate::environment;
use faramesh_program::{Program, load};
use faramesh_state::State;

/// What both interpreters say about a call.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Decision {
    pub effect: Effect,
    /// The line of the rule; `None` for the default.
    pub line: Option<usize>,
}

/// The engine's answer, or that it reached its bound.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Engine {
    Decided(Decision),
    Bounded,
}

pub fn options<'a>() -> faramesh_check::Options<'a> {
    faramesh_check::Options { dev: true, analyse: false, ..faramesh_check::Options::new("p", &environment) }
}

/// The program of a policy; `None` when it is refused.
pub fn program(source: &str) -> Option<Program> {
    let stack = faramesh_check::check(source, &options()).stack?;
    let bytes = faramesh_compile::compile_to_bytes(&stack).expect("a checked stack compiles");
    Some(load(&bytes).expect("what was compiled loads"))
}

/// The policy without the lines that are refused; `None` when that does not end in one that is accepted.
pub fn accepted(source: &str) -> Option<String> {
    let mut source = source.to_owned();
    for _ in 0..4 {
        let checked = faramesh_check::check(&source, &options());
        if checked.stack.is_some() {
            return Some(source);
        }
        let line_of =
            |at: u32| source.as_bytes()[..at as usize].iter().filter(|byte| **byte == b'\n').count();
        let errors = checked.diagnostics.iter().filter(|found| found.is_error());
        let refused: Vec<usize> = errors.map(|found| line_of(found.span.start)).collect();
        let kept = source.lines().enumerate().filter(|(number, _)| !refused.contains(number));
        source = kept.map(|(_, line)| format!("{line}\n")).collect();
    }
    None
}

pub fn decided(program: &Program, agent: &str, call: &Call, now: Timestamp) -> Engine {
    let state = State::default();
    let input = Input {
        program,
        agent: program.agent(agent).expect("every agent of the source is in the program"),
        call,
        commitment: "c0ffee",
        requester: "uid:1000",
        state: &state,
        selected: &NOTHING_SELECTED,
        pseudonyms: NO_PSEUDONYMS,
        moment: Moment { now, entropy: 1 },
    };
    let verdict = decide(&input);
    if verdict.code == Code::PolicyLimit {
        return Engine::Bounded;
    }
    let line = verdict.rule.map(|rule| rule.reference.rsplit_once(':').unwrap().1.parse().unwrap());
    Engine::Decided(Decision { effect: verdict.effect, line })
}
