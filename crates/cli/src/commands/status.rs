//! `faramesh status`: the daemon, the policy in force, and which protections are really active.

use std::thread::sleep;
use std::time::Duration;

use clap::Args;
use faramesh_call::{Object, Value, object};

use crate::client;
use crate::commands::dev::short;
use crate::context::Context;
use crate::exit::Exit;
use crate::failure::Failure;
use crate::views::json::{list, number, text};
use crate::views::table::{counted, pairs};
use crate::views::{json, time, words};

/// Time between two looks with `--watch`.
const LOOK_EVERY: Duration = Duration::from_secs(2);

/// What `status` takes.
#[derive(Debug, Args)]
pub struct Arguments {
    /// Look again every two seconds, until Ctrl-C
    #[arg(long)]
    watch: bool,
}

/// Shows the status.
///
/// # Errors
/// The daemon does not answer as it should, or the output cannot be written.
pub fn run(arguments: &Arguments, context: &Context) -> Result<Exit, Failure> {
    context.console.only_text_or_json()?;
    loop {
        let exit = once(context, arguments.watch)?;
        if !arguments.watch {
            return Ok(exit);
        }
        sleep(LOOK_EVERY);
    }
}

fn once(context: &Context, watching: bool) -> Result<Exit, Failure> {
    let Some(mut client) = client::find(context)? else {
        let value = json::versioned(object! { "daemon" => object! { "state" => "DOWN" } });
        context.console.show(&value, |_| format!("{}: no daemon answers", words::bad("DOWN")))?;
        if !watching {
            context.console.hint(&format!("{} starts it in the background", context.command("apply")));
            context.console.hint(&format!("{} runs it here", context.command("dev")));
        }
        return Ok(Exit::Down);
    };
    let value = client.request("status", Object::new())?;
    if watching && context.console.is_terminal() && !context.console.is_for_programs() {
        context.console.out("\x1b[2J\x1b[H")?;
    }
    context.console.show(&value, view)?;
    Ok(exit(text(&value, &["daemon", "state"])))
}

fn exit(state: &str) -> Exit {
    match state {
        "READY" => Exit::Success,
        "STARTING" | "INITIALIZING" => Exit::Starting,
        "DEGRADED" => Exit::Degraded,
        _ => Exit::Down,
    }
}

fn view(value: &Value) -> String {
    let daemon = |key: &str| text(value, &["daemon", key]);
    let state = match daemon("state") {
        "READY" => words::good("READY"),
        state @ ("DEGRADED" | "STARTING" | "INITIALIZING") => words::waiting(state),
        other => words::bad(other),
    };
    let uptime = time::duration(number(value, &["daemon", "uptime_seconds"]) * 1_000);
    let rows = [
        ("daemon", format!("{state}, pid {}, up {uptime}", number(value, &["daemon", "pid"]))),
        ("stack", text(value, &["stack"]).to_owned()),
        ("policy", policy(value)),
        ("mode", mode(daemon("runtime_mode"))),
        ("identity", identity(text(value, &["identity"]))),
        ("socket", daemon("socket").to_owned()),
        ("http", Some(daemon("http")).filter(|url| !url.is_empty()).unwrap_or("off").to_owned()),
        ("ledger", ledger(value)),
        ("signatures", signatures(value)),
        (
            "sandbox",
            if json::is_true(value, &["daemon", "os_tier", "enabled"]) { "on" } else { "off" }.to_owned(),
        ),
        ("approvals", approvals(value)),
    ];
    let sinks = list(value, &["ledger", "sinks"]).iter().map(|value| ("sink", sink(value)));
    let witnesses = list(value, &["witnesses"]).iter().map(|value| ("witness", witness(value)));
    let rollouts = list(value, &["rollouts"]).iter().map(|value| ("rollout", rollout(value)));
    let budgets = list(value, &["budgets"]).iter().map(|value| ("budget", budget(value)));
    let rows: Vec<_> =
        rows.into_iter().chain(witnesses).chain(rollouts).chain(budgets).chain(sinks).collect();
    let mut text = pairs(&rows);
    let warnings = list(value, &["warnings"]);
    if !warnings.is_empty() {
        text.push_str(&format!("\n\n{}", words::heading("not protected, or worth knowing")));
        for warning in warnings {
            text.push_str(&format!("\n  ! {}", warning.as_str().unwrap_or_default()));
        }
    }
    text
}

fn policy(value: &Value) -> String {
    let applied = text(value, &["daemon", "applied_at"]);
    let ago = time::age(applied, time::now());
    format!(
        "{} ({}), applied {} ({ago} ago)",
        text(value, &["daemon", "policy_source"]),
        short(text(value, &["daemon", "policy_hash"])),
        time::day_and_time(applied),
    )
}

fn mode(mode: &str) -> String {
    match mode {
        "enforce" => "enforce".to_owned(),
        "audit" => "audit: every call is permitted, decisions are only recorded".to_owned(),
        "dev" => "dev: decisions bind, every record is marked as a trial".to_owned(),
        other => other.to_owned(),
    }
}

fn identity(method: &str) -> String {
    match method {
        "unix" => "attested by the kernel".to_owned(),
        "self-declared" => "self-declared: agents name themselves".to_owned(),
        other => other.to_owned(),
    }
}

fn witness(value: &Value) -> String {
    let what = format!("{} at {}", text(value, &["name"]), text(value, &["url"]));
    let error = text(value, &["error"]);
    if !error.is_empty() {
        return format!("{}: {error}", words::bad(&what));
    }
    match text(value, &["time"]) {
        "" => format!("{what}, not asked yet"),
        time => {
            let records = counted(number(value, &["size"]), "record");
            format!("{what}, cosigned {records} {}", time::day_and_time(time))
        }
    }
}

fn rollout(value: &Value) -> String {
    let what = format!("{} of {}", text(value, &["phase"]), text(value, &["agent"]));
    if json::is_true(value, &["enforced"]) {
        return format!("{what}: ended, its tools are denied");
    }
    match text(value, &["ends"]) {
        "" => what,
        ends => format!("{what}, until {} ({})", time::day_and_time(ends), time::until(ends, time::now())),
    }
}

fn signatures(value: &Value) -> String {
    if !json::is_true(value, &["ledger", "signed"]) {
        return "off".to_owned();
    }
    let made = |member| ["ledger", "checkpoint", member];
    let failed = text(value, &made("error"));
    let lag = counted(number(value, &made("lag")), "record");
    if !failed.is_empty() {
        return format!("failing, {lag} unsigned: {failed}");
    }
    let time = text(value, &made("time"));
    let last = if time.is_empty() {
        "no checkpoint yet".to_owned()
    } else {
        format!("last {}", time::day_and_time(time))
    };
    format!("{}, {last}, {lag} behind it", text(value, &made("mode")))
}

fn ledger(value: &Value) -> String {
    let records = counted(number(value, &["ledger", "records"]), "record");
    let place = text(value, &["daemon", "wal", "place"]);
    match text(value, &["daemon", "wal", "path"]) {
        "" if !place.is_empty() => {
            format!("{} at {place}, {records}", text(value, &["daemon", "wal", "backend"]))
        }
        "" => format!("in memory, {records}; gone when the daemon ends"),
        path => format!("{path}, {records}"),
    }
}

pub(super) fn budget(value: &Value) -> String {
    let shown =
        |key: &str| json::at(value, &[key]).filter(|value| **value != Value::Null).map(json::indented);
    let of = |used: &str, most: &str, sign: &str| {
        Some(format!("{sign}{} of {sign}{}", shown(used)?, shown(most)?))
    };
    let unit = match text(value, &["unit"]) {
        "" => "calls",
        unit => unit,
    };
    let calls = of("calls", "max_calls", "").map(|calls| format!("{calls} {unit}"));
    let used: Vec<String> = [of("spent_usd", "max_usd", "$"), calls].into_iter().flatten().collect();
    let mut line = format!("{} {}: {}", text(value, &["agent"]), text(value, &["id"]), used.join(", "));
    let session = text(value, &["session"]);
    if !session.is_empty() {
        line.push_str(&format!(", session {session}"));
    }
    let resets_at = text(value, &["resets_at"]);
    if !resets_at.is_empty() {
        line.push_str(&format!(", until {}", time::day_and_time(resets_at)));
    }
    line
}

fn sink(value: &Value) -> String {
    let state = match text(value, &["status"]) {
        "HEALTHY" => words::good("HEALTHY"),
        "DEGRADED" => words::waiting("DEGRADED"),
        other => words::bad(other),
    };
    let last = match text(value, &["last_delivery"]) {
        "" => "nothing delivered yet".to_owned(),
        at => format!("last delivery {} ago", time::age(at, time::now())),
    };
    let lag = match number(value, &["lag"]) {
        0 => "nothing waits".to_owned(),
        lag => format!("{} behind", counted(lag, "record")),
    };
    let (name, destination) = (text(value, &["name"]), text(value, &["destination"]));
    let to = if destination.is_empty() { String::new() } else { format!(" to {destination}") };
    format!("{name}{to}: {state}, {lag}, {last}")
}

fn approvals(value: &Value) -> String {
    match number(value, &["approvals", "pending"]) {
        0 => "none waits".to_owned(),
        pending => {
            let oldest = time::duration(number(value, &["approvals", "oldest_age_seconds"]) * 1_000);
            format!(
                "{} waiting, the oldest for {oldest}: `faramesh approvals list`",
                counted(pending, "call")
            )
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn states_have_their_exit_codes() {
        for (state, number) in [
            ("READY", 0),
            ("HALT", 1),
            ("DRAINING", 1),
            ("STARTING", 2),
            ("INITIALIZING", 2),
            ("DEGRADED", 3),
        ] {
            assert_eq!(exit(state).number(), number, "{state}");
        }
    }

    #[test]
    fn what_is_off_is_said() {
        let value = faramesh_call::json::parse(
            br#"{"stack":"s","identity":"self-declared","daemon":{"state":"READY","pid":7,"uptime_seconds":65,
            "runtime_mode":"dev","policy_hash":"sha256:00","applied_at":"2026-11-20T09:30:00.000Z",
            "wal":{"backend":"memory","path":null}},"ledger":{"records":1200,"signed":false,
            "sinks":[{"name":"siem","destination":"https://siem.example.com","status":"DEGRADED","lag":1200,
            "last_delivery":null}]},
            "budgets":[{"agent":"a","id":"daily","session":null,"spent_usd":2.5,"max_usd":10,"calls":3,
            "max_calls":null,"resets_at":"2026-11-21T00:00:00.000Z"}],
            "approvals":{"pending":2,"oldest_age_seconds":61},"warnings":["records are not signed"]}"#,
        )
        .unwrap();
        let text = anstream::adapter::strip_str(&view(&value)).to_string();
        for part in [
            "✓ READY, pid 7, up 1m 5s",
            "in memory, 1,200 records",
            "self-declared",
            "signatures  off",
            "2 calls waiting",
            "siem to https://siem.example.com: ",
            "1,200 records behind, nothing delivered yet",
            "a daily: $2.5 of $10, until ",
            "! records are not signed",
        ] {
            assert!(text.contains(part), "{part}:\n{text}");
        }
    }
}
