//! Which crates of the registry a pure crate may reach, and which are named as what they bring in.
//!
//! Two lists: an allow-list decides, a deny-list only makes the message clear. A crate on neither fails.

use crate::workspace::Workspace;

/// Crates that compute and nothing else. The second word is the reason, or the feature to keep off.
const ALLOWED: &[(&str, &str)] = &[
    ("aho-corasick", "search in memory"),
    ("base16ct", "digits"),
    ("base64", "bytes to text"),
    ("base64ct", "bytes to text in constant time"),
    ("block-buffer", "buffers of a hash"),
    ("castaway", "types compared when compiling"),
    ("cfg-if", "a macro"),
    ("cmov", "constant-time choice"),
    ("cobs", "framing in memory"),
    ("compact_str", "short texts in place"),
    ("const-oid", "constants"),
    ("cpubits", "asks the compiler for the width of a word"),
    ("cpufeatures", "asks the processor which instructions it has"),
    ("crypto-bigint", "large numbers"),
    ("crypto-common", "traits of hashes"),
    ("ctutils", "constant-time comparison"),
    ("curve25519-dalek", "arithmetic on a curve"),
    ("curve25519-dalek-derive", "a macro"),
    ("der", "structures as bytes"),
    ("digest", "traits of hashes"),
    ("ecdsa", "signatures"),
    ("ed25519", "signatures"),
    ("ed25519-dalek", "signatures"),
    ("elliptic-curve", "arithmetic on curves"),
    ("embedded-io", "traits; the lock names it for postcard, the build leaves it out"),
    ("ff", "traits of fields"),
    ("group", "traits of groups"),
    ("hmac", "a keyed hash"),
    ("hybrid-array", "arrays"),
    ("itoa", "numbers to text"),
    ("memchr", "search in memory"),
    ("num-traits", "traits of numbers"),
    ("p256", "signatures"),
    ("p384", "signatures"),
    ("pem-rfc7468", "bytes to text; the ledger's key file needs it"),
    ("pkcs8", "keys as bytes"),
    ("postcard", "bytes to values"),
    ("primefield", "arithmetic of fields"),
    ("primeorder", "arithmetic on curves"),
    ("rand_core", "traits of generators; it opens none itself"),
    ("regex", "linear-time patterns"),
    ("regex-automata", "linear-time patterns"),
    ("regex-syntax", "linear-time patterns"),
    ("rfc6979", "nonces of the message, without randomness"),
    ("rustc-hash", "a hasher without a seed"),
    ("sec1", "points as bytes"),
    ("serde", "traits"),
    ("serde_core", "traits"),
    ("serdect", "traits; the lock names it, the build leaves it out"),
    ("sha2", "a hash"),
    ("signature", "traits of signatures"),
    ("spki", "public keys as bytes"),
    ("static_assertions", "checks when compiling"),
    ("subtle", "constant-time comparison"),
    ("thiserror", "a macro and a trait"),
    ("typenum", "numbers as types"),
    ("wnaf", "arithmetic on curves"),
    ("zeroize", "memory emptied after use"),
    ("zmij", "floating numbers to text; the records never hold one"),
];

/// Crates allowed only when the crate before them on the path is the one named here.
const ALLOWED_BEHIND: &[(&str, &str)] = &[("libc", "cpufeatures")];

/// What a crate brings in that a pure crate must not reach, and the crates known for it.
const FORBIDDEN: &[(&str, &[&str])] = &[
    (
        "an async runtime",
        &["tokio", "async-std", "smol", "async-io", "futures-executor", "mio", "polling", "monoio"],
    ),
    (
        "the file system",
        &["rustix", "nix", "tempfile", "rusqlite", "libsqlite3-sys", "memmap2", "walkdir", "fs2", "dirs"],
    ),
    (
        "the network",
        &["hyper", "reqwest", "socket2", "ureq", "axum", "tonic", "rustls", "tokio-postgres", "redis"],
    ),
    ("the clock", &["time", "chrono", "jiff", "quanta", "coarsetime", "instant", "web-time", "humantime"]),
    ("randomness", &["rand", "getrandom", "fastrand", "ahash", "uuid", "oorandom"]),
    (
        "the environment",
        &["dirs-sys", "envy", "dotenvy", "hostname", "whoami", "signal-hook", "num_cpus", "sysinfo"],
    ),
];

/// What a crate brings in that a pure crate must not reach, in words.
pub fn forbidden_subject(name: &str) -> Option<&'static str> {
    FORBIDDEN.iter().find(|(_, names)| names.contains(&name)).map(|(subject, _)| *subject)
}

/// Whether a pure crate may reach this one. `path` ends in it and starts at the pure crate.
pub fn is_allowed(workspace: &Workspace, name: &str, path: &[&str]) -> bool {
    if ALLOWED.iter().any(|(allowed, _)| *allowed == name) {
        return true;
    }
    let Some((_, guard)) = ALLOWED_BEHIND.iter().find(|(allowed, _)| *allowed == name) else { return false };
    // Every crate in reach that is linked with it must be its guard, not only the one on the shortest path.
    let Some((start, end)) = path.first().zip(path.last()) else { return false };
    let mut reached: Vec<&str> = workspace.reach(start).into_keys().collect();
    reached.push(start);
    let users = reached.iter().filter_map(|id| workspace.packages.get(*id));
    users.filter(|user| user.depends.contains(*end)).all(|user| user.name == *guard)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_crate_is_on_both_lists() {
        for (name, reason) in ALLOWED {
            assert_eq!(forbidden_subject(name), None, "{name}");
            assert!(!reason.is_empty(), "{name} needs a reason");
        }
        assert!(ALLOWED.is_sorted(), "keep the list in order");
    }
}
