//! Mail addresses as the engine takes them: one plain address, none, or something malformed.

/// Characters that no plain address has, for the inside of a character class of a regular expression.
const ODD: &str = r#"\s\p{Cc}@,;:<>()\[\]\\"%"#;

/// What a text is, taken as an address.
pub(crate) enum Address<'a> {
    /// One plain address; its domain without a final dot.
    Domain(&'a str),
    /// No `@` in it.
    None,
    /// Anything else.
    Malformed,
}

pub(crate) fn parse(text: &str) -> Address<'_> {
    let Some((local, domain)) = text.split_once('@') else { return Address::None };
    let domain = domain.strip_suffix('.').unwrap_or(domain);
    if local.is_empty() || domain.is_empty() || local.contains(is_odd) || domain.contains(is_odd) {
        Address::Malformed
    } else {
        Address::Domain(domain)
    }
}

/// The domain of `@example.com`, which is what `.domain` gives.
pub(crate) fn bare_domain(text: &str) -> Option<&str> {
    let domain = text.strip_prefix('@')?;
    let domain = domain.strip_suffix('.').unwrap_or(domain);
    (!domain.is_empty() && !domain.contains(is_odd)).then_some(domain)
}

fn is_odd(character: char) -> bool {
    character.is_whitespace() || character.is_control() || "@,;:<>()[]\\\"%".contains(character)
}

/// Plain addresses as a regular expression.
pub(crate) fn plain() -> String {
    format!(r"\A[^{ODD}]+{}\z", at_domain())
}

/// `@` and a domain, as a part of a regular expression.
fn at_domain() -> String {
    format!(r"@(?:[^{ODD}]*[^{ODD}.]|[^{ODD}]+\.)")
}

/// Texts that are a plain address, `@` and a domain, or have no `@`, as a regular expression.
pub(crate) fn comparable() -> String {
    format!(r"\A[^@]*\z|\A[^{ODD}]*{}\z", at_domain())
}
