//! Rules that never decide, defaults that never apply, conditions that are never or always true: decided
//! by a proof over all calls, not by how the rules look. What the prover cannot decide is not reported.
//! Under a `deny!` a permit or defer is an error, since its author believes in what cannot happen.

use faramesh_program::image::RuleEffect;
use faramesh_program::tools::ToolIndex;
use faramesh_prove as prove;
use faramesh_prove::{Answer, Decision, Limits, Prover, Question, patterns_may_overlap};

use super::asked;
use super::patterns::covers;
use super::unreached::{self, Blame};
use crate::checker::Checker;
use crate::codes;
use crate::stack::{Agent, Rule};

/// Most pairs of rules of one agent that are looked at together: each costs about a microsecond.
const PAIRS: u32 = 800_000;
/// Bounds on all proofs about one agent together.
const LIMITS: Limits = Limits { steps: 300_000, text_steps: 20_000_000, text_states: 4_000, tables: 1_500 };
/// Most earlier rules of which the fewest that cover a rule are looked for.
const BLAMED: usize = 12;

pub(super) fn check(checker: &mut Checker<'_>, agent: &Agent) {
    // The order of evaluation: `deny!` first.
    let (mandatory, others): (Vec<&Rule>, Vec<&Rule>) =
        agent.rules.iter().partition(|rule| rule.effect == RuleEffect::DenyAlways);
    let rules: Vec<&Rule> = mandatory.into_iter().chain(others).collect();
    let asked = rules.iter().map(|rule| asked::rule(rule)).collect();
    let mut search = Search {
        agent,
        rules,
        asked,
        exact: ToolIndex::default(),
        wildcards: Vec::new(),
        pairs_left: PAIRS,
        prover: Prover::new(LIMITS),
    };
    let mut permits_all = agent.rules.iter().any(permits_everything);
    for number in 0..search.rules.len() {
        let Some(rule) = search.rules.get(number).copied() else { return };
        let finding = search.finding(number);
        if search.pairs_left == 0 || search.prover.is_exhausted() {
            let message = "this agent has too many rules, or too intricate ones, to prove all that there is to know about them";
            let help = "the policy works; split the agent to have all of it looked at";
            checker.say(codes::ANALYSIS_BOUNDED, rule.span, message, help);
            return;
        }
        search.add(number);
        // What a pack brings is there for those who decide nothing earlier themselves.
        if let Some(finding) = finding.filter(|_| rule.is_own()) {
            permits_all |= unreached::report(checker, rule, &finding);
        }
    }
    search.whole(checker, permits_all);
}

fn permits_everything(rule: &Rule) -> bool {
    rule.effect == RuleEffect::Permit
        && rule.pattern == "*"
        && rule.condition.is_none()
        && rule.clauses.is_empty()
}

/// What is wrong with a rule.
pub(super) enum Finding<'a> {
    /// These rules decide every call that it matches.
    Unreached(Vec<Blame<'a>>),
    /// Of the calls that get to it, its condition is true for none.
    OnlyUnknown(Vec<Blame<'a>>),
    NeverTrue,
    AlwaysTrue,
}

/// The rules of an agent, those before the one at hand by their tools.
struct Search<'a> {
    agent: &'a Agent,
    rules: Vec<&'a Rule>,
    asked: Vec<prove::Rule>,
    exact: ToolIndex,
    wildcards: Vec<usize>,
    pairs_left: u32,
    prover: Prover,
}

impl<'a> Search<'a> {
    fn add(&mut self, number: usize) {
        if let Some(rule) = self.rules.get(number) {
            self.exact.add(&rule.pattern, u32::try_from(number).unwrap_or(u32::MAX));
            if rule.pattern.contains('*') {
                self.wildcards.push(number);
            }
        }
    }

    fn finding(&mut self, number: usize) -> Option<Finding<'a>> {
        let rule = *self.rules.get(number)?;
        let earlier = self.earlier(number, rule);
        let is_whole = |at: &&usize| {
            self.rules.get(**at).is_some_and(|other| {
                other.condition.is_none() && other.clauses.is_empty() && covers(&other.pattern, &rule.pattern)
            })
        };
        if let Some(at) = earlier.iter().find(is_whole) {
            return Some(Finding::Unreached(self.blame(&[*at])));
        }
        let condition = self.asked.get(number)?.condition.clone();
        if earlier.is_empty() && condition.as_ref().is_none_or(asked::is_plain) {
            return None;
        }
        match self.reaches(number, &earlier, condition.as_ref()) {
            Answer::Nothing => {}
            Answer::Undecided(_) => return None,
            Answer::Found(_) if condition.is_some() && self.is_always_true(number) => {
                return Some(Finding::AlwaysTrue);
            }
            Answer::Found(_) => return None,
        }
        if condition.is_some() && self.reaches(number, &[], condition.as_ref()) == Answer::Nothing {
            return Some(Finding::NeverTrue);
        }
        let found = match self.reaches(number, &earlier, None) {
            Answer::Nothing => Finding::Unreached(self.fewest(number, &earlier, None)),
            Answer::Found(_) => Finding::OnlyUnknown(self.fewest(number, &earlier, condition.as_ref())),
            Answer::Undecided(_) => return None,
        };
        Some(found)
    }

    /// Rules before the one at hand that may match a tool of its pattern.
    fn earlier(&mut self, number: usize, rule: &Rule) -> Vec<usize> {
        if !rule.pattern.contains('*') {
            let mut candidates = self.exact.candidates(&rule.pattern);
            let numbers = std::iter::from_fn(|| candidates.next_rule());
            let earlier: Vec<usize> = numbers.filter_map(|number| usize::try_from(number).ok()).collect();
            self.pay(earlier.len());
            return earlier;
        }
        self.pay(number);
        let overlaps = |at: &usize| {
            self.rules.get(*at).is_some_and(|other| patterns_may_overlap(&other.pattern, &rule.pattern))
        };
        (0..number).filter(overlaps).collect()
    }

    fn pay(&mut self, pairs: usize) {
        self.pairs_left = self.pairs_left.saturating_sub(u32::try_from(pairs).unwrap_or(u32::MAX));
    }

    /// Whether a rule's condition is true of every call of its tools.
    fn is_always_true(&mut self, number: usize) -> bool {
        let Some(rule) = self.asked.get(number) else { return false };
        // A permit matches on true alone.
        let rule = prove::Rule { effect: RuleEffect::Permit, ..rule.clone() };
        let agent = &self.agent.name;
        let decision = Decision { agent, rules: vec![(&rule, false)], default: true, time_is_outside: false };
        let question =
            Question { tools: vec![&rule.pattern], decisions: vec![decision], ..Question::default() };
        self.prover.find(&question, None) == Answer::Nothing
    }

    /// A call that these rules leave to the one at hand, with a condition that is true of it.
    fn reaches(&mut self, number: usize, earlier: &[usize], condition: Option<&prove::Condition>) -> Answer {
        let Some(rule) = self.asked.get(number) else { return Answer::Nothing };
        let before = earlier.iter().filter_map(|at| self.asked.get(*at)).map(|rule| (rule, false));
        let rules = before.chain(std::iter::once((rule, true))).collect();
        let agent = &self.agent.name;
        let question = Question {
            tools: vec![&rule.pattern],
            conditions: condition.into_iter().map(|condition| (condition, agent.as_str())).collect(),
            decisions: vec![Decision { agent, rules, default: false, time_is_outside: false }],
            named_first: false,
        };
        self.prover.find(&question, None)
    }

    /// The fewest of the earlier rules that already decide all of those calls, as far as that is looked for.
    fn fewest(
        &mut self,
        number: usize,
        earlier: &[usize],
        condition: Option<&prove::Condition>,
    ) -> Vec<Blame<'a>> {
        let mut needed = earlier.to_vec();
        for at in earlier.iter().rev() {
            if earlier.len() > BLAMED {
                break;
            }
            let without: Vec<usize> = needed.iter().copied().filter(|other| other != at).collect();
            if self.reaches(number, &without, condition) == Answer::Nothing {
                needed = without;
            }
        }
        self.blame(&needed)
    }

    fn blame(&self, numbers: &[usize]) -> Vec<Blame<'a>> {
        numbers.iter().filter_map(|at| self.rules.get(*at).copied()).map(Blame::of).collect()
    }

    /// What all rules together leave: nothing to the default, or nothing that is not permitted.
    fn whole(&mut self, checker: &mut Checker<'_>, permits_all: bool) {
        if self.rules.is_empty() {
            return;
        }
        let default = self.agent.default.unwrap_or(RuleEffect::Deny);
        let is_stop = |effect: RuleEffect| effect != RuleEffect::Permit;
        if default != RuleEffect::Permit && !permits_all && self.every_call(is_stop, true) == Answer::Nothing
        {
            unreached::permits_everything(checker, self.agent);
        }
        let last = self.rules.last().map(|rule| rule.effect.effect());
        let differs = self.agent.default.is_some_and(|default| last != Some(default.effect()));
        if differs && self.every_call(|_| false, true) == Answer::Nothing {
            unreached::default_unreachable(checker, self.agent, default);
        }
    }

    /// A call that a rule of one of these effects decides, or none does.
    fn every_call(&mut self, wanted: impl Fn(RuleEffect) -> bool, default: bool) -> Answer {
        let rules = self.asked.iter().map(|rule| (rule, wanted(rule.effect))).collect();
        let decision = Decision { agent: &self.agent.name, rules, default, time_is_outside: false };
        let question = Question { tools: vec!["*"], decisions: vec![decision], ..Question::default() };
        self.prover.find(&question, None)
    }
}
