//! Policies are built as images here: the language is not this crate's business.

use faramesh_program::encode;
use faramesh_program::image::{Attest, FieldStep, Mode, Redaction, RuleEffect};

use super::*;

fn rule(effect: RuleEffect, pattern: &str, rest: &str) -> RuleImage {
    RuleImage {
        effect,
        pattern: pattern.to_owned(),
        condition: None,
        reason: None,
        notify: Vec::new(),
        explain: true,
        reeval: false,
        approvals_required: 1,
        text: format!("{} {pattern}{rest}", effect.as_str()),
    }
}

fn agent(name: &str, rules: Vec<RuleImage>) -> AgentImage {
    AgentImage {
        name: name.to_owned(),
        anonymous: false,
        default: RuleEffect::Deny,
        attest: None,
        rules,
        redactions: Vec::new(),
        metadata: Vec::new(),
        blocks: faramesh_program::image::Blocks::default(),
    }
}

fn policy(agents: Vec<AgentImage>, runtime: Runtime) -> Policy {
    let lines =
        agents.iter().map(|agent| (1..).map(|line| (0, line)).take(agent.rules.len()).collect()).collect();
    let sources = Sources { files: vec!["governance.fms".to_owned()], rules: lines, ..Sources::default() };
    let image = Image { agents, runtime, ..Image::default() };
    Policy::read(&encode(&image, &sources).unwrap()).unwrap()
}

fn of_rules(rules: Vec<RuleImage>) -> Policy {
    policy(vec![agent("bot", rules)], Runtime::default())
}

fn texts(changes: &[Change]) -> Vec<(Option<&str>, Option<&str>)> {
    fn text(side: &Option<(String, String)>) -> Option<&str> {
        side.as_ref().map(|(text, _)| text.as_str())
    }
    changes.iter().map(|change| (text(&change.from), text(&change.to))).collect()
}

#[test]
fn a_tightened_rule_and_a_new_one() {
    use RuleEffect::{Deny, Permit};
    let old =
        of_rules(vec![rule(Permit, "stripe/charge", " if amount < $500"), rule(Permit, "docs/read", "")]);
    let new = of_rules(vec![
        rule(Permit, "stripe/charge", " if amount < $250"),
        rule(Permit, "docs/read", ""),
        rule(Deny, "stripe/payouts", ""),
    ]);
    let changes = compare(Some(&old), &new);
    assert_eq!(
        texts(&changes.changed),
        [(Some("permit stripe/charge if amount < $500"), Some("permit stripe/charge if amount < $250"))]
    );
    assert_eq!(texts(&changes.added), [(None, Some("deny stripe/payouts"))]);
    assert_eq!((changes.count(), changes.removed.len(), changes.moved.len()), (2, 0, 0));
    assert_eq!(changes.added[0].to.as_ref().unwrap().1, "governance.fms:3");
    let value = changes.to_value();
    let diff = value.get("diff").unwrap();
    assert_eq!(diff.get("rules").unwrap().get("added").unwrap().as_list().unwrap().len(), 1);
    assert_eq!(diff.get("budgets").unwrap().as_list(), Some(&[][..]));
}

#[test]
fn order_is_a_change() {
    use RuleEffect::{Deny, Permit};
    let (first, second) = (rule(Permit, "a", ""), rule(Deny, "*", ""));
    let changes =
        compare(Some(&of_rules(vec![first.clone(), second.clone()])), &of_rules(vec![second, first]));
    assert_eq!((changes.moved.len(), changes.count()), (1, 1));
}

#[test]
fn the_same_policy_has_no_changes() {
    let same = of_rules(vec![rule(RuleEffect::Permit, "a", "")]);
    let changes = compare(Some(&same), &same);
    assert!(changes.is_empty());
    assert_eq!(changes.from.as_deref(), Some(same.hash()));
}

#[test]
fn agents_defaults_redactions_and_settings() {
    let mut before = agent("bot", Vec::new());
    before.redactions = vec![Redaction {
        pattern: "pay".to_owned(),
        fields: vec![vec![FieldStep::Key("card".to_owned())]],
        subject: Vec::new(),
        seal: false,
    }];
    let mut after = agent("bot", Vec::new());
    after.default = RuleEffect::Defer;
    after.attest = Some(Attest { uid: Some(7), ..Attest::default() });
    let runtime = Runtime { mode: Mode::Audit, ..Runtime::default() };
    let old = policy(vec![before, agent("gone", Vec::new())], Runtime::default());
    let new = policy(vec![after, agent("fresh", vec![rule(RuleEffect::Permit, "x", "")])], runtime);
    let changes = compare(Some(&old), &new);
    let names =
        |settings: &[Setting]| settings.iter().map(|setting| setting.name.clone()).collect::<Vec<_>>();
    assert_eq!(names(&changes.agents), ["fresh", "gone"]);
    assert_eq!(names(&changes.defaults), ["bot"]);
    assert_eq!(changes.attests, [setting("bot", None, Some("uid = 7".to_owned()))]);
    assert_eq!(changes.redactions, [setting("bot pay", Some("card".to_owned()), None)]);
    assert_eq!(changes.runtime, [setting("mode", Some("enforce".to_owned()), Some("audit".to_owned()))]);
    assert_eq!(texts(&changes.added), [(None, Some("permit x"))]);
}

#[test]
fn a_first_policy_is_all_new() {
    let changes = compare(None, &of_rules(vec![rule(RuleEffect::Permit, "a", "")]));
    assert_eq!((changes.from.as_deref(), changes.agents.len(), changes.added.len()), (None, 1, 1));
    assert!(changes.runtime.is_empty());
}
