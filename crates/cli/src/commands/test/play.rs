//! Plays a fixture through a gate of its own: the very steps that a daemon goes through, over a ledger in
//! memory and a clock that the fixture sets.

use std::cell::Cell;
use std::collections::BTreeSet;
use std::sync::Arc;
use std::sync::mpsc::channel;
use std::time::Duration;

use faramesh_call::{Timestamp, Value};
use faramesh_decide::Selected;
use faramesh_dpr::{CommitmentKey, Kind, Record};
use faramesh_gate::{
    Alone, Gate, Lessor, Lifecycle, Operator, Outcome, OutcomeStatus, Peer, Reply, Settings,
};
use faramesh_ledger::{Filter, Ledger};
use faramesh_program::Program;
use faramesh_state::State;

use super::fixture::{Case, Expect, Fixture, Step};

/// Most records of one fixture.
const MAX_RECORDS: usize = 100_000;
/// Longest wait for one reply.
const WAIT: Duration = Duration::from_secs(10);
/// Who asks and who answers: two people, as approvals want it.
const ASKS: u32 = 1_000;
const ANSWERS: u32 = 0;

thread_local! {
    static NOW: Cell<u64> = const { Cell::new(0) };
}

fn now() -> Timestamp {
    Timestamp(NOW.get())
}

/// What came of one case.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Result {
    pub name: String,
    /// What came of a call.
    pub found: Option<Expect>,
    /// What is not as it must be, in words; empty when all is well.
    pub wrong: Vec<String>,
}

/// What came of a fixture.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Played {
    pub results: Vec<Result>,
    /// The rules that decided a call: the agent, and where the rule stands.
    pub rules: BTreeSet<(String, String)>,
}

impl Played {
    pub fn failed(&self) -> usize {
        self.results.iter().filter(|result| !result.wrong.is_empty()).count()
    }
}

/// Plays a fixture under a policy; with `fail_fast`, until the first case that is not as it must be.
pub fn play(program: &Arc<Program>, fixture: &Fixture, fail_fast: bool) -> Played {
    NOW.set(fixture.begins.0);
    let mut settings = Settings::new(CommitmentKey::new(&[0; 32]), true);
    settings.clock = now;
    let alone = Arc::new(Alone::default());
    let lessor: Arc<dyn Lessor> = Arc::<Alone>::clone(&alone);
    settings.lessor = Some(lessor);
    let ledger = Arc::new(Ledger::memory("test", "test", MAX_RECORDS));
    let gate = Arc::new(Gate::new(settings, Arc::clone(program), State::default(), ledger));
    alone.serve(&gate);
    // A ledger in memory takes every record.
    let _ = gate.put_in_force(Arc::clone(program), "faramesh test");
    gate.advance(Lifecycle::Ready);
    let mut stage = Stage { gate: &gate, waiting: None, permitted: None, rules: BTreeSet::new() };
    let mut played = Played::default();
    for case in &fixture.cases {
        let result = stage.play(case);
        let stop = fail_fast && !result.wrong.is_empty();
        played.results.push(result);
        if stop {
            break;
        }
    }
    played.rules = stage.rules;
    played
}

struct Stage<'a> {
    gate: &'a Gate,
    /// The last approval that was asked for.
    waiting: Option<String>,
    /// The last call that was permitted, and its agent.
    permitted: Option<(Box<str>, Option<Box<str>>)>,
    rules: BTreeSet<(String, String)>,
}

impl Stage<'_> {
    fn play(&mut self, case: &Case) -> Result {
        if let Some(at) = case.at {
            NOW.set(at.0);
        }
        NOW.set(NOW.get().saturating_add(case.wait_ms));
        if let Some(selectors) = &case.selectors {
            self.gate.select(Arc::new(Selected::read_back(selectors)));
        }
        let mut result = Result { name: case.name.clone(), found: None, wrong: Vec::new() };
        let done = match &case.step {
            Step::Call(call) => self.ask(call).map(|reply| {
                let found = self.found(&reply);
                result.wrong = differences(&case.expect, &found);
                result.found = Some(found);
            }),
            Step::Answer { approved, reason } => self.answer(*approved, reason),
            Step::Outcome { ok, cost } => self.outcome(*ok, cost.clone()),
        };
        if let Err(why) = done {
            result.wrong.push(why);
        }
        result
    }

    fn ask(&mut self, call: &faramesh_call::Call) -> std::result::Result<Reply, String> {
        let (sender, receiver) = channel();
        let respond = Box::new(move |reply| {
            // Nobody listens any more when the wait ran out.
            let _ = sender.send(reply);
        });
        self.gate.ask(&Peer::new(ASKS, 1, None), call.clone(), respond);
        self.gate.commit(true);
        let reply = receiver.recv_timeout(WAIT).map_err(|_| "the gate did not answer".to_owned())?;
        match reply.as_denial().map(|denial| &denial.resolution) {
            Some(faramesh_gate::Resolution::PendingApproval { approval_id }) => {
                self.waiting = Some(approval_id.to_string());
            }
            None => self.permitted = Some((reply.action_id.clone(), call.agent.clone())),
            Some(_) => {}
        }
        Ok(reply)
    }

    /// What came of a call: as its record has it, which also says which rule permitted.
    fn found(&mut self, reply: &Reply) -> Expect {
        let id = &*reply.action_id;
        let is_own = |record: &Record| record.id().to_string() == id;
        let newest =
            Filter { kind: Some(Kind::Decision), newest_first: true, limit: Some(1), ..Filter::default() };
        let query =
            |filter: &Filter| self.gate.ledger().query(filter).unwrap_or_default().into_iter().find(is_own);
        // A call that was made before is answered with its first record.
        let record = query(&newest).or_else(|| query(&Filter::by_id(id)));
        let place = record.as_ref().and_then(Record::rule_ref);
        if let (Some(agent), Some(place)) = (record.as_ref().and_then(Record::agent), &place) {
            self.rules.insert((agent.into_owned(), place.clone()));
        }
        let code = record.as_ref().and_then(|record| record.field("code"));
        let denial = reply.as_denial();
        Expect {
            effect: Some(reply.effect().as_str().to_owned()),
            code: code.as_ref().and_then(Value::as_str).map(str::to_owned),
            rule_ref: place,
            message: denial.map(|denial| denial.message.clone()),
        }
    }

    fn answer(&self, approved: bool, reason: &str) -> std::result::Result<(), String> {
        let id = self.waiting.as_deref().ok_or("no call waits for an answer")?;
        let operator = Peer::new(ANSWERS, 1, None);
        let answered = self.gate.answer(Operator { peer: &operator }, id, approved, reason);
        answered.map(|_| ()).map_err(|error| error.to_string())
    }

    fn outcome(&self, ok: bool, cost: Option<Value>) -> std::result::Result<(), String> {
        let (action_id, agent) = self.permitted.clone().ok_or("no call was permitted")?;
        let outcome = Outcome {
            action_id,
            agent,
            status: if ok { OutcomeStatus::Ok } else { OutcomeStatus::Error },
            duration_ms: 0,
            cost,
            usage: None,
            error: None,
        };
        let told = self.gate.outcome(&Peer::new(ASKS, 1, None), &outcome);
        self.gate.commit(true);
        told.map_err(|(_, message)| message)
    }
}

fn differences(expect: &Expect, found: &Expect) -> Vec<String> {
    let mut wrong = Vec::new();
    let shown = |text: &Option<String>| text.clone().unwrap_or_else(|| "nothing".to_owned());
    for (what, expect, found) in [
        ("effect", &expect.effect, &found.effect),
        ("code", &expect.code, &found.code),
        ("rule_ref", &expect.rule_ref, &found.rule_ref),
    ] {
        if expect.is_some() && expect != found {
            wrong.push(format!("{what}: expected {}, found {}", shown(expect), shown(found)));
        }
    }
    if let Some(part) = &expect.message
        && !found.message.as_ref().is_some_and(|message| message.contains(part.as_str()))
    {
        wrong.push(format!("message: expected one with `{part}`, found {}", shown(&found.message)));
    }
    if let (false, Some(message)) = (wrong.is_empty(), &found.message) {
        wrong.push(format!("because {message}"));
    }
    wrong
}
