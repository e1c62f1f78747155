//! Every attribute of traces and logs.

/// An attribute of a span or a log record.
#[derive(Debug, PartialEq, Eq)]
pub struct Attribute {
    /// Its name.
    pub name: &'static str,
    /// Where its value stands in a record: a member, or a member of a member.
    pub path: &'static [&'static str],
    /// What it says, in a few words.
    pub help: &'static str,
}

/// Every attribute, in the order of the text. `gen_ai.…` are names of the semantic conventions of OpenTelemetry.
pub const ATTRIBUTES: &[Attribute] = &[
    attribute("faramesh.record.id", &["id"], "The record's id."),
    attribute(
        "faramesh.record.kind",
        &["kind"],
        "What the record is of: `decision`, `outcome`, `approval`, …",
    ),
    attribute("faramesh.record.seq", &["seq"], "The record's number in its epoch."),
    attribute("faramesh.epoch", &["epoch"], "The epoch of the ledger."),
    attribute("gen_ai.agent.name", &["agent"], "The agent, as the policy names it."),
    attribute("gen_ai.tool.name", &["tool"], "The tool that was called."),
    attribute("faramesh.action", &["action"], "What was asked: `tool_call`, `model_call`, `delegate`, …"),
    attribute("faramesh.effect", &["effect"], "What was decided: `permit`, `defer`, `deny`."),
    attribute("faramesh.enforced", &["enforced"], "Whether the decision bound the caller."),
    attribute("faramesh.code", &["code"], "Why, as a code."),
    attribute("faramesh.rule", &["rule", "ref"], "The rule that decided, as file and line."),
    attribute("faramesh.policy", &["policy"], "The hash of the policy in force."),
    attribute("faramesh.session", &["session"], "The session, as the caller names it."),
    attribute("faramesh.call_id", &["call_id"], "The framework's id of the call."),
    attribute("faramesh.request_id", &["request_id"], "The id of the request that the call belongs to."),
    attribute("faramesh.parent", &["parent"], "The record that this one is about."),
    attribute("faramesh.approval", &["approval", "id"], "The approval that was asked for or used."),
    attribute("faramesh.tier", &["tier"], "Where the call was stopped to be decided."),
    attribute("faramesh.state", &["detail", "state"], "What came of a policy, the daemon or an agent."),
    attribute(
        "faramesh.outcome.status",
        &["detail", "status"],
        "How the tool ended: `ok`, `error`, `timeout`.",
    ),
    attribute("faramesh.dev", &["dev"], "Whether `faramesh dev` wrote the record."),
];

const fn attribute(name: &'static str, path: &'static [&'static str], help: &'static str) -> Attribute {
    Attribute { name, path, help }
}
