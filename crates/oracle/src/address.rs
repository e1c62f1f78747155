//! Mail addresses: `@corp.example` as a literal stands for any address at exactly that domain.

/// What a text is, taken as one address.
#[derive(Debug, PartialEq, Eq)]
pub enum Address {
    /// An address at this domain, in small letters and without a final dot.
    At(String),
    /// A domain alone: `@corp.example`.
    Domain(String),
    /// Nothing of that kind.
    None,
    /// It has an `@` and is neither: several addresses, a display name, an empty part. A mail program
    /// may read any domain into it.
    Malformed,
}

/// Takes a text apart.
#[must_use]
pub fn read(text: &str) -> Address {
    let Some((local, domain)) = text.split_once('@') else { return Address::None };
    let domain = domain.strip_suffix('.').unwrap_or(domain).to_ascii_lowercase();
    if domain.is_empty() || has_odd_character(local) || has_odd_character(&domain) {
        Address::Malformed
    } else if local.is_empty() {
        Address::Domain(domain)
    } else {
        Address::At(domain)
    }
}

fn has_odd_character(text: &str) -> bool {
    text.chars().any(|c| c.is_whitespace() || c.is_control() || "@,;:<>()[]\\\"%".contains(c))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses() {
        let at = |domain: &str| Address::At(domain.to_owned());
        for (text, expected) in [
            ("bob@corp.example", at("corp.example")),
            ("bob@CORP.example.", at("corp.example")),
            ("@corp.example", Address::Domain("corp.example".to_owned())),
            ("bob", Address::None),
            ("@", Address::Malformed),
            ("bob@", Address::Malformed),
            ("a@evil.example,b@corp.example", Address::Malformed),
            ("Bob <bob@corp.example>", Address::Malformed),
            ("a@evil.example@corp.example", Address::Malformed),
        ] {
            assert_eq!(read(text), expected, "{text}");
        }
    }
}
