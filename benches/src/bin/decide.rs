//! The verdict itself: twenty rules, from a parsed call and from the bytes of a request, and how it
//! grows with rules on other tools; `cedar-policy` decides the same call over the same rules.

use std::hint::black_box;
use std::time::Instant;

use cedar_policy::{Authorizer, Context, Decision, Entities, EntityUid, PolicySet, Request as CedarRequest};
use faramesh_benches::wire::CALL;
use faramesh_benches::{Outcome, Samples, figure, policy, print_machine, resident_mib};
use faramesh_call::{Call, Effect, Timestamp};
use faramesh_decide::{Input, Moment, NO_PSEUDONYMS, NOTHING_SELECTED, decide};
use faramesh_program::{Program, load};
use faramesh_socket::{Request, parse_line};
use faramesh_state::State;

const ROUNDS: u32 = 400;
const BATCH: u32 = 500;
/// Cedar takes so much longer that a round of it is as long as one of ours.
const CEDAR_BATCH: u32 = 20;

fn main() -> Outcome {
    print_machine();
    let call = call()?;
    let asked: Vec<String> = std::env::args().skip(1).collect();
    let wanted = |part: &str| asked.is_empty() || asked.iter().any(|asked| asked == part);
    if wanted("verdict") {
        verdicts(&call)?;
    }
    if wanted("growth") {
        growth(&call)?;
    }
    if wanted("compile") {
        compile_and_memory()?;
    }
    Ok(())
}

/// Rounds of ours and of Cedar's alternate, so that a machine that changes its pace changes all of them.
fn verdicts(call: &Call) -> Outcome {
    let program = policy::program(policy::TWENTY_RULES)?;
    expect(verdict(&program, call))?;
    let cedar = Cedar::new()?;
    let [mut in_process, mut from_bytes, mut whole, mut sliced] = [const { Samples::new() }; 4];
    for _ in 0..ROUNDS {
        in_process.extend(Samples::of_batches(1, BATCH, || {
            black_box(verdict(&program, black_box(call)));
        }));
        from_bytes.extend(Samples::of_batches(1, BATCH, || {
            if let (_, Ok(Request::Govern { call, .. })) = parse_line(black_box(CALL.trim_end().as_bytes())) {
                black_box(verdict(&program, &call));
            }
        }));
        for (samples, policies) in [(&mut whole, &cedar.whole), (&mut sliced, &cedar.sliced)] {
            samples.extend(Samples::of_batches(1, CEDAR_BATCH, || {
                black_box(cedar.decide(black_box(policies)));
            }));
        }
    }
    figure("verdict_p50", in_process.median_us() * 1e3, "ns", "at most 500");
    figure("verdict_p99", in_process.percentile_us(99) * 1e3, "ns", "");
    figure("verdict_from_json_p50", from_bytes.median_us() * 1e3, "ns", "at most 1500");
    figure("cedar_whole_p50", whole.median_us() * 1e3, "ns", "");
    figure("cedar_sliced_p50", sliced.median_us() * 1e3, "ns", "");
    figure("cedar_whole_over_verdict", whole.median_us() / in_process.median_us(), "x", "at least 50");
    figure("cedar_sliced_over_verdict", sliced.median_us() / in_process.median_us(), "x", "at least 15");
    Ok(())
}

fn call() -> Outcome<Box<Call>> {
    match parse_line(CALL.trim_end().as_bytes()) {
        (_, Ok(Request::Govern { call, .. })) => Ok(call),
        other => Err(format!("{other:?}").into()),
    }
}

fn verdict(program: &Program, call: &Call) -> Option<Effect> {
    thread_local! { static STATE: State = State::default(); }
    let agent = program.agent("payments")?;
    let moment = Moment { now: Timestamp(1_795_166_999_999), entropy: 7 };
    STATE.with(|state| {
        let input = Input {
            program,
            agent,
            call,
            commitment: "c",
            requester: "uid:1",
            state,
            selected: &NOTHING_SELECTED,
            pseudonyms: NO_PSEUDONYMS,
            moment,
        };
        Some(decide(&input).effect)
    })
}

fn expect(effect: Option<Effect>) -> Outcome {
    if effect == Some(Effect::Permit) { Ok(()) } else { Err(format!("decided {effect:?}").into()) }
}

fn growth(call: &Call) -> Outcome {
    let few = policy::program(&policy::with_other_tools(10))?;
    let many = policy::program(&policy::with_other_tools(10_000))?;
    let (mut with_few, mut with_many) = (Samples::default(), Samples::default());
    for _ in 0..ROUNDS / 10 {
        with_few.extend(Samples::of_batches(10, BATCH, || {
            black_box(verdict(&few, call));
        }));
        with_many.extend(Samples::of_batches(10, BATCH, || {
            black_box(verdict(&many, call));
        }));
    }
    figure("verdict_10_other_rules_p50", with_few.median_us() * 1e3, "ns", "");
    figure("verdict_10000_other_rules_p50", with_many.median_us() * 1e3, "ns", "");
    figure("growth_10_to_10000", with_many.median_us() / with_few.median_us(), "x", "at most 1.1");
    Ok(())
}

fn compile_and_memory() -> Outcome {
    let source = policy::with_other_tools(10_000);
    let begin = Instant::now();
    let bytes = policy::compile(&source)?;
    figure("compile_10000_rules", begin.elapsed().as_secs_f64() * 1e3, "ms", "at most 1000");
    drop(bytes);
    let bytes = policy::compile(&policy::with_other_tools(99_980))?;
    let before = resident_mib(std::process::id())?;
    let program = load(&bytes)?;
    let after = resident_mib(std::process::id())?;
    // What the compiler freed is reused by the loader, so this can only understate: see the README.
    figure("load_100000_rules_rss", after - before, "MiB", "at most 60 (measured on a daemon, see socket)");
    drop(program);
    Ok(())
}

/// The same rules in Cedar, whole and with the rules of other tools left out beforehand.
struct Cedar {
    whole: PolicySet,
    sliced: PolicySet,
    authorizer: Authorizer,
    entities: Entities,
    request: CedarRequest,
}

impl Cedar {
    fn new() -> Outcome<Self> {
        let of_tool: Vec<&str> =
            CEDAR_RULES.iter().filter(|rule| rule.contains("stripe/refund")).copied().collect();
        let uid = |text: &str| text.parse::<EntityUid>().map_err(Box::new);
        let context = Context::from_json_value(
            serde_json::json!({
                "amount": 80, "currency": "usd", "customer": "cus_9s6XKzkNRiz8i3", "country": "de",
                "note": "item arrived broken", "channel": "chat", "reason_code": "requested_by_customer",
                "space": "", "priority": 0, "to_domain": "", "subject": "",
            }),
            None,
        )?;
        let cedar = Self {
            whole: CEDAR_RULES.join("\n").parse()?,
            sliced: of_tool.join("\n").parse()?,
            authorizer: Authorizer::new(),
            entities: Entities::empty(),
            request: CedarRequest::new(
                uid(r#"Agent::"payments""#)?,
                uid(r#"Action::"stripe/refund""#)?,
                uid(r#"Stack::"s""#)?,
                context,
                None,
            )?,
        };
        for policies in [&cedar.whole, &cedar.sliced] {
            let decision = cedar.decide(policies);
            if decision != Decision::Allow {
                return Err(format!("Cedar decided {decision:?}").into());
            }
        }
        Ok(cedar)
    }

    fn decide(&self, policies: &PolicySet) -> Decision {
        self.authorizer.is_authorized(&self.request, policies, &self.entities).decision()
    }
}

/// `defer` has no counterpart and is a `forbid` here; patterns of tools are conditions on nothing
/// but the action, as Cedar's own examples write them.
const CEDAR_RULES: [&str; 20] = [
    r#"forbid(principal, action == Action::"shell/exec", resource);"#,
    r#"permit(principal, action == Action::"kb/search", resource);"#,
    r#"permit(principal, action == Action::"kb/read", resource) when { ["public", "support"].contains(context.space) };"#,
    r#"permit(principal, action == Action::"ticket/read", resource);"#,
    r#"forbid(principal, action == Action::"ticket/close", resource) when { context.priority >= 3 };"#,
    r#"permit(principal, action == Action::"ticket/close", resource);"#,
    r#"permit(principal, action == Action::"mail/send", resource) when { context.to_domain == "@corp.example" };"#,
    r#"forbid(principal, action == Action::"mail/send", resource) when { !(context.subject like "Re:*") };"#,
    r#"permit(principal, action == Action::"mail/send", resource);"#,
    r#"forbid(principal, action == Action::"stripe/refund", resource) when { context.currency != "eur" && context.currency != "usd" };"#,
    r#"forbid(principal, action == Action::"stripe/refund", resource) when { context.customer like "test_*" };"#,
    r#"forbid(principal, action == Action::"stripe/refund", resource) when { ["kp", "ir", "sy", "cu"].contains(context.country) };"#,
    r#"forbid(principal, action == Action::"stripe/refund", resource) when { context.amount >= 500 };"#,
    r#"forbid(principal, action == Action::"stripe/refund", resource) when { context.note like "*urgent*" };"#,
    r#"forbid(principal, action == Action::"stripe/refund", resource) when { context.channel == "api" && context.amount > 250 };"#,
    r#"permit(principal, action == Action::"stripe/refund", resource) when { context.amount < 100 && ["duplicate", "fraud", "requested_by_customer"].contains(context.reason_code) };"#,
    r#"forbid(principal, action == Action::"stripe/refund", resource) when { context.amount >= 100 };"#,
    r#"forbid(principal, action == Action::"stripe/payouts", resource);"#,
    r#"permit(principal, action == Action::"stripe/balance", resource);"#,
    r#"forbid(principal, action == Action::"stripe/charge", resource);"#,
];
