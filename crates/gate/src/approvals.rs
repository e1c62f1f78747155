//! A person answers a deferred call. The answer counts when its record is durable.

use faramesh_call::{Object, Timestamp, Value};
use faramesh_dpr::{Canonical, Draft, Kind};
use faramesh_identity::Peer;
use faramesh_state::{Approval, Change, Resolution, Status};

use crate::gate::{Gate, Unrecorded, awaited};

/// Longest reason, in bytes.
pub(crate) const MAX_REASON_BYTES: usize = 1 << 10;

/// The person who acts, as the operators' socket proves.
#[derive(Debug, Clone, Copy)]
pub struct Operator<'a> {
    /// The process at the other end of the operators' socket.
    pub peer: &'a Peer,
}

/// Why an answer does not count.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ApprovalError {
    /// No such approval, or one of long ago.
    #[error("there is no approval `{0}`")]
    Unknown(Box<str>),
    /// It was answered, used or has expired.
    #[error("approval `{id}` is {status} already")]
    NotPending {
        /// Which approval.
        id: Box<str>,
        /// Where it stands.
        status: &'static str,
    },
    /// Approver and requester are the same user.
    #[error("{0} asked for this call and cannot approve it")]
    SamePerson(Box<str>),
    /// The same person answers twice where several must.
    #[error("{0} has approved this call already; it takes others")]
    AnsweredAlready(Box<str>),
    /// No reason, or one that is too long.
    #[error("a reason of 1 to {MAX_REASON_BYTES} bytes is needed")]
    Reason,
    /// The answer could not be recorded.
    #[error("the answer could not be recorded, so it does not count")]
    NotRecorded,
    /// The disk does not answer.
    #[error(
        "the ledger has not recorded the answer yet: it counts once it has; `faramesh approvals show` tells where \
         the approval stands"
    )]
    Late,
}

impl From<Unrecorded> for ApprovalError {
    fn from(unrecorded: Unrecorded) -> Self {
        match unrecorded {
            Unrecorded::Refused => Self::NotRecorded,
            Unrecorded::Late => Self::Late,
        }
    }
}

impl Gate {
    /// Answers a pending approval.
    ///
    /// # Errors
    /// The answer does not count; the error says why.
    pub fn answer(
        &self,
        operator: Operator<'_>,
        id: &str,
        approved: bool,
        reason: &str,
    ) -> Result<Approval, ApprovalError> {
        let reason = reason.trim();
        if reason.is_empty() || reason.len() > MAX_REASON_BYTES {
            return Err(ApprovalError::Reason);
        }
        let (completion, recorded) = awaited();
        let answered = {
            let mut inner = self.inner();
            let now = (self.settings.clock)();
            let approval = inner.state.approval(id).ok_or_else(|| ApprovalError::Unknown(id.into()))?.clone();
            let by = operator.peer.user();
            self.may_answer(&approval, by, approved, now)?;
            let resolution = Resolution { approved, by: by.into(), reason: reason.into(), at: now };
            let change = Change::ApprovalResolved { id: approval.id.clone(), resolution };
            let draft = self.answer_draft(&approval, &change);
            self.ledger.append(draft, now, completion).map_err(|_| ApprovalError::NotRecorded)?;
            inner.state.apply(&change);
            inner.state.approval(id).cloned().ok_or_else(|| ApprovalError::Unknown(id.into()))?
        };
        self.recorded(&recorded)?;
        self.approvals_changed();
        Ok(answered)
    }

    fn may_answer(
        &self,
        approval: &Approval,
        by: &str,
        approved: bool,
        now: Timestamp,
    ) -> Result<(), ApprovalError> {
        let status = approval.status_at(now);
        if status != Status::Pending {
            return Err(ApprovalError::NotPending { id: approval.id.clone(), status: status.as_str() });
        }
        // On a developer's own machine there is nobody else; the record shows who it was.
        if approved && !self.settings.dev && *approval.requester == *by {
            return Err(ApprovalError::SamePerson(by.into()));
        }
        if approved && !self.settings.dev && approval.approved_by.iter().any(|known| **known == *by) {
            return Err(ApprovalError::AnsweredAlready(by.into()));
        }
        Ok(())
    }

    fn answer_draft<'a>(&self, approval: &'a Approval, change: &Change) -> Draft<'a> {
        let status = match change {
            Change::ApprovalResolved { resolution, .. } if resolution.approved => Status::Approved,
            _ => Status::Denied,
        };
        let members: Object =
            [("id", Value::string(approval.id.clone())), ("status", Value::from(status.as_str()))]
                .into_iter()
                .collect();
        Draft {
            kind: Kind::Approval,
            tool: Some((&*approval.binding.tool).into()),
            parent: Some((&*approval.record).into()),
            approval: Some(Canonical::from(members)),
            changes: Some(Canonical::from(&Value::List(vec![change.to_value()]))),
            dev: self.settings.dev,
            ..Draft::default()
        }
    }
}
