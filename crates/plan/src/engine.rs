//! A program in both of its forms, to be asked about and to be run: an example of the prover is shown
//! only when the engine itself decides it as the prover says.

use faramesh_call::{Effect, Object, Value, object};
use faramesh_decide::{Evaluator, Input, Moment, NO_PSEUDONYMS, NOTHING_SELECTED, Outcome, decide};
use faramesh_program::{Agent, Image, LoadError, Program, decode, load};
use faramesh_prove::Example;
use faramesh_state::State;

/// A program that can be asked about.
#[derive(Debug)]
pub struct Engine {
    /// Its data.
    pub image: Image,
    /// The same, loaded.
    pub program: Program,
}

/// What the engine says about an example.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Decided {
    /// The effect.
    pub effect: Effect,
    /// The rule that made it and where it was written; `None` for the default.
    pub rule: Option<(String, String)>,
}

impl Engine {
    /// Reads the bytes of a program.
    ///
    /// # Errors
    /// They are damaged, of another format, or beyond a limit.
    pub fn read(bytes: &[u8]) -> Result<Self, LoadError> {
        let (image, ..) = decode(bytes)?;
        Ok(Self { image, program: load(bytes)? })
    }

    /// What the engine decides about an example, with nothing approved before.
    #[must_use]
    pub fn decide(&self, agent: &Agent, example: &Example) -> Decided {
        let state = State::default();
        let verdict = decide(&Input {
            program: &self.program,
            agent,
            call: &example.call,
            commitment: "",
            requester: "",
            state: &state,
            selected: &NOTHING_SELECTED,
            pseudonyms: NO_PSEUDONYMS,
            moment: Moment { now: example.time(&self.program), entropy: 0 },
        });
        let rule = verdict.rule.map(|rule| (rule.text.to_string(), rule.reference.to_string()));
        Decided { effect: verdict.effect, rule }
    }

    /// Whether the engine takes a condition for true of an example.
    #[must_use]
    pub fn holds(&self, agent: &Agent, condition: u32, example: &Example) -> bool {
        let now = example.time(&self.program);
        Evaluator::new(&self.program, agent, &example.call, now).condition(condition) == Outcome::True
    }

    /// Time zone and its offsets, which decide what hour it is.
    pub(crate) fn same_time_zone(&self, other: &Self) -> bool {
        self.image.offsets == other.image.offsets
    }
}

/// An example as data: the tool, its arguments, and whatever else of the call matters.
#[must_use]
pub fn example_value(example: &Example) -> Value {
    let call = &example.call;
    let mut value = object! { "tool" => &*call.tool, "args" => call.args.clone() };
    let words = [("session", call.session.as_deref()), ("model", call.model.as_deref())];
    for (key, word) in words {
        if let Some(word) = word {
            value.insert(key, word);
        }
    }
    if call.action != faramesh_call::Action::default() {
        value.insert("action", call.action.as_str());
    }
    if let Some(principal) = &call.principal {
        value.insert("principal", principal.clone());
    }
    if let Some(tags) = &call.tags {
        value.insert("tags", tags.clone());
    }
    if let Some(http) = &call.http {
        let request: Object = object! {
            "host" => &*http.host,
            "port" => u64::from(http.port),
            "method" => &*http.method,
            "path" => &*http.path,
            "query" => http.query.clone(),
            "headers" => http.headers.clone(),
        };
        value.insert("http", request);
    }
    if let Some(hour) = example.hour {
        value.insert("hour", hour);
    }
    if let Some(weekday) = &example.weekday {
        value.insert("weekday", weekday.as_str());
    }
    Value::Object(value)
}
