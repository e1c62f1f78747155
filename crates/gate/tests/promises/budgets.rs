//! Budgets hold: what is spent, what is given back, when a window begins anew, and who is asked.

use std::sync::Arc;

use faramesh_call::{Call, Number, Value};
use faramesh_gate::{Gate, Outcome, OutcomeStatus, Reply};
use faramesh_state::State;
use faramesh_state::limits::{Period, RESERVATION_MS, Spent};

use crate::clock::{NOON, back, clocked, forward, replayed, set};
use crate::stack::{
    answer, ask, call, code, memory, message, on_disk, peer, program, record_of, redeem, token, wire,
};

const HOUR: u64 = 3_600_000;

/// An agent whose refunds count for these budgets.
fn policy(budgets: &str) -> String {
    format!(
        r#"
runtime {{ allow_self_declared_identity = true  timezone = "America/New_York" }}
agent "a" {{
  default deny
  rules {{
    permit refund if amount < 100
    defer  refund reason "large refunds wait"
    permit search
  }}
  {budgets}
}}
agent "b" {{ default permit }}
"#
    )
}

fn gate(budgets: &str) -> Arc<Gate> {
    set(NOON);
    clocked(&program(&policy(budgets)), memory(), State::default())
}

fn refund(gate: &Gate, amount: &str) -> Reply {
    ask(gate, call("a", "refund", &format!("{{\"amount\":{amount}}}")))
}

fn spent(gate: &Gate, budget: &str) -> Spent {
    let state = gate.state();
    let meter = state.limits().of("a").and_then(|limits| limits.meter(budget));
    meter.and_then(|meter| meter.periods().last()).map(|(_, spent)| *spent).unwrap_or_default()
}

fn report(gate: &Gate, agent: &str, reply: &Reply, status: OutcomeStatus, cost: Option<&str>) {
    let outcome = Outcome {
        action_id: reply.action_id.clone(),
        agent: Some(agent.into()),
        status,
        duration_ms: 1,
        cost: cost.map(|cost| Value::Number(Number::parse(cost).unwrap())),
        usage: None,
        error: None,
    };
    gate.outcome(&peer(1000), &outcome).unwrap();
    gate.commit(true);
}

fn resets_at(reply: &Reply) -> Option<String> {
    let wire = wire(reply);
    let resolution = wire.get("resolution").unwrap();
    assert_eq!(resolution.get("type").and_then(Value::as_str), Some("budget_reset"));
    resolution.get("resets_at").and_then(Value::as_str).map(str::to_owned)
}

#[test]
fn the_sum_never_passes_the_ceiling_and_is_exact() {
    let budget = "budget daily { max $10 tools [\"refund\"] cost amount }";
    let gate = gate(budget);
    for amount in ["4", "5.999999", "0.000001"] {
        assert_eq!(code(&refund(&gate, amount)), "PERMIT", "{amount}");
    }
    let denied = refund(&gate, "0.0000000001");
    assert_eq!(code(&denied), "BUDGET_EXCEEDED", "less than a millionth is one");
    assert_eq!(resets_at(&denied).as_deref(), Some("2026-11-21T05:00:00.000Z"), "midnight in New York");
    assert!(message(&denied).contains("`daily` has $0 of $10 left"), "{}", message(&denied));
    assert_eq!(code(&refund(&gate, "0")), "PERMIT", "what costs nothing fits");
    assert_eq!(code(&ask(&gate, call("a", "search", "{}"))), "PERMIT", "another tool does not count");
    assert_eq!(code(&ask(&gate, call("b", "refund", "{\"amount\":50}"))), "PERMIT", "nor another agent");
    forward(17 * HOUR);
    assert_eq!(code(&refund(&gate, "9")), "PERMIT", "a new day");
    back(10 * HOUR);
    assert_eq!(code(&refund(&gate, "2")), "BUDGET_EXCEEDED", "a clock that went back opens no day");
    assert_eq!(code(&refund(&gate, "1")), "PERMIT");
    assert_eq!(replayed(&gate, &program(&policy(budget))), 10);
}

#[test]
fn a_cost_that_cannot_be_told_is_denied() {
    let gate = gate("budget daily { max $10 cost price on_exceed audit }");
    for args in ["{\"amount\":1}", "{\"amount\":1,\"price\":\"9\"}", "{\"amount\":1,\"price\":-5}"] {
        let denied = ask(&gate, call("a", "refund", args));
        assert_eq!(code(&denied), "BUDGET_EXCEEDED", "{args}");
        assert!(message(&denied).contains("cannot tell what this call costs"), "{}", message(&denied));
        assert_eq!(resets_at(&denied), None);
    }
}

#[test]
fn a_call_that_is_not_permitted_spends_nothing() {
    let gate = gate("budget daily { max $1000 max_calls 3 cost amount }");
    let waits = refund(&gate, "500");
    assert_eq!(code(&waits), "POLICY_DEFER");
    assert_eq!(spent(&gate, "daily"), Spent::default());
    answer(&gate, &token(&waits), true);
    assert_eq!(code(&refund(&gate, "500")), "PERMIT");
    assert_eq!((spent(&gate, "daily").micros, spent(&gate, "daily").calls), (500_000_000, 1));
    assert_eq!(code(&refund(&gate, "500")), "POLICY_DEFER", "an approval is good for one call");
    assert_eq!(spent(&gate, "daily").calls, 1);
}

#[test]
fn an_approval_survives_a_budget_that_is_empty() {
    let gate = gate("budget daily { max $600 cost amount }");
    let waits = refund(&gate, "550");
    answer(&gate, &token(&waits), true);
    assert_eq!(code(&refund(&gate, "99")), "PERMIT");
    assert_eq!(code(&refund(&gate, "550")), "BUDGET_EXCEEDED");
    forward(17 * HOUR);
    assert_eq!(code(&refund(&gate, "550")), "PERMIT", "the approval was not used up");
    assert_eq!(code(&refund(&gate, "550")), "POLICY_DEFER", "now it is");
}

#[test]
fn an_outcome_settles_once_and_only_its_own() {
    let gate = gate("budget daily { max $10 cost amount } budget session { max $1 }");
    let first = refund(&gate, "6");
    assert_eq!(spent(&gate, "session").micros, 1_000, "the flat price");
    report(&gate, "b", &first, OutcomeStatus::Error, Some("0"));
    assert_eq!(spent(&gate, "daily").micros, 6_000_000, "another agent settles nothing");
    report(&gate, "a", &first, OutcomeStatus::Error, Some("0.25"));
    assert_eq!(spent(&gate, "daily").micros, 0, "it failed");
    assert_eq!(spent(&gate, "session").micros, 250_000, "and cost what was reported");
    report(&gate, "a", &first, OutcomeStatus::Error, Some("0"));
    assert_eq!(spent(&gate, "session").micros, 250_000, "once");
    assert_eq!(spent(&gate, "daily").calls, 1, "a call that failed was a call");
    let record = record_of(&gate, &first);
    assert!(record.changes().is_some());
    let second = refund(&gate, "6");
    report(&gate, "a", &second, OutcomeStatus::Timeout, None);
    assert_eq!(spent(&gate, "daily").micros, 6_000_000, "it may have happened");
    let third = refund(&gate, "3");
    report(&gate, "a", &third, OutcomeStatus::Ok, Some("0.1"));
    assert_eq!(spent(&gate, "daily").micros, 9_000_000, "the policy says the cost, not the report");
    let fourth = refund(&gate, "1");
    forward(RESERVATION_MS + 1);
    report(&gate, "a", &fourth, OutcomeStatus::Error, None);
    assert_eq!(spent(&gate, "daily").micros, 10_000_000, "too late to give anything back");
    assert_eq!(gate.state().limits().open_reservations(), 1);
}

#[test]
fn a_reported_cost_can_be_more_than_was_reserved() {
    let gate = gate("budget session { max $1 }");
    let first = refund(&gate, "1");
    report(&gate, "a", &first, OutcomeStatus::Ok, Some("0.9995"));
    assert_eq!(code(&refund(&gate, "1")), "BUDGET_EXCEEDED");
    report(&gate, "a", &first, OutcomeStatus::Ok, Some("-5"));
    assert_eq!(spent(&gate, "session").micros, 999_500);
}

#[test]
fn windows_begin_anew() {
    let session = |gate: &Gate, session: &str| {
        let call = Call { session: Some(session.into()), ..call("a", "search", "{}") };
        code(&ask(gate, call))
    };
    let gate = gate("budget session { max_calls 1 }");
    assert_eq!(session(&gate, "s1"), "PERMIT");
    assert_eq!(session(&gate, "s1"), "BUDGET_EXCEEDED");
    assert_eq!(session(&gate, "s2"), "PERMIT");

    let gate = self::gate("budget monthly { max_calls 1 }");
    assert_eq!(session(&gate, "s1"), "PERMIT");
    let denied = ask(&gate, call("a", "search", "{}"));
    assert_eq!(resets_at(&denied).as_deref(), Some("2026-12-01T05:00:00.000Z"));
    forward(10 * 24 * HOUR + 17 * HOUR);
    assert_eq!(session(&gate, "s2"), "PERMIT");

    let gate = self::gate("budget \"b\" { max $10 daily $4 window = 30d cost amount }");
    assert_eq!(code(&refund(&gate, "4")), "PERMIT");
    assert_eq!(code(&refund(&gate, "1")), "BUDGET_EXCEEDED", "the day's part");
    for permitted in [4, 2] {
        forward(24 * HOUR);
        assert_eq!(code(&refund(&gate, &permitted.to_string())), "PERMIT");
    }
    forward(24 * HOUR);
    assert_eq!(code(&refund(&gate, "1")), "BUDGET_EXCEEDED", "the month's");
}

#[test]
fn a_rolling_window_gives_back_what_is_older() {
    let gate = gate("budget \"hour\" { max_calls 2 window = 1h }");
    let search = || ask(&gate, call("a", "search", "{}"));
    assert_eq!(code(&search()), "PERMIT");
    forward(HOUR / 2);
    assert_eq!(code(&search()), "PERMIT");
    let denied = search();
    let at = faramesh_call::Timestamp::parse(&resets_at(&denied).unwrap()).unwrap();
    let (early, late) = (NOON + HOUR, NOON + HOUR + HOUR / 32);
    assert!((early..=late).contains(&at.0), "{at}");
    set(at.0 - 1);
    assert_eq!(code(&search()), "BUDGET_EXCEEDED");
    set(at.0);
    assert_eq!(code(&search()), "PERMIT");
    assert_eq!(code(&search()), "BUDGET_EXCEEDED");
}

#[test]
fn the_warning_comes_once() {
    let gate = gate("budget daily { max $10 warn_at 0.8 cost amount }");
    let warnings = |reply: &Reply| {
        let wire = wire(reply);
        let list = wire.get("warnings").and_then(Value::as_list).unwrap_or_default();
        list.iter().filter_map(|warning| warning.get("code")?.as_str().map(str::to_owned)).collect::<Vec<_>>()
    };
    assert!(warnings(&refund(&gate, "7.9")).is_empty());
    assert_eq!(warnings(&refund(&gate, "0.1")), ["BUDGET_WARNING"]);
    assert!(warnings(&refund(&gate, "1")).is_empty());
    forward(17 * HOUR);
    assert_eq!(warnings(&refund(&gate, "9")), ["BUDGET_WARNING"]);

    let gate = self::gate("budget daily { max $10 cost amount on_exceed audit }");
    assert!(warnings(&refund(&gate, "10")).is_empty());
    assert_eq!(warnings(&refund(&gate, "10")), ["BUDGET_EXCEEDED"], "permitted, and told");
    assert_eq!(spent(&gate, "daily").micros, 20_000_000);
}

#[test]
fn a_budget_may_ask_for_a_person() {
    let gate = gate("budget daily { max $10 cost amount on_exceed defer }");
    assert_eq!(code(&refund(&gate, "10")), "PERMIT");
    let waits = refund(&gate, "5");
    assert_eq!(code(&waits), "POLICY_DEFER");
    assert!(message(&waits).contains("`daily` has $0 of $10 left; a person decides"), "{}", message(&waits));
    assert_eq!(token(&refund(&gate, "5")), token(&waits), "one request for one call");
    let approval = gate.state().approval(&token(&waits)).unwrap().clone();
    assert_eq!(&*approval.rule_ref, "budget daily");
    answer(&gate, &token(&waits), true);
    assert_eq!(code(&refund(&gate, "5")), "PERMIT");
    assert_eq!(spent(&gate, "daily").micros, 15_000_000);
    let again = refund(&gate, "5");
    assert_ne!(token(&again), token(&waits));
    answer(&gate, &token(&again), false);
    assert_eq!(code(&refund(&gate, "5")), "APPROVAL_DENIED");
}

#[test]
fn a_rule_and_a_budget_may_each_ask() {
    let folder = tempfile::tempdir().unwrap();
    set(NOON);
    let program = program(&policy("budget daily { max $10 cost amount on_exceed defer }"));
    let (ledger, state) = on_disk(folder.path());
    let gate = clocked(&program, ledger, state);
    let by_rule = refund(&gate, "500");
    answer(&gate, &token(&by_rule), true);
    let by_budget = refund(&gate, "500");
    assert_eq!(code(&by_budget), "POLICY_DEFER");
    assert_ne!(token(&by_budget), token(&by_rule));
    answer(&gate, &token(&by_budget), true);
    let before = gate.state();
    gate.ledger().close();
    drop(gate);
    let (ledger, state) = on_disk(folder.path());
    assert_eq!(state, before);
    let gate = clocked(&program, ledger, state);
    assert_eq!(code(&refund(&gate, "500")), "PERMIT");
    let last = refund(&gate, "500");
    assert_eq!(code(&last), "POLICY_DEFER", "both are used");
    assert_ne!(token(&last), token(&by_rule));
}

#[test]
fn a_poll_is_no_way_around_a_budget() {
    let gate = gate("budget daily { max $10 cost amount }");
    let waits = refund(&gate, "500");
    answer(&gate, &token(&waits), true);
    let told = redeem(&gate, 1000, "a", &token(&waits));
    assert_eq!(told.word(), "expired");
    assert!(told.reason.unwrap().contains("make the call again"));
    assert_eq!(code(&refund(&gate, "500")), "BUDGET_EXCEEDED");
}

#[test]
fn a_new_ceiling_goes_on_with_what_was_spent() {
    let gate = gate("budget daily { max $10 cost amount }");
    assert_eq!(code(&refund(&gate, "10")), "PERMIT");
    gate.put_in_force(program(&policy("budget daily { max $12 cost amount }")), "test").unwrap();
    assert_eq!(code(&refund(&gate, "3")), "BUDGET_EXCEEDED");
    assert_eq!(code(&refund(&gate, "2")), "PERMIT");
    assert_eq!(gate.state().limits().of("a").unwrap().meter("daily").unwrap().periods().count(), 1);
    assert!(matches!(
        gate.state().limits().of("a").unwrap().meter("daily").unwrap().periods().next(),
        Some((Period::Day(_), _))
    ));
}

#[test]
fn what_is_left_is_told() {
    let gate = gate("budget daily { max $10 tools [\"refund\"] cost amount } budget session { max_calls 5 }");
    assert_eq!(gate.budgets().len(), 1, "no session yet");
    assert_eq!(code(&refund(&gate, "2.5")), "PERMIT");
    let named = Call { session: Some("s".into()), ..call("a", "search", "{}") };
    forward(1);
    assert_eq!(code(&ask(&gate, named)), "PERMIT");
    let told: Vec<_> = gate
        .budgets()
        .into_iter()
        .map(|found| {
            let resets_at = found.resets_at.map(|at| at.to_string());
            (
                found.id.to_string(),
                found.session.map(String::from),
                found.spent_micros,
                found.calls,
                resets_at,
            )
        })
        .collect();
    let midnight = Some("2026-11-21T05:00:00.000Z".to_owned());
    assert_eq!(
        told,
        [
            ("daily".to_owned(), None, 2_500_000, 1, midnight),
            ("session".to_owned(), Some("s".to_owned()), 0, 1, None),
            ("session".to_owned(), Some("process:1".to_owned()), 0, 1, None),
        ]
    );
}

#[test]
fn what_a_model_used_is_priced_by_the_table() {
    let gate = gate("budget session { max $1 }");
    let used = |usage: &str, cost: Option<&str>| {
        let reply = refund(&gate, "1");
        let before = spent(&gate, "session").micros - 1_000;
        let outcome = Outcome {
            action_id: reply.action_id,
            agent: Some("a".into()),
            status: OutcomeStatus::Ok,
            duration_ms: 1,
            cost: cost.map(|cost| Value::Number(Number::parse(cost).unwrap())),
            usage: Some(faramesh_call::json::parse(usage.as_bytes()).unwrap()),
            error: None,
        };
        gate.outcome(&peer(1000), &outcome).unwrap();
        gate.commit(true);
        spent(&gate, "session").micros - before
    };
    let table = r#"{"prices":1,"models":[{"model":"m-*","input":2,"cached_input":0.5,"output":8,"as_of":"2026-01-01"}]}"#;
    gate.price(Arc::new(faramesh_prices::Prices::parse(table.as_bytes()).unwrap()));
    assert_eq!(used(r#"{"model":"m-1","input_tokens":1000,"output_tokens":100}"#, None), 2_800);
    assert_eq!(used(r#"{"model":"m-1","input_tokens":1000,"cached_input_tokens":800}"#, None), 800);
    assert_eq!(
        used(r#"{"model":"m-1","input_tokens":1000}"#, Some("0.5")),
        500_000,
        "what was reported counts"
    );
    assert_eq!(used(r#"{"model":"other","input_tokens":1000}"#, None), 1_000, "no price: the flat one");
    assert_eq!(used(r#"{"model":"m-1","input_tokens":-5}"#, None), 1_000);
    let newest = faramesh_ledger::Filter {
        kind: Some(faramesh_dpr::Kind::Outcome),
        ..faramesh_ledger::Filter::default()
    };
    let records = gate.ledger().query(&newest).unwrap();
    let priced = records.first().unwrap().detail().unwrap().get("priced").cloned().unwrap();
    let expected = br#"{"as_of":"2026-01-01","model":"m-*","usd":0.0028}"#;
    assert_eq!(priced, faramesh_call::json::parse(expected).unwrap());
}

#[test]
fn calls_of_which_nothing_came_are_recorded_and_told_once() {
    let gate = gate("budget session { max $1 }");
    let first = refund(&gate, "1");
    let second = refund(&gate, "2");
    report(&gate, "a", &refund(&gate, "3"), OutcomeStatus::Ok, None);
    forward(RESERVATION_MS);
    assert_eq!(gate.note_gaps(), 0, "to the millisecond");
    forward(1);
    assert_eq!(gate.note_gaps(), 2);
    gate.commit(true);
    assert_eq!(gate.note_gaps(), 0, "once");
    assert_eq!(spent(&gate, "session").micros, 3_000, "what was reserved stays spent");
    let warned = wire(&refund(&gate, "4")).get("warnings").cloned().unwrap();
    let warning = warned.as_list().unwrap().first().unwrap();
    assert_eq!(warning.get("code").and_then(Value::as_str), Some("RUNTIME_GAP"));
    let told = warning.get("message").and_then(Value::as_str).unwrap();
    assert!(told.contains(&*first.action_id) && told.contains("and another call"), "{told}");
    assert_eq!(wire(&refund(&gate, "5")).get("warnings").unwrap().as_list().unwrap().len(), 0);
    report(&gate, "a", &second, OutcomeStatus::Error, None);
    assert_eq!(spent(&gate, "session").micros, 5_000, "too late to give anything back");
    let outcomes = faramesh_ledger::Filter {
        kind: Some(faramesh_dpr::Kind::Outcome),
        ..faramesh_ledger::Filter::default()
    };
    let records = gate.ledger().query(&outcomes).unwrap();
    let gaps: Vec<_> = records.iter().filter(|record| record.code().is_some()).collect();
    assert_eq!(gaps.len(), 2);
    assert_eq!(gaps[0].code().as_deref(), Some("RUNTIME_GAP"));
    assert_eq!(gaps[0].parent().as_deref(), Some(&*first.action_id));
}
