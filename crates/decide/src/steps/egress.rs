//! Step 9: the call reaches only hosts that the agent may reach. A call names a host by its HTTP request,
//! else by the arguments `host` and `url`; each of them is judged, and a call that names none is not.
//! Leaves out where a name leads: nothing is resolved here. Ends with `EGRESS_DENIED`.
//!
//! INVARIANT closed: what cannot be read as a host is denied, and so is a number that is no address in
//! the usual form, because resolvers disagree about those.

use core::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use faramesh_call::glob::matches;
use faramesh_call::{Code, Effect, Value};
use faramesh_program::image::{Egress, HostPattern};

use crate::Flow;
use crate::input::Input;
use crate::outside;
use crate::verdict::Verdict;

pub(crate) fn step<'a>(input: &Input<'a>, verdict: &mut Verdict<'a>) -> Flow {
    let egress = input.agent.limits().and_then(|limits| limits.egress());
    let Some(egress) = egress.filter(|_| verdict.effect != Effect::Deny) else { return Flow::Continue };
    outside::note_host(input.agent, input.call, verdict);
    let Some(why) = refused(input, egress) else { return Flow::Continue };
    verdict.take_back();
    verdict.effect = Effect::Deny;
    verdict.code = Code::EgressDenied;
    verdict.message = why;
    verdict.next = None;
    Flow::End
}

/// Why one of the hosts may not be reached; `None` when all may.
fn refused(input: &Input<'_>, egress: &Egress) -> Option<String> {
    let agent = &input.agent.name;
    let judged = |host: Option<Host>| match host {
        None => Some("where this call goes cannot be told, and the policy says where it may".to_owned()),
        Some(host) => (!allowed(egress, &host))
            .then(|| format!("agent `{agent}` may not reach `{}`", host.name.escape_debug())),
    };
    if let Some(http) = &input.call.http {
        return judged(Host::read(&http.host));
    }
    let argument = |key: &str, host_of: fn(&str) -> Option<Host>| match input.call.args.get(key) {
        None | Some(Value::Null) => None,
        Some(Value::String(text)) => judged(host_of(text)),
        Some(_) => judged(None),
    };
    argument("host", Host::read).or_else(|| argument("url", Host::of_url))
}

/// A host in one form.
#[derive(Debug, PartialEq, Eq)]
struct Host {
    /// In small letters, without a dot at the end.
    name: String,
    /// When it is an address.
    address: Option<IpAddr>,
}

impl Host {
    fn read(text: &str) -> Option<Self> {
        let name = text.strip_suffix('.').unwrap_or(text).to_lowercase();
        let inner = name.strip_prefix('[').and_then(|rest| rest.strip_suffix(']')).unwrap_or(&name);
        if let Ok(address) = inner.parse::<IpAddr>() {
            let address = match address {
                IpAddr::V6(six) => six.to_ipv4_mapped().map_or(IpAddr::V6(six), IpAddr::V4),
                four @ IpAddr::V4(_) => four,
            };
            return Some(Self { name: inner.to_owned(), address: Some(address) });
        }
        let odd = |c: char| c.is_whitespace() || c.is_control() || "/\\?#@:[]%".contains(c);
        let last = name.rsplit('.').next().unwrap_or_default();
        let numeric = last.starts_with("0x") || last.bytes().all(|byte| byte.is_ascii_digit());
        if numeric || name.contains(odd) || name.split('.').any(str::is_empty) {
            return None;
        }
        Some(Self { name, address: None })
    }

    /// The host of a URL; only forms that every reader takes alike.
    fn of_url(url: &str) -> Option<Self> {
        let (scheme, rest) = url.split_once("://")?;
        if scheme.is_empty()
            || !scheme.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"+-.".contains(&byte))
        {
            return None;
        }
        let authority = rest.split(['/', '?', '#']).next()?;
        if authority.contains(['@', '\\']) {
            return None;
        }
        let port = |text: &str| text.bytes().all(|byte| byte.is_ascii_digit());
        match authority.rsplit_once(':') {
            Some((host, after)) if port(after) => Self::read(host),
            _ => Self::read(authority),
        }
    }
}

fn allowed(egress: &Egress, host: &Host) -> bool {
    let named = |patterns: &[HostPattern]| patterns.iter().any(|pattern| is_as(pattern, host));
    named(&egress.allow) && !named(&egress.deny)
}

fn is_as(pattern: &HostPattern, host: &Host) -> bool {
    match (pattern, &host.address) {
        (HostPattern::Name(name), _) => is_named(name, &host.name),
        (HostPattern::Network4 { address, prefix }, Some(IpAddr::V4(found))) => {
            let shift = 32_u32.saturating_sub(u32::from(*prefix));
            let bits = |of: Ipv4Addr| of.to_bits().checked_shr(shift).unwrap_or(0);
            bits(*found) == bits(Ipv4Addr::from(*address))
        }
        (HostPattern::Network6 { address, prefix }, Some(IpAddr::V6(found))) => {
            let shift = 128_u32.saturating_sub(u32::from(*prefix));
            let bits = |of: Ipv6Addr| of.to_bits().checked_shr(shift).unwrap_or(0);
            bits(*found) == bits(Ipv6Addr::from(*address))
        }
        _ => false,
    }
}

/// As the `host` clause of rules: a leading `*` is one or more labels, another one is exactly one, and
/// a `*` in a label any run of its characters.
fn is_named(pattern: &str, name: &str) -> bool {
    let wanted: Vec<&str> = pattern.trim_end_matches('.').split('.').collect();
    let found: Vec<&str> = name.split('.').collect();
    let leading = wanted.len() > 1 && wanted.first() == Some(&"*");
    if found.len() < wanted.len() || (!leading && found.len() != wanted.len()) {
        return false;
    }
    let label = |(wanted, found): (&&str, &&str)| {
        if *wanted == "*" { !found.is_empty() } else { matches(wanted, found) }
    };
    wanted.iter().rev().zip(found.iter().rev()).take(wanted.len() - usize::from(leading)).all(label)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names() {
        for (pattern, name, expected) in [
            ("*.example.com", "api.example.com", true),
            ("*.example.com", "a.b.example.com", true),
            ("*.example.com", "example.com", false),
            ("*.example.com", "evilexample.com", false),
            ("*.example.com", "a.example.com.evil.net", false),
            ("api.*.example.com", "api.eu.example.com", true),
            ("api.*.example.com", "api.a.b.example.com", false),
            ("api-*.example.com", "api-eu.example.com", true),
            ("*", "localhost", true),
            ("*", "a.b", false),
        ] {
            assert_eq!(is_named(pattern, name), expected, "{pattern} on {name}");
        }
    }

    #[test]
    fn hosts_of_urls() {
        let name = |url: &str| Host::of_url(url).map(|host| host.name);
        for (url, expected) in [
            ("https://API.example.com/v1?x#y", Some("api.example.com")),
            ("https://api.example.com.:8443", Some("api.example.com")),
            ("http://[::1]:80/", Some("::1")),
            ("https://good.com@evil.com/", None),
            ("https://good.com\\@evil.com/", None),
            ("//evil.com", None),
            ("evil.com/x", None),
            ("https://", None),
            ("https://a b.com/", None),
            ("http://2130706433/", None),
            ("http://0x7f.0.0.0x1/", None),
            ("http://127.1/", None),
        ] {
            assert_eq!(name(url).as_deref(), expected, "{url}");
        }
    }

    #[test]
    fn networks() {
        let ten = HostPattern::Network4 { address: [10, 0, 0, 0], prefix: 8 };
        let every = HostPattern::Network4 { address: [0; 4], prefix: 0 };
        let local =
            HostPattern::Network6 { address: Ipv6Addr::from_bits(0xfe80 << 112).octets(), prefix: 10 };
        let host = |text: &str| Host::read(text).unwrap();
        for (pattern, text, expected) in [
            (&ten, "10.1.2.3", true),
            (&ten, "11.1.2.3", false),
            (&ten, "::ffff:10.1.2.3", true),
            (&ten, "example.com", false),
            (&every, "1.2.3.4", true),
            (&every, "::1", false),
            (&local, "fe80::1", true),
            (&local, "[fe80::1]", true),
            (&local, "fec0::1", false),
        ] {
            assert_eq!(is_as(pattern, &host(text)), expected, "{text}");
        }
    }
}
