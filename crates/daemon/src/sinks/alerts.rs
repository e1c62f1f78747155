//! Whom a policy has told of which records: its `alert` blocks, and `notify` of rules. A message names agent,
//! tool, verdict, rule and reason, as they are in the record; arguments never.

use std::collections::{BTreeMap, BTreeSet};
use std::io::{self, Write};
use std::sync::Arc;

use faramesh_call::{Effect, Value, json, object};
use faramesh_program::image::{AlertEvent, Provider};
use faramesh_program::tools::pattern_matches;
use faramesh_program::{Program, hex};
use faramesh_sinks::{
    Address, Channel, Config, Destination, From, Limits, Mail, MailServer, Secret, SigningSecret, Teller,
    Told,
};

use super::{BATCH_BYTES, BATCH_RECORDS, BATCH_WAIT, LOCAL_BATCH_WAIT, Settings, TIMEOUT};
use crate::layout::Layout;

const SLACK: &str = "https://slack.com/api/chat.postMessage";
const PAGERDUTY: &str = "https://events.pagerduty.com/v2/enqueue";
/// Longest tool, agent or reason in a message, in characters.
const MAX_SHOWN: usize = 200;
/// Most targets that are told of a start that failed.
const MAX_TOLD_AT_ONCE: usize = 16;

/// One target's share of a policy.
#[derive(Debug, Default)]
struct Watch {
    wanted: Vec<Wanted>,
    /// Digests of rules with a `notify` for this target, and what they do: decisions of theirs are told.
    rules: BTreeMap<String, Effect>,
    /// The agents that have a name of their own.
    agents: BTreeSet<String>,
}

/// An `alert` of an agent.
#[derive(Debug)]
struct Wanted {
    /// Nothing: of the agents that are not named.
    agent: Option<String>,
    on: Vec<AlertEvent>,
    tools: Vec<String>,
}

/// One sink for every target that the policy names.
pub(super) fn declared(
    program: &Program,
    layout: &Layout,
    environment: &dyn Fn(&str) -> Option<String>,
) -> Vec<Config> {
    let has_slack = program.providers.iter().any(|provider| provider.kind == "slack");
    let mut watches: BTreeMap<String, Watch> = BTreeMap::new();
    for agent in program.agents() {
        let name = (!agent.anonymous).then(|| agent.name.to_string());
        for alert in &agent.alerts {
            for target in &alert.notify {
                watches.entry(target.clone()).or_default().wanted.push(Wanted {
                    agent: name.clone(),
                    on: alert.on.clone(),
                    tools: alert.tools.clone(),
                });
            }
        }
        for rule in agent.all_rules() {
            for target in rule.notify.iter().filter_map(|notify| target(notify, has_slack)) {
                watches.entry(target).or_default().rules.insert(hex(&rule.digest), rule.effect.effect());
            }
        }
    }
    let named = program.agents().iter().filter(|agent| !agent.anonymous);
    let agents: BTreeSet<String> = named.map(|agent| agent.name.to_string()).collect();
    let configs = watches.into_iter().map(|(target, watch)| {
        let teller = Arc::new(Watch { agents: agents.clone(), ..watch });
        let (kind, channel) = channel(&target, program, layout, environment);
        let destination = channel.map_or_else(
            |why| Destination::Unusable { kind, why },
            |channel| Destination::Alerts { teller, channel },
        );
        let wait = if kind == "stderr-alert" { LOCAL_BATCH_WAIT } else { BATCH_WAIT };
        let limits = Limits { records: BATCH_RECORDS, bytes: BATCH_BYTES, wait };
        Config { name: format!("alert {target}"), destination, from: From::Now, limits }
    });
    configs.collect()
}

/// Where the `notify` of a rule is told; `None` for a word that is only shown to approvers.
fn target(notify: &str, has_slack: bool) -> Option<String> {
    if notify.contains("://") {
        return Some(notify.to_owned());
    }
    (has_slack && notify.starts_with('#')).then(|| format!("slack://{notify}"))
}

fn channel(
    target: &str,
    program: &Program,
    layout: &Layout,
    environment: &dyn Fn(&str) -> Option<String>,
) -> (&'static str, Result<Channel, String>) {
    let (scheme, rest) = target.split_once("://").unwrap_or((target, ""));
    let settings = |kind: &str| -> Result<Settings<'_>, String> {
        let provider = provider(program, kind, rest)?;
        Ok(Settings { provider, environment })
    };
    match scheme {
        "stderr" => ("stderr-alert", Ok(Channel::Stderr)),
        "webhook" => {
            ("webhook-alert", settings("webhook").and_then(|settings| settings.signed(rest, layout)))
        }
        "slack" => ("slack-alert", settings("slack").and_then(|settings| settings.slack(rest))),
        "email" => ("email-alert", settings("smtp").and_then(|settings| settings.mail(rest, layout))),
        "pagerduty" => ("pagerduty-alert", settings("pagerduty").and_then(|settings| settings.pagerduty())),
        other => ("alert", Err(format!("nobody can be told at `{other}://` in this version"))),
    }
}

/// The provider of a type: the one that the target names, or else the only one.
fn provider<'a>(program: &'a Program, kind: &str, name: &str) -> Result<&'a Provider, String> {
    let of_kind: Vec<&Provider> = program.providers.iter().filter(|provider| provider.kind == kind).collect();
    match (of_kind.iter().find(|provider| provider.name == name), of_kind.as_slice()) {
        (Some(named), _) => Ok(named),
        (None, [only]) => Ok(only),
        (None, []) => Err(format!("no provider says how: declare one with `type = \"{kind}\"`")),
        (None, _) => Err(format!("several providers are of type `{kind}`: leave one of them")),
    }
}

impl Settings<'_> {
    fn address(&self, default: &str) -> Result<Address, String> {
        let url = self.text("url")?.unwrap_or_else(|| default.to_owned());
        Address::parse(&url).map_err(|error| format!("`url`: {error}"))
    }

    fn timeout(&self) -> std::time::Duration {
        self.number("timeout").map_or(TIMEOUT, std::time::Duration::from_millis)
    }

    fn signed(&self, place: &str, layout: &Layout) -> Result<Channel, String> {
        let secret =
            SigningSecret::parse(&self.needed("secret")?).map_err(|error| format!("`secret`: {error}"))?;
        // Plain text is for this machine, and an address of this machine is plain text.
        let address = Address::parse(&format!("http://{place}"))
            .or_else(|_| Address::parse(&format!("https://{place}")))
            .map_err(|error| error.to_string())?;
        let authorities = self.text("ca_file")?.map(|path| layout.resolve(&path));
        Ok(Channel::Webhook { address, secret, timeout: self.timeout(), authorities })
    }

    fn slack(&self, channel: &str) -> Result<Channel, String> {
        let token = self.header("token")?.as_deref().map(Secret::new);
        if token.is_none() && self.text("url")?.is_none() {
            return Err("`token` of a bot is missing, or `url` of an incoming webhook".to_owned());
        }
        Ok(Channel::Slack {
            channel: channel.to_owned(),
            address: self.address(SLACK)?,
            token,
            timeout: self.timeout(),
        })
    }

    fn mail(&self, to: &str, layout: &Layout) -> Result<Channel, String> {
        let server = MailServer::parse(&self.needed("url")?).map_err(|error| format!("`url`: {error}"))?;
        let login = match (self.text("username")?, self.text("token")?) {
            (Some(name), Some(password)) => Some((name, Secret::new(&password))),
            (None, None) => None,
            _ => return Err("`username` and `token` belong together".to_owned()),
        };
        let authorities = self.text("ca_file")?.map(|path| layout.resolve(&path));
        let from = self.needed("sender")?;
        Ok(Channel::Mail(Mail {
            to: to.to_owned(),
            from,
            server,
            login,
            timeout: self.timeout(),
            authorities,
        }))
    }

    fn pagerduty(&self) -> Result<Channel, String> {
        let key = Secret::new(&self.needed("token")?);
        Ok(Channel::PagerDuty { address: self.address(PAGERDUTY)?, key, timeout: self.timeout() })
    }
}

impl Teller for Watch {
    fn told(&self, record: &[u8]) -> Option<Told> {
        let record = json::parse(record).ok()?;
        let text = |path: &[&str]| at(&record, path).and_then(Value::as_str).unwrap_or_default();
        if text(&["kind"]) != "decision" {
            return self.alarm(&record);
        }
        let nears = budget_warning(&record);
        let (agent, tool, effect) = (text(&["agent"]), text(&["tool"]), text(&["effect"]));
        // What a rule deferred is decided in other ways later: that is not told again.
        let by_rule = self.rules.get(text(&["rule", "digest"])).is_some_and(|told| told.as_str() == effect);
        let is_wanted = self.wanted.iter().any(|wanted| {
            let is_agent = match &wanted.agent {
                Some(name) => name == agent,
                None => !self.agents.contains(agent),
            };
            is_agent
                && (wanted.tools.is_empty()
                    || wanted.tools.iter().any(|pattern| pattern_matches(pattern, tool)))
                && wanted.on.iter().any(|event| happened(*event, effect, text(&["code"]), nears.as_deref()))
        });
        if !by_rule && !is_wanted {
            return None;
        }
        let fields = object! {
            "id" => text(&["id"]),
            "time" => text(&["time"]),
            "agent" => shown(agent),
            "tool" => shown(tool),
            "effect" => effect,
            "code" => text(&["code"]),
            "reason" => shown(text(&["reason"])),
            "rule_ref" => text(&["rule", "ref"]),
            "approval_id" => text(&["approval", "id"]),
            "budget_near" => nears,
        };
        Some(Told { id: text(&["id"]).to_owned(), line: line(&fields), fields })
    }
}

impl Watch {
    /// A record of a witness that saw another history.
    fn alarm(&self, record: &Value) -> Option<Told> {
        let text = |path: &[&str]| at(record, path).and_then(Value::as_str).unwrap_or_default();
        let event = text(&["detail", "event"]);
        let wants = |wanted: &Wanted| wanted.on.contains(&AlertEvent::ChainBroken);
        if !event.starts_with("witness_") || !self.wanted.iter().any(wants) {
            return None;
        }
        let witness = shown(text(&["detail", "witness"]));
        let what = format!(
            "the ledger is not what witness `{witness}` saw ({event}): run `faramesh audit verify --witness`"
        );
        Some(broken(text(&["id"]), what))
    }
}

/// The message of a history that is not as it was written.
fn broken(id: &str, what: String) -> Told {
    let line = format!("chain broken: {what}");
    Told {
        id: id.to_owned(),
        line,
        fields: object! { "id" => id, "event" => "chain_broken", "reason" => what },
    }
}

/// Tells whoever wants to hear of a broken chain that the daemon did not start over one, or stopped deciding. Nobody
/// is told of it by a record: none can be written.
pub(crate) fn tell_of_damage(program: &Program, layout: &Layout, what: &str) {
    let environment = |name: &str| std::env::var(name).ok();
    let wanted = program.agents().iter().flat_map(|agent| &agent.alerts);
    let wanted = wanted.filter(|alert| alert.on.contains(&AlertEvent::ChainBroken));
    let targets: BTreeSet<&String> = wanted.flat_map(|alert| &alert.notify).collect();
    let now = crate::start::now();
    for target in targets.into_iter().take(MAX_TOLD_AT_ONCE) {
        let (_, channel) = channel(target, program, layout, &environment);
        let told = broken(&format!("start-{}", now.0), shown(what));
        if let Err(why) =
            channel.and_then(|channel| faramesh_sinks::tell(channel, told).map_err(|failure| failure.message))
        {
            let _ = writeln!(io::stderr(), "could not tell {target} of it: {why}");
        }
    }
}

/// The first budget that the call brought near its ceiling.
fn budget_warning(record: &Value) -> Option<String> {
    let changes = record.get("changes")?.as_list()?;
    let charges = changes.iter().filter_map(|change| change.get("charges")?.as_list());
    let warned = |charge: &&Value| charge.get("warned").and_then(Value::as_bool) == Some(true);
    let charge = charges.flatten().find(warned)?;
    charge.get("meter").and_then(Value::as_str).map(shown)
}

fn happened(event: AlertEvent, effect: &str, code: &str, budget_near: Option<&str>) -> bool {
    match event {
        AlertEvent::Deny => effect == "deny",
        AlertEvent::Defer => effect == "defer",
        AlertEvent::Permit => effect == "permit",
        AlertEvent::Approved => code == "APPROVED",
        AlertEvent::BudgetExceeded => code == "BUDGET_EXCEEDED",
        AlertEvent::RateExceeded => code == "RATE_EXCEEDED",
        AlertEvent::BudgetWarning => budget_near.is_some(),
        // No decision says it.
        AlertEvent::ChainBroken => false,
    }
}

/// What a caller wrote, on one line and not endless.
fn shown(text: &str) -> String {
    text.chars().map(|letter| if letter.is_control() { ' ' } else { letter }).take(MAX_SHOWN).collect()
}

fn line(fields: &faramesh_call::Object) -> String {
    let text = |key: &str| fields.get(key).and_then(Value::as_str).unwrap_or_default();
    let mut line = format!("{} {} by {} ({})", text("effect"), text("tool"), text("agent"), text("code"));
    if !text("reason").is_empty() {
        line.push_str(&format!(": {}", text("reason")));
    }
    if !text("budget_near").is_empty() {
        line.push_str(&format!("; the budget `{}` is nearly spent", text("budget_near")));
    }
    if !text("rule_ref").is_empty() {
        line.push_str(&format!(" [{}]", text("rule_ref")));
    }
    if text("effect") == "defer" && !text("approval_id").is_empty() {
        line.push_str(&format!("; `faramesh approvals show {}`", text("approval_id")));
    }
    line
}

fn at<'a>(value: &'a Value, path: &[&str]) -> Option<&'a Value> {
    path.iter().try_fold(value, |value, key| value.get(key))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn record(agent: &str, tool: &str, effect: &str, code: &str) -> Vec<u8> {
        let record = object! {
            "kind" => "decision",
            "id" => "dpr-1",
            "agent" => agent,
            "tool" => tool,
            "effect" => effect,
            "code" => code,
            "reason" => "line\nbreak",
            "args" => object! { "path" => "CANARY" },
            "rule" => object! { "ref" => "governance.fms:3", "digest" => "d1" },
        };
        json::canonical(&record.into())
    }

    fn watch(agent: Option<&str>, on: &[AlertEvent], tools: &[&str]) -> Watch {
        let wanted = Wanted {
            agent: agent.map(str::to_owned),
            on: on.to_vec(),
            tools: tools.iter().map(|tool| (*tool).to_owned()).collect(),
        };
        Watch { wanted: vec![wanted], rules: BTreeMap::new(), agents: BTreeSet::from(["a".to_owned()]) }
    }

    #[test]
    fn only_what_was_asked_for_is_told() {
        let tells = |watch: &Watch, agent, tool, effect, code| {
            watch.told(&record(agent, tool, effect, code)).is_some()
        };
        let denied = watch(Some("a"), &[AlertEvent::Deny], &["stripe/*"]);
        assert!(tells(&denied, "a", "stripe/refund", "deny", "POLICY_DENY"));
        assert!(!tells(&denied, "a", "mail/send", "deny", "POLICY_DENY"));
        assert!(!tells(&denied, "b", "stripe/refund", "deny", "POLICY_DENY"));
        assert!(!tells(&denied, "a", "stripe/refund", "permit", "POLICY_PERMIT"));
        let approved = watch(Some("a"), &[AlertEvent::Approved], &[]);
        assert!(tells(&approved, "a", "x", "permit", "APPROVED"));
        assert!(!tells(&approved, "a", "x", "permit", "POLICY_PERMIT"));
        let limits = watch(Some("a"), &[AlertEvent::BudgetExceeded, AlertEvent::RateExceeded], &[]);
        assert!(
            tells(&limits, "a", "x", "deny", "BUDGET_EXCEEDED")
                && tells(&limits, "a", "x", "deny", "RATE_EXCEEDED")
        );
        assert!(!tells(&limits, "a", "x", "deny", "POLICY_DENY"));
        // The agent of flat rules is every agent that has no block of its own.
        let others = watch(None, &[AlertEvent::Deny], &[]);
        assert!(tells(&others, "anybody", "x", "deny", "POLICY_DENY"));
        assert!(!tells(&others, "a", "x", "deny", "POLICY_DENY"));
    }

    #[test]
    fn a_rule_tells_of_what_it_does_on_one_line_without_arguments() {
        let watch = Watch { rules: BTreeMap::from([("d1".to_owned(), Effect::Defer)]), ..Watch::default() };
        assert_eq!(watch.told(&record("a", "x", "deny", "RATE_EXCEEDED")), None);
        assert_eq!(watch.told(b"rubbish"), None);
        let told = watch.told(&record("a", "x", "defer", "POLICY_DEFER")).unwrap();
        assert_eq!(told.line, "defer x by a (POLICY_DEFER): line break [governance.fms:3]");
        assert!(!format!("{told:?}").contains("CANARY"));
    }

    #[test]
    fn words_for_approvers_are_no_targets() {
        assert_eq!(target("#refunds", true).as_deref(), Some("slack://#refunds"));
        assert_eq!(target("#refunds", false), None);
        assert_eq!(target("the fraud desk", true), None);
        assert_eq!(target("email://a@b.example", false).as_deref(), Some("email://a@b.example"));
    }
}
