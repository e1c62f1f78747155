//! Mail addresses in conditions: `@example.com` stands for any address at exactly that domain.

/// What a text is, taken as an address.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Address<'a> {
    /// One plain address; its domain without a final dot.
    At(&'a str),
    /// A domain alone, as `@corp.example`; without the `@` and a final dot.
    Domain(&'a str),
    /// No `@` in it.
    None,
    /// Several addresses, a display name or worse: not something to match a domain against.
    Malformed,
}

/// Takes a text as one plain address. Anything that a mail program could read as another domain
/// is malformed, so that it neither satisfies a permit nor escapes a deny.
pub(crate) fn parse(text: &str) -> Address<'_> {
    let Some((local, domain)) = text.split_once('@') else { return Address::None };
    let domain = domain.strip_suffix('.').unwrap_or(domain);
    let odd = |character: char| {
        character.is_whitespace() || character.is_control() || "@,;:<>()[]\\\"%".contains(character)
    };
    if domain.is_empty() || local.contains(odd) || domain.contains(odd) {
        Address::Malformed
    } else if local.is_empty() {
        Address::Domain(domain)
    } else {
        Address::At(domain)
    }
}

/// Whether a text is an address at `domain`, or that domain itself; `None` for a malformed address.
pub(crate) fn at_domain(text: &str, domain: &str) -> Option<bool> {
    if text.eq_ignore_ascii_case(domain) {
        return Some(true);
    }
    match parse(text) {
        Address::At(found) | Address::Domain(found) => {
            let domain = domain.strip_prefix('@').unwrap_or(domain);
            Some(found.eq_ignore_ascii_case(domain.strip_suffix('.').unwrap_or(domain)))
        }
        Address::None => Some(false),
        Address::Malformed => None,
    }
}

/// The same for several domains, sorted and in small letters.
pub(crate) fn in_domains(text: &str, domains: &[Box<str>]) -> Option<bool> {
    let known = |domain: &str| domains.binary_search_by(|other| (**other).cmp(domain)).is_ok();
    match parse(text) {
        Address::At(domain) | Address::Domain(domain) => {
            let domain = format!("@{}.", domain.to_ascii_lowercase());
            Some(known(&domain) || known(domain.strip_suffix('.').unwrap_or_default()))
        }
        Address::None => Some(false),
        Address::Malformed if known(&text.to_ascii_lowercase()) => Some(true),
        Address::Malformed => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses() {
        for (text, expected) in [
            ("bob@corp.example", Address::At("corp.example")),
            ("bob@corp.example.", Address::At("corp.example")),
            ("bob", Address::None),
            ("@corp.example", Address::Domain("corp.example")),
            ("@", Address::Malformed),
            ("bob@", Address::Malformed),
            ("a@evil.example,b@corp.example", Address::Malformed),
            ("Bob <bob@corp.example>", Address::Malformed),
            ("a@evil.example@corp.example", Address::Malformed),
            ("a%evil.example@corp.example", Address::Malformed),
        ] {
            assert_eq!(parse(text), expected, "{text}");
        }
    }

    #[test]
    fn domains() {
        for (text, domain, expected) in [
            ("bob@corp.example", "@corp.example", Some(true)),
            ("bob@CORP.example.", "@corp.example", Some(true)),
            ("bob@corp.example", "@CORP.example.", Some(true)),
            ("@corp.example", "@corp.example", Some(true)),
            ("@evil.example", "@corp.example", Some(false)),
            ("bob@sub.corp.example", "@corp.example", Some(false)),
            ("bob", "@corp.example", Some(false)),
            ("a@b@corp.example", "@corp.example", None),
            ("@", "@", Some(true)),
        ] {
            assert_eq!(at_domain(text, domain), expected, "{text} at {domain}");
            let domains = [domain.to_ascii_lowercase().into()];
            assert_eq!(in_domains(text, &domains), expected, "{text} in {domain}");
        }
    }
}
