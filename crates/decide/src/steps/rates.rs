//! Step 7: every rate limit that the tool counts for has a token, and a call that comes here takes
//! one of each, or none. A call that a rule denies does not come here; one that waits for a person
//! does. Ends with `RATE_EXCEEDED`.

use faramesh_call::{Code, Effect, Object};
use faramesh_program::limits::Rate;
use faramesh_state::Change;
use faramesh_state::limits::{Bucket, MAX_BUCKETS, Want, WantOf};

use crate::Flow;
use crate::input::Input;
use crate::verdict::{Relief, Verdict};

/// A wait that is not worth telling apart from "never", in milliseconds: a hundred years.
const LONGEST_WAIT_MS: u64 = 100 * 366 * 86_400_000;

pub(crate) fn step<'a>(input: &Input<'a>, verdict: &mut Verdict<'a>) -> Flow {
    let Some(limits) = input.agent.limits().filter(|_| verdict.effect != Effect::Deny) else {
        return Flow::Continue;
    };
    let now = input.moment.now;
    let known = input.state.limits().of(&input.agent.name);
    let mut read = Object::new();
    let mut taken: Vec<(Box<str>, Bucket)> = Vec::new();
    let mut slowest: Option<(&Rate, u64)> = None;
    for rate in limits.rates(&input.call.tool) {
        if known.is_some_and(|known| !known.has_room_for_bucket(&rate.key, now)) {
            return crowded(verdict);
        }
        let bucket = known.and_then(|known| known.bucket(&rate.key)).copied();
        if let Some(bucket) = &bucket {
            read.insert(&*rate.key, bucket.to_value());
        }
        if rate.fleet {
            let bucket = bucket.unwrap_or_else(|| Bucket::empty(rate.period_ms, rate.burst, now));
            let after = bucket.take_leased(rate.period_ms, rate.burst);
            verdict.wants.extend(want(input, rate, after.as_ref()));
            match after {
                Some(after) => taken.push((rate.key.clone(), after)),
                // One comes back in this time, and another daemon may take it.
                None => slowest = later(slowest, rate, rate.period_ms.div_ceil(u64::from(rate.count.max(1)))),
            }
            continue;
        }
        let bucket = bucket.unwrap_or_else(|| Bucket::full(now));
        match bucket.take(rate.count, rate.period_ms, rate.burst, now) {
            Ok(after) => taken.push((rate.key.clone(), after)),
            Err(wait) => slowest = later(slowest, rate, wait),
        }
    }
    if !read.is_empty() {
        verdict.inputs.insert("buckets", read);
    }
    if let Some((rate, wait_ms)) = slowest {
        return exceeded(rate, wait_ms.min(LONGEST_WAIT_MS), verdict);
    }
    if !taken.is_empty() {
        verdict.changes.push(Change::TokensTaken { agent: input.agent.name.clone(), buckets: taken });
    }
    Flow::Continue
}

/// The rate that one has to wait longer for.
fn later<'a>(slowest: Option<(&'a Rate, u64)>, rate: &'a Rate, wait: u64) -> Option<(&'a Rate, u64)> {
    match slowest {
        Some((_, longest)) if wait <= longest => slowest,
        _ => Some((rate, wait)),
    }
}

/// Tokens that daemons share: wanted when there is none, and before the last is taken.
fn want(input: &Input<'_>, rate: &Rate, after: Option<&Bucket>) -> Option<Want> {
    let left = after.map(|bucket| bucket.leased(rate.period_ms, rate.burst));
    if left.is_some_and(|left| left > u64::from(rate.burst / 32)) {
        return None;
    }
    let of = WantOf::Tokens { count: rate.count, period_ms: rate.period_ms, burst: rate.burst };
    let agent = input.agent.name.clone();
    Some(Want { agent, key: rate.key.clone(), of, urgent: left.is_none() })
}

fn exceeded(rate: &Rate, wait_ms: u64, verdict: &mut Verdict<'_>) -> Flow {
    // Whole seconds, so that whoever waits as long as told finds a token.
    let seconds = wait_ms.div_ceil(1_000).max(1);
    verdict.effect = Effect::Deny;
    verdict.code = Code::RateExceeded;
    verdict.message = format!(
        "calls of `{}` are limited to {} in {}; there is room again in {seconds} s",
        rate.pattern,
        rate.count,
        period(rate.period_ms),
    );
    verdict.next = None;
    verdict.relief = Some(Relief::RetryAfter { seconds });
    Flow::End
}

/// The table of buckets is full of ones that are in use: nobody can say whether there is a token.
fn crowded(verdict: &mut Verdict<'_>) -> Flow {
    verdict.effect = Effect::Deny;
    verdict.code = Code::RateExceeded;
    verdict.message = format!("{MAX_BUCKETS} rate limits of this agent are in use already");
    verdict.next = None;
    verdict.relief = Some(Relief::RetryAfter { seconds: 60 });
    Flow::End
}

fn period(period_ms: u64) -> String {
    match period_ms {
        1_000 => "a second".to_owned(),
        60_000 => "a minute".to_owned(),
        3_600_000 => "an hour".to_owned(),
        86_400_000 => "a day".to_owned(),
        _ if period_ms.is_multiple_of(1_000) => format!("{} s", period_ms / 1_000),
        _ => format!("{period_ms} ms"),
    }
}
