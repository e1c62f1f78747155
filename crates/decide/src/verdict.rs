//! What the engine says about a call.

use faramesh_call::{Code, Effect, Object, Timestamp, Value};
use faramesh_program::{Agent, Rule};
use faramesh_state::Change;
use faramesh_state::limits::Want;

use crate::trace::Trace;

/// The verdict on one call. It becomes a decision when its record is durable.
#[derive(Debug)]
pub struct Verdict<'a> {
    /// What happens with the call.
    pub effect: Effect,
    /// Why, as a code.
    pub code: Code,
    /// Why, in words for the agent; empty for a permit.
    pub message: String,
    /// The agent that was decided for.
    pub agent: &'a Agent,
    /// The rule that matched; `None` for the agent's default.
    pub rule: Option<&'a Rule>,
    /// The rules that were tried.
    pub trace: Trace,
    /// Changes of state; they are in the record and applied with it.
    pub changes: Vec<Change>,
    /// The approval that this call waits for, used, or was denied by.
    pub approval: Option<ApprovalUse>,
    /// The smallest change of the call that would loosen the verdict, when one is known.
    pub next: Option<String>,
    /// The arguments after redaction, when anything was redacted.
    pub redacted_args: Option<Value>,
    /// The fields that were redacted.
    pub redacted: Vec<String>,
    /// What of the state was read, beside approvals; [`faramesh_state::State::of_inputs`] reads it.
    pub inputs: Object,
    /// What the caller should know beside the verdict, each with its code.
    pub warnings: Vec<(Code, String)>,
    /// When a denial by a limit ends, as far as that can be told.
    pub relief: Option<Relief>,
    /// The budgets that ask for a person, by name, when it is they and no rule.
    pub over: Option<Box<str>>,
    /// The loosest effect that the delegations of the call let through.
    pub ceiling: Effect,
    /// What a task still needs, when it is not complete.
    pub blocked: Option<Blocked>,
    /// What more of shared ceilings the call needs, or calls like it will need soon.
    pub wants: Vec<Want>,
}

/// What a task still needs to be complete.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Blocked {
    /// A person's answer to these approvals.
    Approvals(Vec<Box<str>>),
    /// These requirements, as policies write them.
    Unmet(Vec<Box<str>>),
}

/// When a denial by a limit ends.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Relief {
    /// After so many seconds.
    RetryAfter {
        /// At least 1.
        seconds: u64,
    },
    /// When the budget begins anew, or has enough again; `None` when time alone changes nothing.
    BudgetReset {
        /// In UTC.
        at: Option<Timestamp>,
    },
    /// When an operator does something, or a new session begins.
    Operator,
}

/// An approval as a decision refers to it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ApprovalUse {
    /// Its id.
    pub id: Box<str>,
    /// Where it stands after this decision.
    pub status: &'static str,
    /// Who answered, if anybody did.
    pub by: Option<Box<str>>,
    /// Why.
    pub reason: Option<Box<str>>,
}

impl<'a> Verdict<'a> {
    /// A denial, until a step says otherwise.
    pub(crate) fn new(agent: &'a Agent) -> Self {
        Self {
            effect: Effect::Deny,
            code: Code::PolicyDeny,
            message: String::new(),
            agent,
            rule: None,
            trace: Trace::default(),
            changes: Vec::new(),
            approval: None,
            next: None,
            redacted_args: None,
            redacted: Vec::new(),
            inputs: Object::new(),
            warnings: Vec::new(),
            relief: None,
            over: None,
            ceiling: Effect::Permit,
            blocked: None,
            wants: Vec::new(),
        }
    }

    /// Notes sums that were read, so that the record holds them.
    pub(crate) fn read_meter(&mut self, key: &str, sums: Object) {
        if sums.is_empty() {
            return;
        }
        match self.inputs.get_mut("meters") {
            Some(Value::Object(meters)) => {
                meters.insert(key, sums);
            }
            _ => {
                let meters: Object = [(key, sums)].into_iter().collect();
                self.inputs.insert("meters", meters);
            }
        }
    }

    /// Notes sums of another agent that were read.
    pub(crate) fn read_payer(&mut self, payer: &str, key: &str, sums: Object) {
        if sums.is_empty() {
            return;
        }
        let mut payers = match self.inputs.remove("payers") {
            Some(Value::Object(payers)) => payers,
            _ => Object::new(),
        };
        let mut meters = match payers.remove(payer) {
            Some(Value::Object(meters)) => meters,
            _ => Object::new(),
        };
        meters.insert(key, sums);
        payers.insert(payer, meters);
        self.inputs.insert("payers", payers);
    }

    /// What was not permitted spends nothing and uses no approval.
    pub(crate) fn take_back(&mut self) {
        self.approval = None;
        let spends = |change: &Change| {
            matches!(change, Change::ApprovalConsumed { .. } | Change::GrantUsed { .. } | Change::Reserved(_))
        };
        self.changes.retain(|change| !spends(change));
    }
}
