//! A state that was saved and loaded, at any point of any history, is the one that was not: it goes on in the
//! same way and has the same bytes. `FARAMESH_SOAK=1` tries more.
#![allow(clippy::unwrap_used, clippy::indexing_slicing, reason = "a test that cannot go on should stop")]

use faramesh_call::{Timestamp, Value, object};
use faramesh_dpr::RecordId;
use faramesh_state::grants::Scope;
use faramesh_state::handovers::{Delegation, Spawned};
use faramesh_state::limits::{Bucket, Charge, Lease, Leased, Of, Period, Reservation, Settled};
use faramesh_state::recent::{CallKey, Payload, Session};
use faramesh_state::{
    Approval, Binding, Change, Control, Declared, Grant, Resolution, Rollouts, Said, Standing, State, Status,
};

/// SplitMix64: the same numbers for the same seed.
struct Dice(u64);

impl Dice {
    fn below(&mut self, bound: u64) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut mixed = self.0;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        (mixed ^ (mixed >> 31)) % bound
    }

    /// One of a few names, so that things meet.
    fn name(&mut self, kind: &str) -> Box<str> {
        format!("{kind}-{}", self.below(6)).into()
    }

    fn perhaps(&mut self, kind: &str) -> Option<Box<str>> {
        (self.below(2) == 0).then(|| self.name(kind))
    }

    fn at(&mut self, now: u64) -> Timestamp {
        Timestamp(now + self.below(1_000))
    }

    fn period(&mut self) -> Period {
        let (length_ms, number) = (1 + self.below(2), self.below(200));
        match self.below(5) {
            0 => Period::Session(self.name("s")),
            1 => Period::Day(number),
            2 => Period::Month(number),
            3 => Period::Slice { length_ms, number },
            _ => Period::SessionSlice { session: self.name("s"), length_ms, number },
        }
    }

    fn value(&mut self) -> Value {
        let number: Value = Value::from(self.below(u64::MAX / 4));
        let texts: Value = ["", "é\n\"", "x"].into_iter().map(Value::from).collect();
        Value::Object(object! { "a" => number, "b" => texts, "c" => Value::Null, "d" => self.below(2) == 0 })
    }
}

fn approval(dice: &mut Dice, now: u64) -> Approval {
    Approval {
        id: dice.name("apr"),
        binding: Binding {
            agent: dice.name("a"),
            tool: dice.name("t"),
            commitment: dice.name("c"),
            rule_digest: dice.name("d"),
        },
        status: Status::Pending,
        requested_at: Timestamp(now),
        expires_at: Timestamp(now + dice.below(100_000)),
        requester: dice.name("uid"),
        record: dice.name("dpr"),
        rule_ref: dice.name("r"),
        policy: [u8::try_from(dice.below(256)).unwrap(); 32],
        session: dice.perhaps("s"),
        reason: dice.perhaps("why"),
        args: dice.value(),
        needed: u32::try_from(1 + dice.below(3)).unwrap(),
        approved_by: vec![],
        resolution: None,
    }
}

fn charge(dice: &mut Dice) -> Charge {
    Charge {
        meter: dice.name("m"),
        period: dice.period(),
        micros: dice.below(1_000_000),
        warned: dice.below(4) == 0,
        fixed: dice.below(2) == 0,
        payer: dice.perhaps("a"),
    }
}

fn lease(dice: &mut Dice, now: u64) -> Lease {
    let of = if dice.below(2) == 0 {
        let (micros, calls) = (dice.below(1_000), dice.below(10));
        Of::Sum { period: dice.period(), more: Leased { micros, calls, fleet_micros: 5, fleet_calls: 7 } }
    } else {
        Of::Tokens { tokens: 3, period_ms: 1_000, burst: 9 }
    };
    Lease { agent: dice.name("a"), key: dice.name("m"), of, at: Timestamp(now) }
}

fn grant(dice: &mut Dice, now: u64) -> Grant {
    Grant {
        id: dice.name("grt"),
        scope: Scope {
            agent: dice.name("a"),
            tool: dice.name("t"),
            wanted: vec![(dice.name("x"), dice.value())],
        },
        uses: 3,
        used: 0,
        at: Timestamp(now),
        expires_at: dice.at(now),
        by: dice.name("uid"),
        reason: dice.name("why"),
    }
}

fn change(dice: &mut Dice, now: u64) -> Change {
    match dice.below(17) {
        0 | 1 => Change::ApprovalRequested(Box::new(approval(dice, now))),
        2 => Change::ApprovalResolved {
            id: dice.name("apr"),
            resolution: Resolution {
                approved: dice.below(3) > 0,
                by: dice.name("uid"),
                reason: dice.name("why"),
                at: Timestamp(now),
            },
        },
        3 => Change::ApprovalConsumed { id: dice.name("apr") },
        4 => {
            let missing = u128::from(dice.below(u64::MAX)) << dice.below(64);
            let bucket = Bucket { missing, at: Timestamp(now), full_at: dice.at(now) };
            Change::TokensTaken { agent: dice.name("a"), buckets: vec![(dice.name("b"), bucket)] }
        }
        5 | 6 => Change::Reserved(Box::new(Reservation {
            agent: dice.name("a"),
            record: format!("dpr-{}", dice.below(30)).into(),
            at: Timestamp(now),
            charges: (0..dice.below(3)).map(|_| charge(dice)).collect(),
        })),
        7 => Change::Leased(Box::new(lease(dice, now))),
        8 => Change::Settled(Settled {
            record: format!("dpr-{}", dice.below(30)).into(),
            actual: vec![(dice.name("m"), dice.below(1_000))],
        }),
        9 => {
            let said =
                if dice.below(2) == 0 { Said::Purpose(dice.name("p")) } else { Said::Stage(dice.name("p")) };
            Change::Declared(Declared {
                agent: dice.name("a"),
                session: dice.name("s"),
                said,
                at: Timestamp(now),
            })
        }
        10 => Change::Granted(Box::new(grant(dice, now))),
        11 => Change::GrantUsed { id: dice.name("grt") },
        12 => Change::GrantRevoked { id: dice.name("grt") },
        13 => Change::Delegated(Box::new(Delegation {
            id: dice.name("dlg"),
            from: dice.name("a"),
            to: dice.name("a"),
            scope: vec![dice.name("t")],
            at: Timestamp(now),
            expires_at: dice.at(now),
            session: dice.name("s"),
            parent: dice.perhaps("dlg"),
            record: dice.name("dpr"),
        })),
        14 => match dice.below(3) {
            0 => Change::DelegationRevoked { id: dice.name("dlg") },
            1 => Change::SpawnEnded { record: dice.name("dpr") },
            _ => Change::Spawned(Spawned {
                by: dice.name("a"),
                agent: dice.name("a"),
                record: dice.name("dpr"),
                at: Timestamp(now),
            }),
        },
        15 => {
            let (agent, phase) = (dice.name("a"), dice.name("p"));
            let declared = [(&*agent, &*phase), ("a-1", "p-1")];
            Change::Rollouts(Rollouts::default().of_policy(declared.into_iter(), Timestamp(now)))
        }
        _ => {
            let standing = Standing::ALL[usize::try_from(dice.below(4)).unwrap()];
            let (by, reason, at) = (dice.name("uid"), dice.name("why"), Timestamp(now));
            let control = Control { standing, by, reason, at, killed_at: None };
            Change::AgentControlled { agent: dice.name("a"), control }
        }
    }
}

/// One step, taken in the same way by both.
fn step(dice: &mut Dice, now: u64, states: [&mut State; 2]) {
    let change = change(dice, now);
    let (agent, call_id, session) = (dice.name("a"), dice.name("call"), dice.perhaps("s"));
    let (tool, permitted) = (dice.name("t"), dice.below(2) == 0);
    let session = session.as_deref().map_or(Session::Process(7), Session::Named);
    let key = CallKey { agent: &agent, session, call_id: &call_id };
    let payload = Payload { tool: &tool, commitment: "c" };
    for state in states {
        state.apply(&change);
        state.count_record(&agent);
        state.recent_mut().note(key, payload, RecordId(u128::from(now)), Timestamp(now), permitted);
    }
}

#[test]
fn what_was_saved_and_loaded_goes_on_as_what_was_not() {
    let histories = if std::env::var_os("FARAMESH_SOAK").is_some() { 20_000 } else { 200 };
    for seed in 0..histories {
        let mut dice = Dice(seed);
        let (mut steady, mut again, mut now) = (State::default(), State::default(), 1_795_176_000_000);
        for number in 0..120 {
            let pause = if dice.below(10) == 0 { 400_000 } else { 100 };
            now += dice.below(pause);
            step(&mut dice, now, [&mut steady, &mut again]);
            if dice.below(8) == 0 {
                let saved = again.save();
                again = State::load(&saved).unwrap();
                assert_eq!(again.save(), saved, "seed {seed}, step {number}");
            }
            assert_eq!(again, steady, "seed {seed}, step {number}");
        }
        assert_eq!(again.save(), steady.save(), "seed {seed}");
    }
}

#[test]
fn other_bytes_are_not_loaded() {
    let mut dice = Dice(1);
    let (mut state, mut other) = (State::default(), State::default());
    for number in 0..60 {
        step(&mut dice, 1_795_176_000_000 + number, [&mut state, &mut other]);
    }
    let saved = state.save();
    for length in 0..saved.len() {
        assert_eq!(State::load(&saved[..length]), None, "{length} of {} bytes", saved.len());
    }
    assert_eq!(State::load(&[&saved[..], b"x"].concat()), None);
    for bit in 0..saved.len() * 8 {
        let mut bytes = saved.clone();
        bytes[bit / 8] ^= 1 << (bit % 8);
        // Whatever comes of it, it ends; that it is another one is told by the digest of whoever keeps it.
        let _ = State::load(&bytes);
    }
}
