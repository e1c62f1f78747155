//! A loaded policy, ready for deciding: rules indexed by tool, constants as values, regular
//! expressions compiled once each.

use std::sync::Arc;

use faramesh_call::Timestamp;
use rustc_hash::FxHashMap;
use sha2::{Digest, Sha256};

use crate::constants::ConstantValue;
use crate::facts::{Facts, Finder};
use crate::handovers::HandsOn;
use crate::hex::hex;
use crate::image::{
    AgentImage, Alert, Attest, Expression, IdentityProvider, Image, Manifest, OffsetChange, Operand, Path,
    Provider, Redaction, RuleEffect, RuleImage, Runtime, Selector, Sources, System,
};
use crate::limits::Limits;
use crate::load::LoadError;
use crate::pattern::Pattern;
use crate::phases::{Phase, Phases};
use crate::tools::ToolIndex;

/// A policy that can decide. Immutable; shared between threads.
#[derive(Debug)]
pub struct Program {
    hash: [u8; 32],
    hash_text: Arc<str>,
    /// Settings of the daemon.
    pub runtime: Runtime,
    /// Behaviour of the daemon under failure.
    pub system: System,
    /// Declared identity providers.
    pub identities: Vec<IdentityProvider>,
    /// Declared providers; the sinks among them take effect.
    pub providers: Vec<Provider>,
    agents: Vec<Agent>,
    by_name: FxHashMap<Box<str>, u32>,
    constants: Vec<ConstantValue>,
    paths: Vec<Path>,
    regexes: Vec<Pattern>,
    operands: Vec<Operand>,
    expressions: Vec<Expression>,
    offsets: Vec<OffsetChange>,
    counts_sessions: bool,
    manifest: Manifest,
}

/// One agent of a program.
#[derive(Debug)]
pub struct Agent {
    /// Its name.
    pub name: Box<str>,
    /// Whether flat rules made it.
    pub anonymous: bool,
    /// What happens when no rule matches.
    pub default: RuleEffect,
    /// What proves that a caller is it.
    pub attest: Option<Attest>,
    /// Rules in the order of evaluation.
    pub rules: Vec<Rule>,
    /// Which rules can match which tool.
    pub tools: ToolIndex,
    redactions: Vec<Redaction>,
    redacted_tools: ToolIndex,
    /// Apart, because most agents have none and every decision looks whether there are any.
    limits: Option<Box<Limits>>,
    phases: Option<Box<Phases>>,
    hands_on: HandsOn,
    /// Whom to tell about what.
    pub alerts: Vec<Alert>,
    /// Values that are fetched for its conditions, sorted by name.
    pub selectors: Vec<Selector>,
    /// Rules of phases; their numbers go on from those of the agent's own.
    phase_rules: Vec<Rule>,
}

/// One rule of a program.
#[derive(Debug)]
pub struct Rule {
    /// What happens on a match.
    pub effect: RuleEffect,
    /// The tool pattern.
    pub pattern: Box<str>,
    /// Index of its condition.
    pub condition: Option<u32>,
    /// The author's reason.
    pub reason: Option<Box<str>>,
    /// Where to tell people.
    pub notify: Vec<String>,
    /// Whether a reply may say what would alter the verdict.
    pub explain: bool,
    /// Whether an approved call is decided again before it runs, also for clients that only poll.
    pub reeval: bool,
    /// How many people must approve a deferred call.
    pub approvals_required: u32,
    /// The rule in canonical form.
    pub text: Box<str>,
    /// Where it was written: `governance.fms:12`.
    pub reference: Box<str>,
    /// SHA-256 of its text: the rule's name in approvals and records.
    pub digest: [u8; 32],
}

impl Program {
    pub(crate) fn new(
        image: Image,
        sources: &Sources,
        hash: [u8; 32],
        regexes: Vec<Pattern>,
    ) -> Result<Self, LoadError> {
        let facts = agents_facts(&image)?;
        let constants = image.constants.into_iter().map(ConstantValue::load).collect::<Result<_, _>>()?;
        let mut agents = Vec::with_capacity(image.agents.len());
        for ((index, agent), facts) in image.agents.into_iter().enumerate().zip(facts) {
            let places = sources.rules.get(index).map_or(&[][..], Vec::as_slice);
            let phases = sources.phases.get(index).map_or(&[][..], Vec::as_slice);
            agents.push(Agent::new(agent, places, phases, &sources.files, facts));
        }
        let number = |index: usize| u32::try_from(index).unwrap_or(u32::MAX);
        let by_name =
            agents.iter().enumerate().map(|(index, agent)| (agent.name.clone(), number(index))).collect();
        let counts_sessions = agents.iter().filter_map(Agent::limits).any(Limits::counts_sessions)
            || agents.iter().filter_map(Agent::phases).any(|phases| phases.stages().next().is_some());
        Ok(Self {
            hash,
            hash_text: format!("sha256:{}", hex(&hash)).into(),
            runtime: image.runtime,
            system: image.system,
            identities: image.identities,
            providers: image.providers,
            agents,
            by_name,
            constants,
            paths: image.paths,
            regexes,
            operands: image.operands,
            expressions: image.expressions,
            offsets: image.offsets,
            counts_sessions,
            manifest: image.manifest,
        })
    }

    /// SHA-256 over the compiled policy.
    #[must_use]
    pub fn hash(&self) -> &[u8; 32] {
        &self.hash
    }

    /// The hash as records write it: `sha256:…`.
    #[must_use]
    pub fn hash_text(&self) -> &str {
        &self.hash_text
    }

    /// The same, shared: every reply names the policy that decided.
    #[must_use]
    pub fn policy_version(&self) -> Arc<str> {
        Arc::clone(&self.hash_text)
    }

    /// Every agent, in source order.
    #[must_use]
    pub fn agents(&self) -> &[Agent] {
        &self.agents
    }

    /// The agent of that name.
    #[must_use]
    pub fn agent(&self, name: &str) -> Option<&Agent> {
        let index = usize::try_from(*self.by_name.get(name)?).ok()?;
        self.agents.get(index)
    }

    /// Which agent may hand work to which.
    #[must_use]
    pub fn manifest(&self) -> &Manifest {
        &self.manifest
    }

    /// Whether anything is counted by session.
    #[must_use]
    pub fn counts_sessions(&self) -> bool {
        self.counts_sessions
    }

    /// The agent of flat rules, which governs every caller.
    #[must_use]
    pub fn anonymous_agent(&self) -> Option<&Agent> {
        self.agents.iter().find(|agent| agent.anonymous)
    }

    /// A constant.
    #[must_use]
    pub fn constant(&self, index: u32) -> Option<&ConstantValue> {
        self.constants.get(usize::try_from(index).ok()?)
    }

    /// A place in a call.
    #[must_use]
    pub fn path(&self, index: u32) -> Option<&Path> {
        self.paths.get(usize::try_from(index).ok()?)
    }

    /// A regular expression.
    #[must_use]
    pub fn regex(&self, index: u32) -> Option<&Pattern> {
        self.regexes.get(usize::try_from(index).ok()?)
    }

    /// An operand.
    #[must_use]
    pub fn operand(&self, index: u32) -> Option<&Operand> {
        self.operands.get(usize::try_from(index).ok()?)
    }

    /// A condition or a part of one.
    #[must_use]
    pub fn expression(&self, index: u32) -> Option<&Expression> {
        self.expressions.get(usize::try_from(index).ok()?)
    }

    /// The time moved into the policy's time zone, so that its UTC parts are local ones.
    #[must_use]
    pub fn local(&self, now: Timestamp) -> Timestamp {
        let after = self.offsets.partition_point(|change| change.from_ms <= now.0);
        let offset =
            after.checked_sub(1).and_then(|at| self.offsets.get(at)).map_or(0, |at| at.offset_seconds);
        let shifted = i64::try_from(now.0).unwrap_or(i64::MAX).saturating_add(i64::from(offset) * 1_000);
        Timestamp(u64::try_from(shifted).unwrap_or(0))
    }
}

impl Agent {
    fn new(
        image: AgentImage,
        places: &[(u32, u32)],
        phase_places: &[Vec<(u32, u32)>],
        files: &[String],
        facts: Facts,
    ) -> Self {
        let mut tools = ToolIndex::default();
        let mut redacted_tools = ToolIndex::default();
        for (index, redaction) in image.redactions.iter().enumerate() {
            redacted_tools.add(&redaction.pattern, u32::try_from(index).unwrap_or(u32::MAX));
        }
        let rules = rules(image.rules, places, files);
        for (index, rule) in rules.iter().enumerate() {
            tools.add(&rule.pattern, u32::try_from(index).unwrap_or(u32::MAX));
        }
        let (mut phases, mut phase_rules) = (Vec::new(), Vec::new());
        let mut blocks = image.blocks;
        for (index, mut phase) in std::mem::take(&mut blocks.phases).into_iter().enumerate() {
            let places = phase_places.get(index).map_or(&[][..], Vec::as_slice);
            let own = self::rules(std::mem::take(&mut phase.rules), places, files);
            phases.push(Phase::new(&phase, &own, rules.len() + phase_rules.len()));
            phase_rules.extend(own);
        }
        let hands_on = HandsOn::new(std::mem::take(&mut blocks.delegates), blocks.spawn.take());
        let alerts = std::mem::take(&mut blocks.alerts);
        let selectors = std::mem::take(&mut blocks.selectors);
        Self {
            name: image.name.into(),
            anonymous: image.anonymous,
            default: image.default,
            attest: image.attest,
            rules,
            tools: tools.finished(),
            redactions: image.redactions,
            redacted_tools: redacted_tools.finished(),
            limits: Limits::new(blocks, facts),
            phases: Phases::new(phases),
            hands_on,
            alerts,
            selectors,
            phase_rules,
        }
    }

    /// A rule by its number, those of phases after the agent's own.
    #[must_use]
    pub fn rule(&self, index: u32) -> Option<&Rule> {
        let index = usize::try_from(index).ok()?;
        let of_phase = index.checked_sub(self.rules.len());
        of_phase.map_or_else(|| self.rules.get(index), |index| self.phase_rules.get(index))
    }

    /// A selector by its name.
    #[must_use]
    pub fn selector(&self, name: &str) -> Option<&Selector> {
        self.selectors.iter().find(|selector| selector.name == name)
    }

    /// Every rule, those of phases after the agent's own.
    pub fn all_rules(&self) -> impl Iterator<Item = &Rule> {
        self.rules.iter().chain(&self.phase_rules)
    }

    /// What it may hand on and start.
    #[must_use]
    pub fn hands_on(&self) -> &HandsOn {
        &self.hands_on
    }

    /// Its phases, when it has any.
    #[must_use]
    pub fn phases(&self) -> Option<&Phases> {
        self.phases.as_deref()
    }

    /// Its limits, when it has any.
    #[must_use]
    pub fn limits(&self) -> Option<&Limits> {
        self.limits.as_deref()
    }

    /// Whether anything is redacted at all; most agents redact nothing.
    #[must_use]
    pub fn redacts(&self) -> bool {
        !self.redactions.is_empty()
    }

    /// Whether any field is sealed rather than gone.
    #[must_use]
    pub fn seals(&self) -> bool {
        self.redactions.iter().any(|redaction| redaction.seal)
    }

    /// The redactions that apply to a tool.
    pub fn redactions(&self, tool: &str) -> impl Iterator<Item = &Redaction> {
        let mut candidates = self.redacted_tools.candidates(tool);
        std::iter::from_fn(move || candidates.next_rule())
            .filter_map(|index| self.redactions.get(usize::try_from(index).ok()?))
    }
}

/// Rules with the places where they were written.
fn rules(images: Vec<RuleImage>, places: &[(u32, u32)], files: &[String]) -> Vec<Rule> {
    let rule = |(index, rule): (usize, RuleImage)| {
        let place = places.get(index).and_then(|(file, line)| {
            let file = files.get(usize::try_from(*file).ok()?)?;
            Some(format!("{file}:{line}"))
        });
        Rule {
            effect: rule.effect,
            pattern: rule.pattern.into(),
            condition: rule.condition,
            reason: rule.reason.map(Into::into),
            notify: rule.notify,
            explain: rule.explain,
            reeval: rule.reeval,
            approvals_required: rule.approvals_required.max(1),
            digest: Sha256::digest(rule.text.as_bytes()).into(),
            text: rule.text.into(),
            reference: place.unwrap_or_else(|| format!("rule {}", index + 1)).into(),
        }
    };
    images.into_iter().enumerate().map(rule).collect()
}

/// What the rules and the costs of each agent read of earlier calls.
fn agents_facts(image: &Image) -> Result<Vec<Facts>, LoadError> {
    let finder = Finder::new(image);
    let of_agent = |agent: &AgentImage| {
        let phases = agent.blocks.phases.iter().flat_map(|phase| &phase.rules);
        let conditions = agent.rules.iter().chain(phases).filter_map(|rule| rule.condition);
        // A condition of what others hand on is held against this agent's calls.
        let scopes = image.agents.iter().flat_map(|giver| &giver.blocks.delegates);
        let received = scopes.filter(|delegate| delegate.to == agent.name);
        let received = received.flat_map(|delegate| delegate.scope.iter().flatten());
        let conditions = conditions.chain(received.filter_map(|tool| tool.condition));
        let costs = agent.blocks.budgets.iter().filter_map(|budget| budget.cost);
        let mut facts = finder.facts(conditions, costs)?;
        agent.blocks.completion_gate.iter().try_for_each(|required| facts.require(required))?;
        Ok(facts.finished())
    };
    image.agents.iter().map(of_agent).collect()
}
