//! A checked stack to a program: every constant, path, regular expression and condition once, clauses
//! as conditions, `deny!` rules first.
//!
//! Runs when a policy is checked or applied, never when a call is decided.
//! INVARIANT same source, same bytes: nothing depends on the machine, the time or the order of a hash
//! map, and formatting and comments change nothing but the sources beside the program.

mod blocks;
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
    let mut sources = Sources { files: stack.files.clone(), ..Sources::default() };
    for agent in blocks::sorted_by(&stack.agents, |agent| &agent.name) {
        let (rules, rule_places) = compile_rules(&agent.rules, &mut interner)?;
        let (blocks, phase_places) = blocks::blocks(&agent.blocks, &mut interner)?;
        agents.push(AgentImage {
            name: agent.name.clone(),
            anonymous: agent.anonymous,
            default: agent.default.unwrap_or(RuleEffect::Deny),
            attest: agent.attest.clone(),
            rules,
            redactions: redactions(agent),
            metadata: agent.metadata.clone(),
            blocks,
        });
        sources.rules.push(rule_places);
        sources.phases.push(phase_places);
    }
    let image = Image {
        runtime: stack.runtime.clone(),
        system: stack.system,
        identities: blocks::identities(&stack.identities),
        providers: blocks::providers(&stack.providers),
        trust: blocks::trust(&stack.trust),
        manifest: blocks::manifest(&stack.manifest),
        imports: stack.imports.clone(),
        agents,
        offsets: zone::offsets(&stack.runtime.timezone)?,
        ..interner.into_image()
    };
    Ok((image, sources))
}

/// Compiles a stack to the bytes of a program.
///
/// # Errors
/// As [`compile`]; or the program is larger than the format can hold.
pub fn compile_to_bytes(stack: &Stack) -> Result<Vec<u8>, CompileError> {
    let (image, sources) = compile(stack)?;
    Ok(encode(&image, &sources)?)
}

/// File and line of each of some rules.
pub(crate) type Places = Vec<(u32, u32)>;

/// Rules in the order of evaluation, and where each was written.
pub(crate) fn compile_rules(
    rules: &[Rule],
    interner: &mut Interner,
) -> Result<(Vec<RuleImage>, Places), CompileError> {
    let is_mandatory = |rule: &&Rule| rule.effect == RuleEffect::DenyAlways;
    let (mandatory, others): (Vec<&Rule>, Vec<&Rule>) = rules.iter().partition(is_mandatory);
    let mut images = Vec::with_capacity(rules.len());
    let mut places = Vec::with_capacity(rules.len());
    for rule in mandatory.into_iter().chain(others) {
        images.push(compile_rule(rule, interner)?);
        places.push((rule.file, rule.line));
    }
    Ok((images, places))
}

/// Redactions in one order: all that match apply.
fn redactions(agent: &Agent) -> Vec<Redaction> {
    let mut redactions: Vec<Redaction> = agent
        .redactions
        .iter()
        .map(|found| Redaction {
            pattern: found.pattern.clone(),
            fields: blocks::sorted(&found.fields),
            seal: found.seal,
            subject: found.subject.clone(),
        })
        .collect();
    redactions.sort_by(|left, right| {
        let key = |one: &Redaction| (one.pattern.clone(), one.fields.clone(), one.seal, one.subject.clone());
        key(left).cmp(&key(right))
    });
    redactions.dedup();
    redactions
}

fn compile_rule(rule: &Rule, interner: &mut Interner) -> Result<RuleImage, CompileError> {
    Ok(RuleImage {
        effect: rule.effect,
        pattern: rule.pattern.clone(),
        condition: interner.rule_condition(rule)?,
        reason: rule.reason.clone(),
        notify: rule.notify.clone(),
        explain: rule.explain,
        reeval: rule.reeval,
        approvals_required: rule.approvals_required,
        text: text::rule_text(rule),
    })
}
