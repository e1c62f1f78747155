//! Patterns, by trying every way to match: `*` against segments of a tool or a path, labels of a host,
//! and runs of characters.

/// A tool pattern. A lone `*` is every tool, a last segment `*` is one or more segments, any other
/// segment `*` is exactly one, and a `*` inside a segment is any run of characters of it.
#[must_use]
pub fn tool(pattern: &str, tool: &str) -> bool {
    if pattern == "*" {
        return true;
    }
    let (pattern, tool): (Vec<&str>, Vec<&str>) = (pattern.split('/').collect(), tool.split('/').collect());
    segments(&pattern, &tool, &|_| true)
}

/// The pattern of a path, in the same way; the path and its pattern are normalised, a slash at the end
/// makes no difference, and a segment that a lone `*` stands for is not empty.
#[must_use]
pub fn path(pattern: &str, path: &str) -> bool {
    let trim = |text: &str| if text == "/" { text.to_owned() } else { text.trim_end_matches('/').to_owned() };
    let (pattern, path) = (trim(pattern), trim(path));
    let (pattern, path): (Vec<&str>, Vec<&str>) = (pattern.split('/').collect(), path.split('/').collect());
    segments(&pattern, &path, &|segment| !segment.is_empty())
}

fn segments(pattern: &[&str], text: &[&str], may_be_star: &dyn Fn(&str) -> bool) -> bool {
    match (pattern, text) {
        ([], []) => true,
        (["*"], [_, ..]) => text.iter().all(|segment| may_be_star(segment)),
        (["*", pattern @ ..], [segment, text @ ..]) => {
            may_be_star(segment) && segments(pattern, text, may_be_star)
        }
        ([first, pattern @ ..], [segment, text @ ..]) => {
            run(first, segment) && segments(pattern, text, may_be_star)
        }
        _ => false,
    }
}

/// The pattern of a host, whatever the case of letters. A leading `*` label is one or more labels,
/// another one is exactly one, and a `*` inside a label is any run of characters of it. A final dot
/// of the host makes no difference.
#[must_use]
pub fn host(pattern: &str, host: &str) -> bool {
    let (pattern, host) = (pattern.to_lowercase(), host.to_lowercase());
    let host = host.strip_suffix('.').unwrap_or(&host);
    let (pattern, host): (Vec<&str>, Vec<&str>) = (pattern.split('.').collect(), host.split('.').collect());
    match pattern.as_slice() {
        ["*", rest @ ..] if !rest.is_empty() => (1..=host.len()).any(|taken| {
            let (first, tail) = host.split_at_checked(taken).unwrap_or_default();
            first.iter().all(|label| !label.is_empty()) && labels(rest, tail)
        }),
        pattern => labels(pattern, &host),
    }
}

fn labels(pattern: &[&str], host: &[&str]) -> bool {
    pattern.len() == host.len()
        && pattern.iter().zip(host).all(|(pattern, label)| match *pattern {
            "*" => !label.is_empty(),
            pattern => run(pattern, label),
        })
}

/// The pattern of a method, whatever the case of letters; `*` is any run of letters and hyphens.
#[must_use]
pub fn method(pattern: &str, method: &str) -> bool {
    let is_word = |c: char| c.is_ascii_alphabetic() || c == '-';
    let (pattern, method) = (pattern.to_lowercase(), method.to_lowercase());
    run_of(&pattern, &method, &is_word)
}

/// Whether a text is a pattern in which `*` is any run of characters.
#[must_use]
pub fn run(pattern: &str, text: &str) -> bool {
    run_of(pattern, text, &|_| true)
}

fn run_of(pattern: &str, text: &str, may_be_star: &dyn Fn(char) -> bool) -> bool {
    let (mut pattern_rest, mut text_rest) = (pattern.chars(), text.chars());
    match (pattern_rest.next(), text_rest.next()) {
        (None, None) => true,
        (Some('*'), next) => {
            run_of(pattern_rest.as_str(), text, may_be_star)
                || next.is_some_and(|c| may_be_star(c) && run_of(pattern, text_rest.as_str(), may_be_star))
        }
        (Some(left), Some(right)) => {
            left == right && run_of(pattern_rest.as_str(), text_rest.as_str(), may_be_star)
        }
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tools() {
        for (pattern, name, expected) in [
            ("stripe/*", "stripe/a/b", true),
            ("stripe/*", "stripe", false),
            ("warehouse/*/write", "warehouse/a/write", true),
            ("warehouse/*/write", "warehouse/a/b/write", false),
            ("*_search", "web_search", true),
            ("*_search", "web/x_search", false),
            ("a*b*c", "axbyc", true),
            ("aa*aa", "aaa", false),
            ("*", "any/thing", true),
            ("*/*", "a", false),
        ] {
            assert_eq!(tool(pattern, name), expected, "{pattern} {name}");
        }
    }

    #[test]
    fn requests() {
        assert!(host("*.example.com", "a.B.example.com."));
        assert!(!host("*.example.com", "example.com") && !host("*.example.com", ".example.com"));
        assert!(!host("api.*.example.com", "api.a.b.example.com") && host("a*.com", "A.com"));
        assert!(path("/v1/*", "/v1/a/b/") && !path("/v1/*", "/v1/") && path("/v1/x", "/v1/x/"));
        assert!(method("P*", "post") && !method("P*", "p1") && !method("GET", "GE"));
    }
}
