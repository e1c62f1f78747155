//! A checked stack to a program: every constant, path, regular expression and condition once, clauses
//! as conditions, `deny!` rules first.
//!
//! Runs when a policy is checked or applied, never when a call is decided.
//! INVARIANT same source, same bytes: nothing depends on the machine, the time or the order of a hash
//! map, and formatting and comments change nothing but the sources beside the program.

mod conditions;
mod intern;
mod text;
mod zone;

use faramesh_check::Stack;
use faramesh_check::stack::{Agent, Rule};
use faramesh_program::image::{AgentImage, Redaction, RuleEffect, RuleImage};
use faramesh_program::{Image, LoadError, Sources, encode};

use intern::Interner;

/// Why a checked stack has no program.
#[derive(Debug, thiserror::Error)]
pub enum CompileError {
    /// More constants, paths or conditions than a program can number.
    #[error("the policy has too many {0} for one program")]
    TooMany(&'static str),
    /// The time zone database of this build does not have the zone.
    #[error("there is no time zone `{0}`")]
    Timezone(String),
    /// The program is larger than the format can hold.
    #[error("the policy cannot be written as a program: {0}")]
    Encode(#[from] LoadError),
}

/// Compiles a stack.
///
/// # Errors
/// The stack is larger than a program can be, or names a time zone that does not exist.
pub fn compile(stack: &Stack) -> Result<(Image, Sources), CompileError> {
    let mut interner = Interner::default();
    let mut agents = Vec::with_capacity(stack.agents.len());
    let mut places = Vec::with_capacity(stack.agents.len());
    for agent in &stack.agents {
        let (image, lines) = compile_agent(agent, &mut interner)?;
        agents.push(image);
        places.push(lines);
    }
    let image = Image {
        runtime: stack.runtime.clone(),
        identities: stack.identities.clone(),
        agents,
        offsets: zone::offsets(&stack.runtime.timezone)?,
        ..interner.into_image()
    };
    Ok((image, Sources { files: vec![stack.file_name.clone()], rules: places }))
}

/// Compiles a stack to the bytes of a program.
///
/// # Errors
/// As [`compile`]; or the program is larger than the format can hold.
pub fn compile_to_bytes(stack: &Stack) -> Result<Vec<u8>, CompileError> {
    let (image, sources) = compile(stack)?;
    Ok(encode(&image, &sources)?)
}

/// The agent, and file and line of each of its rules.
type Compiled = (AgentImage, Vec<(u32, u32)>);

fn compile_agent(agent: &Agent, interner: &mut Interner) -> Result<Compiled, CompileError> {
    let is_mandatory = |rule: &&Rule| rule.effect == RuleEffect::DenyAlways;
    let (mandatory, others): (Vec<&Rule>, Vec<&Rule>) = agent.rules.iter().partition(is_mandatory);
    let mut rules = Vec::with_capacity(agent.rules.len());
    let mut lines = Vec::with_capacity(agent.rules.len());
    for rule in mandatory.into_iter().chain(others) {
        rules.push(compile_rule(rule, interner)?);
        lines.push((0, rule.line));
    }
    let redactions = agent.redactions.iter();
    let image = AgentImage {
        name: agent.name.clone(),
        anonymous: agent.anonymous,
        default: agent.default.unwrap_or(RuleEffect::Deny),
        attest: agent.attest.clone(),
        rules,
        redactions: redactions
            .map(|found| Redaction { pattern: found.pattern.clone(), fields: found.fields.clone() })
            .collect(),
        metadata: agent.metadata.clone(),
    };
    Ok((image, lines))
}

fn compile_rule(rule: &Rule, interner: &mut Interner) -> Result<RuleImage, CompileError> {
    Ok(RuleImage {
        effect: rule.effect,
        pattern: rule.pattern.clone(),
        condition: interner.rule_condition(rule)?,
        reason: rule.reason.clone(),
        notify: rule.notify.clone(),
        explain: rule.explain,
        text: text::rule_text(rule),
    })
}
