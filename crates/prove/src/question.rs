//! A question about all calls, taken apart: by classes of tools, by whether the call is an HTTP request,
//! and by where a field is written. Each of these worlds is searched by itself.

use crate::condition::{Condition, Rule};
use crate::example::Example;
use crate::language::Languages;
use crate::strings::Strings;
use crate::worlds::{self, Finder};

/// Bounds on the answers of one [`Prover`], all questions together.
#[derive(Debug, Clone, Copy)]
pub struct Limits {
    /// Steps of searches over outcomes.
    pub steps: u64,
    /// Steps of automata.
    pub text_steps: u64,
    /// States of one search for a text.
    pub text_states: usize,
    /// Regular expressions that are made into tables.
    pub tables: u32,
}

impl Default for Limits {
    fn default() -> Self {
        Self { steps: 2_000_000, text_steps: 200_000_000, text_states: 50_000, tables: 20_000 }
    }
}

/// One agent's decision about the call that is looked for.
#[derive(Debug, Clone)]
pub struct Decision<'a> {
    /// The agent's name.
    pub agent: &'a str,
    /// Rules in the order of evaluation, and whether a call that the rule decides is looked for.
    pub rules: Vec<(&'a Rule, bool)>,
    /// Whether a call that no rule decides is looked for.
    pub default: bool,
    /// Whether the time of day is outside of what can be decided, because two policies have two time zones.
    pub time_is_outside: bool,
}

/// What must be so for the call that is looked for.
#[derive(Debug, Clone, Default)]
pub struct Question<'a> {
    /// Patterns that its tool matches.
    pub tools: Vec<&'a str>,
    /// Conditions that are true of it, each as an agent of that name would see it.
    pub conditions: Vec<(&'a Condition, &'a str)>,
    /// Decisions about it.
    pub decisions: Vec<Decision<'a>>,
    /// Whether tools that rules name are tried before those that only a `*` matches.
    pub named_first: bool,
}

/// The answer to a question.
#[derive(Debug, Clone, PartialEq)]
pub enum Answer {
    /// There is no such call.
    Nothing,
    /// There is this one.
    Found(Box<Example>),
    /// There may be one.
    Undecided(String),
}

/// Says whether an example is one.
pub type Confirm<'c> = &'c mut dyn FnMut(&Example) -> bool;

/// Answers questions.
#[derive(Debug)]
pub struct Prover {
    languages: Languages,
    strings: Strings,
    steps_left: u64,
}

impl Default for Prover {
    fn default() -> Self {
        Self::new(Limits::default())
    }
}

const TOO_MANY_TOOLS: &str = "the tool patterns tell too many kinds of tools apart";

impl Prover {
    /// A prover with these bounds.
    #[must_use]
    pub fn new(limits: Limits) -> Self {
        let languages = Languages::new(limits.tables);
        let strings = Strings::new(&languages.tables, limits.text_steps, limits.text_states);
        Self { languages, strings, steps_left: limits.steps }
    }

    /// Whether a bound was reached: further questions are then left undecided.
    #[must_use]
    pub fn is_exhausted(&self) -> bool {
        self.steps_left == 0 || self.languages.tables.is_exhausted()
    }

    /// Looks for a call. Examples that `confirm` does not take are none; without it, what cannot be
    /// modelled makes no example.
    pub fn find(&mut self, question: &Question<'_>, mut confirm: Option<Confirm<'_>>) -> Answer {
        let marks = worlds::marks(question, &self.languages);
        let (languages, strings) = (&self.languages, &self.strings);
        let mut steps_left = self.steps_left;
        let mut answer = Answer::Nothing;
        let mut visit = |tool: &str| {
            let confirm = confirm.as_mut().map(again);
            let mut finder =
                Finder { languages, strings, question, tool, steps_left: &mut steps_left, confirm };
            match finder.run() {
                Answer::Nothing => true,
                found @ Answer::Found(_) => {
                    answer = found;
                    false
                }
                undecided => {
                    if answer == Answer::Nothing {
                        answer = undecided;
                    }
                    *finder.steps_left > 0
                }
            }
        };
        let ended = marks.each_class(languages, strings, &mut visit);
        self.steps_left = steps_left;
        if ended.is_err() && answer == Answer::Nothing {
            return Answer::Undecided(TOO_MANY_TOOLS.to_owned());
        }
        answer
    }
}

fn again<'s>(confirm: &'s mut Confirm<'_>) -> Confirm<'s> {
    &mut **confirm
}
