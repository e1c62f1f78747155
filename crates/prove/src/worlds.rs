//! The worlds of a question: which tool is called, whether the call is an HTTP request, and where a field
//! is written is settled in each, and each is searched by itself.

use faramesh_program::image::RuleEffect;
use faramesh_program::image::{Path, Root};
use faramesh_program::tools::pattern_matches;

use crate::condition::Condition;
use crate::example;
use crate::ground::{Asker, Atom, Formula, Ground};
use crate::language::{Language, Languages};
use crate::outcomes::{ABSENT, MISFIT, Outcomes, TRUE};
use crate::place::{Base, World, first_segment, is_of_request, two_places};
use crate::question::{Answer, Confirm, Decision, Question};
use crate::search::{Constraint, End, Entry, Search};
use crate::strings::Strings;
use crate::theory::Theory;
use crate::tools::Marks;

const OUT_OF_STEPS: &str = "the search took more steps than it may";

/// Outcomes of its condition with which a rule matches.
fn matching(effect: RuleEffect) -> Outcomes {
    match effect {
        RuleEffect::Permit => TRUE,
        RuleEffect::Defer | RuleEffect::Deny => TRUE.with(MISFIT),
        RuleEffect::DenyAlways => TRUE.with(MISFIT).with(ABSENT),
    }
}

fn matches(pattern: &str, tool: &str) -> bool {
    pattern == "*" || if pattern.contains('*') { pattern_matches(pattern, tool) } else { pattern == tool }
}

fn each_condition<'q>(question: &Question<'q>, visit: &mut impl FnMut(&'q Condition, Asker<'q>)) {
    for (condition, agent) in &question.conditions {
        visit(condition, Asker { agent, time_is_outside: false });
    }
    for decision in &question.decisions {
        let asker = Asker { agent: decision.agent, time_is_outside: decision.time_is_outside };
        for condition in decision.rules.iter().filter_map(|(rule, _)| rule.condition.as_ref()) {
            visit(condition, asker);
        }
    }
}

/// What tells tools apart in a question.
pub(crate) fn marks<'q>(question: &Question<'q>, languages: &Languages) -> Marks<'q> {
    let mut marks =
        Marks { within: question.tools.clone(), named_first: question.named_first, ..Marks::default() };
    if marks.within.iter().any(|pattern| !pattern.contains('*')) {
        return marks;
    }
    let rules = question.decisions.iter().flat_map(|decision| &decision.rules);
    marks.patterns = rules.map(|(rule, _)| rule.pattern.as_str()).collect();
    let mut asks_tool = false;
    let mut visit = |path: &Path| {
        asks_tool |= path.root == Root::Tool;
        if let Some((segment, _)) = two_places(path).filter(|(segment, _)| !segment.contains(['*', '/']))
            && !marks.segments.iter().any(|known| known == segment)
        {
            marks.segments.push(segment.to_owned());
        }
    };
    each_condition(question, &mut |condition, _| condition.each_place(&mut visit));
    if asks_tool {
        let mut ground = Ground::new(World { tool: None, is_http: false, is_twice: None }, languages);
        each_condition(question, &mut |condition, asker| {
            ground.condition(condition, asker);
        });
        for atom in &ground.atoms {
            if let Atom::Asked { slot, question } = atom
                && slot.base == Base::Tool
                && let Language::Texts { valid, matched } = languages.of(question)
            {
                marks.tests.extend(valid);
                marks.tests.push(matched);
            }
        }
    }
    marks
}

/// Looks for a call of one tool.
pub(crate) struct Finder<'f, 'q, 'c> {
    pub languages: &'f Languages,
    pub strings: &'f Strings,
    pub question: &'f Question<'q>,
    pub tool: &'f str,
    pub steps_left: &'f mut u64,
    pub confirm: Option<Confirm<'c>>,
}

impl Finder<'_, '_, '_> {
    pub fn run(&mut self) -> Answer {
        // Rules on other tools are no part of what follows.
        let question = Question {
            tools: Vec::new(),
            conditions: self.question.conditions.clone(),
            decisions: self.question.decisions.iter().map(|decision| self.relevant(decision)).collect(),
            named_first: false,
        };
        let is_possible =
            |decision: &Decision<'_>| decision.default || decision.rules.iter().any(|(_, wanted)| *wanted);
        if !question.decisions.iter().all(is_possible) {
            return Answer::Nothing;
        }
        let mut undecided = None;
        for world in worlds(&question, self.tool) {
            match self.search(&question, world) {
                Answer::Nothing => {}
                found @ Answer::Found(_) => return found,
                Answer::Undecided(why) => undecided = undecided.or(Some(why)),
            }
        }
        undecided.map_or(Answer::Nothing, Answer::Undecided)
    }

    fn relevant<'q>(&self, decision: &Decision<'q>) -> Decision<'q> {
        let rules = decision.rules.iter().filter(|(rule, _)| matches(&rule.pattern, self.tool));
        Decision { rules: rules.copied().collect(), ..decision.clone() }
    }

    fn search(&mut self, question: &Question<'_>, world: World<'_>) -> Answer {
        let mut ground = Ground::new(world, self.languages);
        let mut constraints = Vec::new();
        if let (Some(is_twice), Some(tool)) = (world.is_twice, world.tool) {
            let formula = ground.has_member(first_segment(tool));
            constraints.push(Constraint::Outcome { formula, allowed: is_twice.into() });
        }
        for (condition, agent) in &question.conditions {
            let formula = ground.condition(condition, Asker { agent, time_is_outside: false });
            constraints.push(Constraint::Outcome { formula, allowed: TRUE });
        }
        let always = ground.formulas.len();
        ground.formulas.push(Formula::Known(TRUE));
        for decision in &question.decisions {
            let asker = Asker { agent: decision.agent, time_is_outside: decision.time_is_outside };
            let entry = |(rule, is_wanted): &(&crate::Rule, bool)| Entry {
                formula: rule
                    .condition
                    .as_ref()
                    .map_or(always, |condition| ground.condition(condition, asker)),
                matches: matching(rule.effect),
                is_wanted: *is_wanted,
            };
            let entries = decision.rules.iter().map(entry).collect();
            constraints.push(Constraint::First { entries, default_is_wanted: decision.default });
        }
        let asks_time = [Base::Hour, Base::Weekday].iter().any(|base| ground.tree.root(*base).is_some());
        let mut found = None;
        let mut confirm = self.confirm.as_mut();
        let mut accept = |model: &crate::tree::Model, is_exact: bool| {
            let example = example::of(world, model, asks_time);
            let accepted = confirm.as_mut().map_or(is_exact, |confirm| confirm(&example));
            if accepted {
                found = Some(example);
            }
            accepted
        };
        let theory = Theory::new(&ground, self.strings);
        let mut search = Search::new(&ground, theory, constraints, self.steps_left, &mut accept);
        let end = search.run();
        let doubt = search.theory.doubt.take();
        match (found, end, doubt) {
            (Some(example), ..) => Answer::Found(Box::new(example)),
            (None, End::OutOfSteps, _) => {
                *self.steps_left = 0;
                Answer::Undecided(OUT_OF_STEPS.to_owned())
            }
            (None, _, Some(why)) => Answer::Undecided(why),
            (None, _, None) => Answer::Nothing,
        }
    }
}

/// Every world of a tool, the likelier ones first.
fn worlds<'t>(question: &Question<'_>, tool: &'t str) -> Vec<World<'t>> {
    let (mut asks_request, mut asks_more_than_path, mut is_twofold) = (false, false, false);
    let segment = first_segment(tool);
    let mut visit = |path: &Path| {
        asks_request |= is_of_request(path.root);
        asks_more_than_path |= is_of_request(path.root) && path.root != Root::Path;
        is_twofold |= two_places(path).is_some_and(|(first, _)| first == segment);
    };
    each_condition(question, &mut |condition, _| condition.each_place(&mut visit));
    let requests: &[bool] = match (asks_request, asks_more_than_path) {
        (false, _) => &[false],
        (true, false) => &[false, true],
        (true, true) => &[true, false],
    };
    let places: &[Option<bool>] = if is_twofold { &[Some(false), Some(true)] } else { &[None] };
    let tool = Some(tool);
    let each = requests.iter().flat_map(|is_http| places.iter().map(move |is_twice| (*is_http, *is_twice)));
    each.map(|(is_http, is_twice)| World { tool, is_http, is_twice }).collect()
}
