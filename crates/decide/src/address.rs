//! Mail addresses in conditions: `@example.com` stands for any address at exactly that domain.

/// What a text is, taken as an address.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Address<'a> {
    /// One plain address; its domain without a final dot.
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
    if local.is_empty() || domain.is_empty() || local.contains(odd) || domain.contains(odd) {
        Address::Malformed
    } else {
        Address::Domain(domain)
    }
}

/// The domain of `@example.com`, which is what `.domain` gives.
pub(crate) fn bare_domain(text: &str) -> Option<&str> {
    let domain = text.strip_prefix('@')?;
    let domain = domain.strip_suffix('.').unwrap_or(domain);
    (!domain.is_empty() && !domain.contains(odd)).then_some(domain)
}

fn odd(character: char) -> bool {
    character.is_whitespace() || character.is_control() || "@,;:<>()[]\\\"%".contains(character)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bare_domains() {
        for (text, expected) in [
            ("@corp.example", Some("corp.example")),
            ("@corp.example.", Some("corp.example")),
            ("@", None),
            ("corp.example", None),
            ("@a@corp.example", None),
            ("@evil.example,b", None),
        ] {
            assert_eq!(bare_domain(text), expected, "{text}");
        }
    }

    #[test]
    fn addresses() {
        for (text, expected) in [
            ("bob@corp.example", Address::Domain("corp.example")),
            ("bob@corp.example.", Address::Domain("corp.example")),
            ("bob", Address::None),
            ("@corp.example", Address::Malformed),
            ("bob@", Address::Malformed),
            ("a@evil.example,b@corp.example", Address::Malformed),
            ("Bob <bob@corp.example>", Address::Malformed),
            ("a@evil.example@corp.example", Address::Malformed),
            ("a%evil.example@corp.example", Address::Malformed),
        ] {
            assert_eq!(parse(text), expected, "{text}");
        }
    }
}
