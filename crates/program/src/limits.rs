//! An agent's limits, ready for deciding: rates and ceilings by tool, each with the name that the
//! state knows it by, and what its sessions, models and hosts may be. Leaves out how much of them is left.
//!
//! INVARIANT stable names: a name says only what a sum is about, so a policy that changes a ceiling
//! goes on with what was used under the one before.

use faramesh_call::Timestamp;

use crate::facts::Facts;
use crate::image::{
    Ambient, BlocksImage, Budget, Egress, ModelPolicy, OnExceed, RateLimit, Requirement, SessionLimits,
    Sharing, Window,
};
use crate::program::Program;
use crate::tools::ToolIndex;

/// The limits of one agent.
#[derive(Debug, Default)]
pub struct Limits {
    rates: Vec<Rate>,
    rate_tools: ToolIndex,
    ceilings: Vec<Ceiling>,
    ceiling_tools: ToolIndex,
    session: Option<SessionLimits>,
    models: Option<ModelPolicy>,
    egress: Option<Egress>,
    facts: Facts,
    completion_gate: Vec<Requirement>,
}

/// The sums of an agent's sessions, as the state knows them.
pub const SESSION_KEY: &str = "\nsession";
/// The calls of an agent's day, as the state knows them.
const AMBIENT_CALLS_KEY: &str = "\nambient calls";
/// The bytes that an agent moved in its day.
pub const AMBIENT_DATA_KEY: &str = "\nambient data";
/// How many customers an agent touched in its day.
const AMBIENT_CUSTOMERS_KEY: &str = "\nambient customers";
/// Which customers those are, each under a name that tells nothing.
pub const AMBIENT_CUSTOMER_KEY: &str = "\nambient customer";

/// What a ceiling was written as.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Of {
    /// `budget`
    Budget,
    /// `ambient { max_calls_per_day }`
    Calls,
    /// `ambient { max_data_volume }`: what ceilings say of micro-dollars is said of bytes
    Data,
    /// `ambient { max_customers_per_day }`: what they say of calls is said of customers
    Customers,
}

/// `rate_limit "stripe/*": 10 per minute burst 5`
#[derive(Debug)]
pub struct Rate {
    /// Its name in the state.
    pub key: Box<str>,
    /// The tool pattern.
    pub pattern: Box<str>,
    /// Tokens that come back in a period.
    pub count: u32,
    /// The period, in milliseconds.
    pub period_ms: u64,
    /// Most tokens at once.
    pub burst: u32,
    /// Whether daemons share it, and lease tokens.
    pub fleet: bool,
}

/// One ceiling of a budget. A budget with `daily` beside another window has two.
#[derive(Debug)]
pub struct Ceiling {
    /// Its name in the state.
    pub key: Box<str>,
    /// What it was written as.
    pub of: Of,
    /// The budget's name, or the counter's key.
    pub budget: Box<str>,
    /// Most money, in micro-dollars.
    pub max_micros: Option<u64>,
    /// Most calls.
    pub max_calls: Option<u32>,
    /// When the sum begins anew.
    pub window: Window,
    /// Millionths of the ceiling at which people are told.
    pub warn_at_millionths: Option<u32>,
    /// What happens to a call beyond it.
    pub on_exceed: OnExceed,
    /// The operand that says what a call costs, or whom it touches; the outcome says the cost when absent.
    pub cost: Option<u32>,
    /// Whether daemons share it, and lease parts.
    pub fleet: bool,
}

impl Limits {
    /// The limits of an agent; `None` when it has none.
    pub(crate) fn new(blocks: BlocksImage, facts: Facts) -> Option<Box<Self>> {
        let mut limits = Self { facts, ..Self::default() };
        for rate in blocks.rate_limits {
            limits.add_rate(rate);
        }
        for budget in blocks.budgets {
            limits.add_budget(budget);
        }
        if let Some(ambient) = &blocks.ambient {
            limits.add_ambient(ambient);
        }
        limits.session = Some(blocks.session).filter(|session| *session != SessionLimits::default());
        limits.models = blocks.model_policy;
        limits.egress = blocks.egress;
        limits.completion_gate = blocks.completion_gate;
        if limits.is_empty() {
            return None;
        }
        limits.rate_tools = limits.rate_tools.finished();
        limits.ceiling_tools = limits.ceiling_tools.finished();
        Some(Box::new(limits))
    }

    fn is_empty(&self) -> bool {
        let counts = self.rates.len() + self.ceilings.len();
        let blocks = self.session.is_some() || self.models.is_some() || self.egress.is_some();
        counts == 0 && !blocks && self.facts.is_empty() && self.completion_gate.is_empty()
    }

    fn add_ambient(&mut self, ambient: &Ambient<u32>) {
        let counters = [
            (Of::Calls, AMBIENT_CALLS_KEY, "max_calls_per_day", None, ambient.max_calls_per_day),
            (Of::Data, AMBIENT_DATA_KEY, "max_data_volume", ambient.max_data_volume_bytes, None),
            (
                Of::Customers,
                AMBIENT_CUSTOMERS_KEY,
                "max_customers_per_day",
                None,
                ambient.max_customers_per_day,
            ),
        ];
        for (of, key, name, max_micros, max_calls) in counters {
            if max_micros.is_none() && max_calls.is_none() {
                continue;
            }
            self.ceiling_tools.add("*", number(self.ceilings.len()));
            self.ceilings.push(Ceiling {
                key: key.into(),
                of,
                budget: name.into(),
                max_micros,
                max_calls,
                window: Window::Daily,
                warn_at_millionths: None,
                on_exceed: ambient.on_exceed,
                cost: ambient.customer.filter(|_| of == Of::Customers),
                fleet: false,
            });
        }
    }

    fn add_rate(&mut self, rate: RateLimit) {
        let number = number(self.rates.len());
        self.rate_tools.add(&rate.pattern, number);
        let same = |known: &&Rate| *known.pattern == *rate.pattern && known.period_ms == rate.period_ms;
        let twins = self.rates.iter().filter(same).count();
        let fleet = rate.scope == Sharing::Fleet;
        let mut key = format!("{} per {}ms", rate.pattern, rate.period_ms);
        if fleet {
            // Leased tokens are no tokens that come back.
            key.push_str(" of the fleet");
        }
        if twins > 0 {
            key.push_str(&format!(" #{}", twins + 1));
        }
        self.rates.push(Rate {
            key: key.into(),
            pattern: rate.pattern.into(),
            count: rate.count,
            period_ms: rate.period_ms,
            burst: rate.burst,
            fleet,
        });
    }

    fn add_budget(&mut self, budget: Budget<u32>) {
        let daily = budget.daily_micros.map(|daily| Ceiling {
            // Names of budgets may have any character but a control character.
            key: format!("{}\n{DAILY}", budget.id).into(),
            max_micros: Some(daily),
            max_calls: None,
            window: Window::Daily,
            ..ceiling(&budget)
        });
        let main = (budget.max_micros.is_some() || budget.max_calls.is_some()).then(|| ceiling(&budget));
        for ceiling in [main, daily].into_iter().flatten() {
            let number = number(self.ceilings.len());
            if budget.tools.is_empty() {
                self.ceiling_tools.add("*", number);
            }
            for pattern in &budget.tools {
                self.ceiling_tools.add(pattern, number);
            }
            self.ceilings.push(ceiling);
        }
    }

    /// The rate limits that a tool counts for.
    pub fn rates(&self, tool: &str) -> impl Iterator<Item = &Rate> {
        of_tool(&self.rate_tools, &self.rates, tool)
    }

    /// The ceilings that a tool counts for.
    pub fn ceilings(&self, tool: &str) -> impl Iterator<Item = &Ceiling> {
        of_tool(&self.ceiling_tools, &self.ceilings, tool)
    }

    /// Bounds of its sessions, when there are any.
    #[must_use]
    pub fn session(&self) -> Option<&SessionLimits> {
        self.session.as_ref()
    }

    /// The models that it may use, when the policy says so.
    #[must_use]
    pub fn models(&self) -> Option<&ModelPolicy> {
        self.models.as_ref()
    }

    /// The hosts that it may reach, when the policy says so.
    #[must_use]
    pub fn egress(&self) -> Option<&Egress> {
        self.egress.as_ref()
    }

    /// What must hold before a task of its is complete.
    #[must_use]
    pub fn completion_gate(&self) -> &[Requirement] {
        &self.completion_gate
    }

    /// What its conditions read of its earlier calls.
    #[must_use]
    pub fn facts(&self) -> &Facts {
        &self.facts
    }

    /// Whether anything is counted by session.
    #[must_use]
    pub fn counts_sessions(&self) -> bool {
        self.session.is_some()
            || !self.completion_gate.is_empty()
            || self.facts.counts_sessions()
            || self.ceilings.iter().any(|ceiling| ceiling.window == Window::Session)
    }

    /// Every rate limit.
    #[must_use]
    pub fn all_rates(&self) -> &[Rate] {
        &self.rates
    }

    /// Every ceiling, in the order of the budgets' names.
    #[must_use]
    pub fn all_ceilings(&self) -> &[Ceiling] {
        &self.ceilings
    }
}

/// What the name of the daily ceiling of another window ends with.
const DAILY: &str = "daily";

fn ceiling(budget: &Budget<u32>) -> Ceiling {
    Ceiling {
        key: budget.id.as_str().into(),
        of: Of::Budget,
        budget: budget.id.as_str().into(),
        max_micros: budget.max_micros,
        max_calls: budget.max_calls,
        window: budget.window,
        warn_at_millionths: budget.warn_at_millionths,
        on_exceed: budget.on_exceed,
        cost: budget.cost,
        fleet: budget.scope == Sharing::Fleet,
    }
}

fn number(index: usize) -> u32 {
    u32::try_from(index).unwrap_or(u32::MAX)
}

/// Each limit once, although several of its patterns may match.
pub(crate) fn of_tool<'a, T>(
    tools: &'a ToolIndex,
    limits: &'a [T],
    tool: &str,
) -> impl Iterator<Item = &'a T> {
    let mut candidates = tools.candidates(tool);
    let mut last = None;
    std::iter::from_fn(move || {
        loop {
            let next = candidates.next_rule()?;
            if last.replace(next) != Some(next) {
                return limits.get(usize::try_from(next).ok()?);
            }
        }
    })
}

impl Program {
    /// Days since 1970 in the policy's time zone.
    #[must_use]
    pub fn local_day(&self, now: Timestamp) -> u64 {
        self.local(now).0 / MS_PER_DAY
    }

    /// Months since the year 0 in the policy's time zone.
    #[must_use]
    pub fn local_month(&self, now: Timestamp) -> u64 {
        let civil = self.local(now).civil();
        civil.year * 12 + civil.month - 1
    }

    /// When a day begins in the policy's time zone.
    #[must_use]
    pub fn day_begins(&self, day: u64) -> Timestamp {
        let local = Timestamp(day.saturating_mul(MS_PER_DAY));
        // The offset is that of the time sought; from a guess a day off it takes two steps.
        (0..3).fold(local, |guess, _| {
            let ahead = self.local(guess).0.cast_signed().saturating_sub(guess.0.cast_signed());
            Timestamp(u64::try_from(local.0.cast_signed().saturating_sub(ahead)).unwrap_or(0))
        })
    }

    /// When a month begins in the policy's time zone.
    #[must_use]
    pub fn month_begins(&self, month: u64) -> Option<Timestamp> {
        let first = Timestamp::parse(&format!("{:04}-{:02}-01T00:00:00Z", month / 12, month % 12 + 1))?;
        Some(self.day_begins(first.0 / MS_PER_DAY))
    }
}

const MS_PER_DAY: u64 = 86_400_000;

#[cfg(test)]
mod tests {
    use super::*;

    fn rate(pattern: &str, count: u32, period_ms: u64) -> RateLimit {
        RateLimit { pattern: pattern.to_owned(), count, period_ms, burst: count, scope: Sharing::Instance }
    }

    fn budget(id: &str, tools: &[&str]) -> Budget<u32> {
        Budget {
            id: id.to_owned(),
            max_micros: Some(5),
            daily_micros: Some(2),
            max_calls: None,
            window: Window::Session,
            warn_at_millionths: None,
            on_exceed: OnExceed::Deny,
            tools: tools.iter().map(|tool| (*tool).to_owned()).collect(),
            cost: None,
            scope: Sharing::Instance,
        }
    }

    #[test]
    fn each_limit_once_and_under_a_name_of_its_own() {
        let rates =
            vec![rate("a/*", 1, 1_000), rate("a/*", 9, 60_000), rate("a/b", 2, 1_000), rate("a/b", 3, 1_000)];
        let budgets = vec![budget("x", &["a/*", "a/b"]), budget("y", &[])];
        let blocks = BlocksImage { rate_limits: rates, budgets, ..BlocksImage::default() };
        let limits = Limits::new(blocks, Facts::default()).unwrap();
        let keys: Vec<&str> = limits.rates("a/b").map(|rate| &*rate.key).collect();
        assert_eq!(keys, ["a/* per 1000ms", "a/* per 60000ms", "a/b per 1000ms", "a/b per 1000ms #2"]);
        let keys: Vec<&str> = limits.ceilings("a/b").map(|ceiling| &*ceiling.key).collect();
        assert_eq!(keys, ["x", "x\ndaily", "y", "y\ndaily"]);
        assert_eq!(limits.ceilings("other").count(), 2);
        assert!(Limits::new(BlocksImage::default(), Facts::default()).is_none());
    }
}
