//! A caller asks what became of its deferred call. It never sends the arguments again to learn that.

use faramesh_call::{Action, Code, Effect, Object, Tier, Value};
use faramesh_dpr::{Canonical, Draft, Kind, RuleRef};
use faramesh_identity::{Identity, Peer, identify};
use faramesh_ledger::{Receipt, Unavailable};
use faramesh_program::image::Mode;
use faramesh_program::{Agent, Program, Rule, hex};
use faramesh_state::fold::DEFAULT_RULE;
use faramesh_state::{Approval, Change, Standing, Status};

use crate::gate::Gate;
use crate::lifecycle::Lifecycle;
use crate::record::recorded;

/// What became of a deferred call.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PollStatus {
    /// Where it stands; `None` when the token is unknown, or somebody else's.
    pub status: Option<Status>,
    /// Why, when a person said so.
    pub reason: Option<Box<str>>,
}

/// Receives the answer of [`Gate::redeem`]: whether the call may run now.
pub type Redeemed = Box<dyn FnOnce(PollStatus) + Send>;

impl PollStatus {
    fn unknown() -> Self {
        Self { status: None, reason: None }
    }

    fn only(status: Status) -> Self {
        Self { status: Some(status), reason: None }
    }

    fn of(approval: &Approval, status: Status) -> Self {
        let reason = approval.resolution.as_ref().map(|resolution| resolution.reason.clone());
        Self { status: Some(status), reason }
    }

    /// Whether there is nothing to wait for any more.
    #[must_use]
    pub fn is_settled(&self) -> bool {
        self.status != Some(Status::Pending)
    }

    /// The word on the wire. A used approval was approved.
    #[must_use]
    pub fn word(&self) -> &'static str {
        match self.status {
            None => "unknown",
            Some(Status::Consumed) => Status::Approved.as_str(),
            Some(status) => status.as_str(),
        }
    }
}

/// Whether a permit of this tool is weighed against a limit: what it takes, and whether its session, model
/// and host may have it, is in the call.
fn is_limited(agent: &Agent, tool: &str) -> bool {
    agent.limits().is_some_and(|limits| {
        limits.ceilings(tool).next().is_some()
            || limits.rates(tool).next().is_some()
            || limits.facts().of_tool(tool).next().is_some()
            || limits.session().is_some()
            || limits.models().is_some()
            || limits.egress().is_some()
    })
}

impl Gate {
    /// Where a deferred call stands. Changes nothing.
    #[must_use]
    pub fn poll(&self, peer: &Peer, token: &str) -> PollStatus {
        let inner = self.inner();
        match inner.state.approval(token) {
            Some(approval) if *approval.requester == *peer.user() => {
                PollStatus::of(approval, approval.status_at((self.settings.clock)()))
            }
            _ => PollStatus::unknown(),
        }
    }

    /// For clients that run the tool as soon as a poll says "approved", without asking again: the
    /// poll is the retry. An approved call is permitted here once, recorded, and told only then. It
    /// counts only under the very policy that deferred it, because there is no call to decide anew.
    pub fn redeem(&self, tier: Tier, peer: &Peer, claimed: Option<&str>, token: &str, answer: Redeemed) {
        if self.lifecycle() != Lifecycle::Ready {
            return answer(PollStatus::only(Status::Pending));
        }
        let mut inner = self.inner();
        let now = (self.settings.clock)();
        let Some(approval) =
            inner.state.approval(token).filter(|found| *found.requester == *peer.user()).cloned()
        else {
            // These clients know no "unknown"; what is not there can never be used.
            return answer(PollStatus::only(Status::Expired));
        };
        let status = approval.status_at(now);
        if status != Status::Approved {
            let told = if status == Status::Consumed { Status::Expired } else { status };
            return answer(PollStatus::of(&approval, told));
        }
        let program = std::sync::Arc::clone(&inner.program);
        let identity = identify(&program, peer, claimed, self.settings.dev)
            .ok()
            .filter(|(agent, _)| agent.name == approval.binding.agent)
            .map(|(_, identity)| identity);
        let Some(identity) = identity.filter(|_| approval.policy == *program.hash()) else {
            return answer(PollStatus::only(Status::Expired));
        };
        let control = inner.state.control(&approval.binding.agent);
        if control.is_some_and(|control| control.standing != Standing::Running) {
            let reason = Some("an operator keeps this agent from running".into());
            return answer(PollStatus { status: Some(Status::Denied), reason });
        }
        let reeval = program.agent(&approval.binding.agent).is_some_and(|agent| {
            let same = |rule: &&Rule| *hex(&rule.digest) == *approval.binding.rule_digest;
            agent.all_rules().find(same).is_some_and(|rule| rule.reeval)
        });
        // The call itself is not here, so nothing can be weighed.
        if reeval
            || program
                .agent(&approval.binding.agent)
                .is_some_and(|agent| is_limited(agent, &approval.binding.tool))
        {
            let reason = Some("it counts for a limit: make the call again, it is approved".into());
            return answer(PollStatus { status: Some(Status::Expired), reason });
        }
        let mut draft = self.redeemed_draft(tier, &program, &approval, &identity);
        draft.agent_seq = Some(inner.state.next_agent_seq(&approval.binding.agent));
        let told = PollStatus::of(&approval, Status::Approved);
        let completion = move |result: Result<Receipt, Unavailable>| match result {
            Ok(_) => answer(told),
            Err(_) => answer(PollStatus::only(Status::Expired)),
        };
        if self.ledger.append(draft, now, Box::new(completion)).is_ok() {
            inner.state.count_record(&approval.binding.agent);
            inner.state.apply(&Change::ApprovalConsumed { id: approval.id });
        }
    }

    fn redeemed_draft<'a>(
        &self,
        tier: Tier,
        program: &Program,
        approval: &'a Approval,
        identity: &Identity<'a>,
    ) -> Draft<'a> {
        let change = Change::ApprovalConsumed { id: approval.id.clone() };
        let mut members: Object =
            [("id", Value::string(approval.id.clone())), ("status", Value::from(Status::Consumed.as_str()))]
                .into_iter()
                .collect();
        if let Some(resolution) = &approval.resolution {
            members.insert("by", Value::string(resolution.by.clone()));
            members.insert("reason", Value::string(resolution.reason.clone()));
        }
        let rule = (*approval.binding.rule_digest != *DEFAULT_RULE).then(|| RuleRef {
            reference: (&*approval.rule_ref).into(),
            digest: (&*approval.binding.rule_digest).into(),
        });
        Draft {
            kind: Kind::Decision,
            agent: Some((&*approval.binding.agent).into()),
            identity: Some(recorded(identity)),
            tier: Some(tier),
            enforcement: vec![tier.as_str().into()],
            session: approval.session.as_deref().map(Into::into),
            parent: Some((&*approval.record).into()),
            tool: Some((&*approval.binding.tool).into()),
            action: Some(Action::ToolCall),
            args: Some(Canonical::from(&approval.args)),
            args_commitment: Some((&*approval.binding.commitment).into()),
            effect: Some(Effect::Permit),
            enforced: Some(program.runtime.mode == Mode::Enforce),
            code: Some(Code::Approved),
            rule,
            policy: Some(*program.hash()),
            changes: Some(Canonical::from(&Value::List(vec![change.to_value()]))),
            approval: Some(Canonical::from(members)),
            dev: self.settings.dev,
            ..Draft::default()
        }
    }
}
