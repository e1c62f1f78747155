//! Globs of clauses to anchored regular expressions.

/// A host in small letters: a leading `*` label is one or more labels, another one is exactly one, and a
/// `*` inside a label is any run of characters of it. A final dot may follow, since a name with one is
/// the same host.
pub(crate) fn host(glob: &str) -> String {
    let labels: Vec<&str> = glob.split('.').collect();
    let count = labels.len();
    let mut regex = String::from("^");
    for (index, label) in labels.into_iter().enumerate() {
        match (index, label) {
            (0, "*") if count > 1 => {
                regex.push_str("(?:[^.]+\\.)+");
                continue;
            }
            (_, "*") => regex.push_str("[^.]+"),
            (_, label) => pieces(&mut regex, label, "[^.]*"),
        }
        if index + 1 < count {
            regex.push_str("\\.");
        }
    }
    regex.push_str("\\.?$");
    regex
}

/// A normalised path: a final `*` segment is one or more segments, another one is exactly one, and a
/// `*` inside a segment is any run of characters of it. A slash at the end makes no difference.
pub(crate) fn path(glob: &str) -> String {
    let (root, body) = glob.strip_prefix('/').map_or(("", glob), |body| ("/", body));
    let segments: Vec<&str> = body.trim_end_matches('/').split('/').collect();
    let count = segments.len();
    let mut regex = format!("^{root}");
    for (index, segment) in segments.into_iter().enumerate() {
        if index > 0 {
            regex.push('/');
        }
        match segment {
            "*" if index + 1 == count => regex.push_str("[^/]+(?:/[^/]+)*"),
            "*" => regex.push_str("[^/]+"),
            segment => pieces(&mut regex, segment, "[^/]*"),
        }
    }
    regex.push_str("/?$");
    regex
}

/// A text: `*` is any run of characters.
pub(crate) fn text(glob: &str) -> String {
    let mut regex = String::from("(?s)^");
    pieces(&mut regex, glob, ".*");
    regex.push('$');
    regex
}

/// A method in small letters.
pub(crate) fn method(glob: &str) -> String {
    let mut regex = String::from("^");
    pieces(&mut regex, glob, "[a-z-]*");
    regex.push('$');
    regex
}

fn pieces(regex: &mut String, glob: &str, run: &str) {
    for (index, piece) in glob.split('*').enumerate() {
        if index > 0 {
            regex.push_str(run);
        }
        regex.push_str(&regex_syntax::escape(piece));
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use faramesh_program::pattern::Pattern;

    fn table(of: fn(&str) -> String, cases: &[(&str, &str, bool)]) {
        for (glob, text, expected) in cases {
            let regex = Pattern::new(&of(glob)).unwrap();
            assert_eq!(regex.is_match(text), *expected, "{glob} against {text}");
        }
    }

    #[test]
    fn hosts() {
        table(
            host,
            &[
                ("*.example.com", "api.example.com", true),
                ("*.example.com", "a.b.example.com", true),
                ("*.example.com", "api.example.com.", true),
                ("*.example.com", "example.com", false),
                ("*.example.com", "evilexample.com", false),
                ("*.example.com", "a.example.com.evil.net", false),
                ("*.example.com", ".example.com", false),
                ("api.*.example.com", "api.eu.example.com", true),
                ("api.*.example.com", "api.a.b.example.com", false),
                ("api-*.example.com", "api-eu.example.com", true),
                ("api-*.example.com", "api-.example.com", true),
                ("api-*.example.com", "api-a.b.example.com", false),
                ("*", "localhost", true),
                ("*.bücher.de", "a.bücher.de", true),
            ],
        );
    }

    #[test]
    fn paths() {
        table(
            path,
            &[
                ("/v1/*", "/v1/a", true),
                ("/v1/*", "/v1/a/b/", true),
                ("/v1/*", "/v1", false),
                ("/v1/*", "/v1/", false),
                ("/v1/*", "/v10/a", false),
                ("/v1/*/x", "/v1/a/x", true),
                ("/v1/*/x", "/v1/a/b/x", false),
                ("/v1/re*s", "/v1/refunds/", true),
                ("/v1/re*s", "/v1/re/s", false),
                ("/*", "/a/b", true),
                ("/*", "/", false),
                ("drafts/*", "drafts/a.md", true),
                ("drafts/*", "/drafts/a.md", false),
                ("/a.b*", "/axb", false),
            ],
        );
    }

    #[test]
    fn texts_and_methods() {
        table(
            text,
            &[("a*c", "a\nb\nc", true), ("a*c", "ac", true), ("a*", "ba", false), ("@x", "y@x", false)],
        );
        table(method, &[("p*", "post", true), ("p*", "get", false), ("p*", "p1", false)]);
    }
}
